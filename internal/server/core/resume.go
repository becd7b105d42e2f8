package core

import (
	"context"
	"errors"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/parameters"
	"github.com/usherhq/usher/internal/rules/states"
	"github.com/usherhq/usher/internal/store"
)

// ResumeFlowRun lets a paused flow run go on, with the input that it waits for, if any.
// written says that the run has a new state.
func (c *Core) ResumeFlowRun(ctx context.Context, who Caller, id uuid.UUID, input jsontext.Value) (result *api.OrchestrationResult, written bool, err error) {
	err = missing("Flow run", c.write(ctx, who, func(w *work) error {
		run, err := w.LockFlowRun(id)
		if err != nil {
			return err
		}
		result, written, err = w.resume(run, input)
		return err
	}))
	return result, written, err
}

func (w *work) resume(run *store.FlowRunInTransition, input jsontext.Value) (*api.OrchestrationResult, bool, error) {
	next, refused := states.Resume(run.Current, newID(), w.now.Time)
	if refused != nil {
		return refused, false, nil
	}
	paused := run.Current
	keys := paused.StateDetails.RunInputKeyset
	if len(keys) > 0 {
		var problem string
		var err error
		if input, problem, err = w.checkRunInput(run.ID, keys["schema"], api.Object(input)); err != nil {
			return nil, false, err
		}
		if problem != "" {
			return refusal(api.SetStateStatusReject, paused, problem), false, nil
		}
	}
	result, written, err := w.moveFlowRun(run, next, states.Core)
	if err != nil || result.Status != api.SetStateStatusAccept || len(keys) == 0 || isEmptyObject(input) {
		return result, written, err
	}
	return result, written, w.addRunInput(run.ID, keys["response"], string(input), nil)
}

// refusal is the answer to a request to resume that gets nowhere. The reference words
// each as an abort.
func refusal(status api.SetStateStatus, state *api.State, reason string) *api.OrchestrationResult {
	aborted := states.Decision{Status: api.SetStateStatusAbort, Reason: reason}
	result := aborted.Result(state)
	result.Status = status
	return &result
}

// checkRunInput compares an input with the schema that the run keeps under a key. refused
// says why the input will not do.
func (w *work) checkRunInput(run uuid.UUID, key string, input jsontext.Value) (hydrated jsontext.Value, refused string, err error) {
	hydrated, err = w.hydrate(input)
	var problem *parameters.HydrationError
	if errors.As(err, &problem) {
		return nil, "Error hydrating run input: " + problem.Error(), nil
	}
	if err != nil {
		return nil, "", err
	}
	schema, err := maybe(w.Tx.RunInput(run, key))
	switch {
	case err != nil:
		return nil, "", err
	case schema == nil:
		return nil, "Run input schema not found.", nil
	case !jsontext.Value(schema.Value).IsValid():
		return nil, "Run input schema is not valid JSON.", nil
	}
	refused, err = mismatch(hydrated, jsontext.Value(schema.Value))
	return compact(hydrated), refused, err
}

func mismatch(input, schema jsontext.Value) (refused string, err error) {
	err = circular(parameters.Validate(input, schema, parameters.Rule{}))
	var wrong *parameters.MismatchError
	switch {
	case errors.As(err, &wrong):
		return "Reason: " + wrong.Error(), nil
	case api.CodeOf(err) == api.CodeInvalid:
		return err.Error(), nil
	}
	return "", err
}

// compact writes JSON without spaces, as stored inputs are.
func compact(v jsontext.Value) jsontext.Value {
	text, err := json.Marshal(v)
	if err != nil {
		return v
	}
	return text
}
