package core

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/states"
	"github.com/usherhq/usher/internal/store"
)

// SetFlowRunState proposes a state for a flow run and answers what became of it; written
// says that the run has a new state.
func (c *Core) SetFlowRunState(ctx context.Context, who Caller, id uuid.UUID, in *api.SetFlowRunStateRequest) (result *api.OrchestrationResult, written bool, err error) {
	err = c.write(ctx, who, func(w *work) error {
		run, err := w.lockFlowRun(id)
		if err != nil {
			return err
		}
		run.Quiet = !in.EmitEvent.Or(true)
		result, written, err = w.moveFlowRun(run, states.Propose(in.State, newID(), w.now.Time), states.Forced(in.Force.Or(false)))
		return err
	})
	return result, written, err
}

// SetTaskRunState proposes a state for a task run and answers what became of it; written
// says that the run has a new state.
func (c *Core) SetTaskRunState(ctx context.Context, who Caller, id uuid.UUID, in *api.SetTaskRunStateRequest) (result *api.OrchestrationResult, written bool, err error) {
	err = c.write(ctx, who, func(w *work) error {
		result, written, err = w.setTaskRunState(id, states.Propose(in.State, newID(), w.now.Time), states.Forced(in.Force.Or(false)))
		return err
	})
	return result, written, err
}

// setFlowRunState decides about a state that is proposed for a flow run and writes what
// was decided, with all its effects.
func (w *work) setFlowRunState(id uuid.UUID, proposed api.State, policy states.Policy) (*api.OrchestrationResult, bool, error) {
	run, err := w.lockFlowRun(id)
	if err != nil {
		return nil, false, err
	}
	return w.moveFlowRun(run, proposed, policy)
}

func (w *work) lockFlowRun(id uuid.UUID) (*store.FlowRunInTransition, error) {
	run, err := w.LockFlowRun(id)
	if errors.Is(err, store.ErrNoRows) {
		err = notThere("Flow run", id)
	}
	return run, err
}

// moveFlowRun is setFlowRunState for a run that is locked.
func (w *work) moveFlowRun(run *store.FlowRunInTransition, proposed api.State, policy states.Policy) (*api.OrchestrationResult, bool, error) {
	run.Proposed, run.Policy, run.ClientVersion = proposed, policy, w.who.ClientVersion
	decision, err := w.decide(&run.Input)
	if err != nil {
		return nil, false, err
	}
	if decision.RunChanged {
		if err := w.MoveFlowRun(run, decision, w.now); err != nil {
			return nil, false, err
		}
	}
	if err := w.affectFlowRun(run, decision); err != nil {
		return nil, false, err
	}
	result := decision.Result(run.Current)
	return &result, decision.State != nil, nil
}

func (w *work) setTaskRunState(id uuid.UUID, proposed api.State, policy states.Policy) (*api.OrchestrationResult, bool, error) {
	run, err := w.LockTaskRun(id)
	if errors.Is(err, store.ErrNoRows) {
		return nil, false, notThere("Task run", id)
	}
	if err != nil {
		return nil, false, err
	}
	return w.moveTaskRun(run, proposed, policy)
}

// moveTaskRun is setTaskRunState for a run that is locked.
func (w *work) moveTaskRun(run *store.TaskRunInTransition, proposed api.State, policy states.Policy) (*api.OrchestrationResult, bool, error) {
	run.Proposed, run.Policy = proposed, policy
	decision, err := w.decide(&run.Input)
	if err != nil {
		return nil, false, err
	}
	if err := w.MoveTaskRun(run, decision, w.now); err != nil {
		return nil, false, err
	}
	if err := w.affectTaskRun(run, decision); err != nil {
		return nil, false, err
	}
	result := decision.Result(run.Current)
	return &result, decision.State != nil, nil
}

// decide reads the facts that the rules need and asks them.
func (w *work) decide(in *states.Input) (*states.Decision, error) {
	in.Draw = states.Draw{Lease: newID(), Mirror: newID(), Random: rand.Float64()} //nolint:gosec // scatters waits, guards nothing
	if err := w.readFacts(in); err != nil {
		return nil, err
	}
	decision := states.Decide(in, w.now.Time)
	return &decision, nil
}

// readFacts fills what Needs asks for.
func (w *work) readFacts(in *states.Input) (err error) {
	// States are told apart by their time; this matters only within a microsecond.
	if in.Kind == states.FlowRun && in.Current != nil && !in.Current.Timestamp.Before(w.now.Time) {
		if in.Taken, err = w.StatesSince(in.ID, w.now); err != nil {
			return err
		}
	}
	needs := states.Needs(in)
	if needs.Has(states.NeedDeployment) {
		in.Deployment, err = maybe(w.DeploymentSlots(*in.DeploymentID, w.now))
	}
	if err == nil && needs.Has(states.NeedLeaseHeld) {
		in.LeaseHeld, err = w.HasLease(*in.Current.StateDetails.DeploymentConcurrencyLeaseID)
	}
	if err == nil && needs.Has(states.NeedSiblings) {
		in.Siblings, err = w.siblings(in)
	}
	if err == nil && needs.Has(states.NeedFlowRun) {
		in.FlowRun, err = maybe(w.EnclosingFlowRun(*in.FlowRunID))
	}
	if err == nil && needs.Has(states.NeedTagLimits) {
		in.TagLimits, err = w.TagSlots(in.Tags, w.now)
	}
	if err == nil && needs.Has(states.NeedGivenBack) {
		in.GivenBack, err = w.WasGivenBack(in.ID)
	}
	if err == nil && needs.Has(states.NeedCached) {
		in.Cached, err = maybe(w.CachedState(*in.Proposed.StateDetails.CacheKey, w.now))
	}
	return err
}

// maybe turns a missing row into nil.
func maybe[T any](v *T, err error) (*T, error) {
	if errors.Is(err, store.ErrNoRows) {
		return nil, nil
	}
	return v, err
}

// notThere is the error of a run that a state is proposed for and that does not exist.
func notThere(what string, id uuid.UUID) error {
	return exception(api.CodeNotFound, fmt.Sprintf("%s with id %s not found", what, id))
}

// exception is an error that the reference words as one of its own exceptions.
func exception(code api.Code, message string) error {
	detail, err := json.Marshal(struct {
		Message string `json:"exception_message"`
	}{message})
	return &api.Error{Code: code, Message: message, Detail: detail, Cause: err}
}
