package report

import (
	"context"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/client"
)

// States proposes states of flow runs.
type States struct{ Client *client.Client }

// Answer is what the server made of a proposal.
type Answer struct {
	Status api.SetStateStatus
	State  *api.State // the run's state now; may be nil
	Reason string
}

// Is says that the run is now in a state of the type.
func (a Answer) Is(t api.StateType) bool { return a.State != nil && a.State.Type == t }

// awaitedRetry is the state of a run that waits for its next attempt, else nil. A failure whose
// answer was lost may have made it, and must not be proposed again: the run would end by it.
func (s States) awaitedRetry(ctx context.Context, run uuid.UUID) (*api.State, error) {
	now, err := s.Client.ReadFlowRun(ctx, run)
	if err != nil || now.State == nil || now.State.Type != api.StateTypeScheduled || now.State.Name == nil || *now.State.Name != "AwaitingRetry" {
		return nil, err
	}
	return now.State, nil
}

// repeats says that the server had accepted the proposal before, in an answer that was lost
// on the way: it rejects the second one with the state that the first one made.
func (a Answer) repeats(request *api.SetFlowRunStateRequest) bool {
	proposed, _ := request.State.StateDetails.Get()
	return a.Status == api.SetStateStatusReject && a.State != nil && a.State.StateDetails.TransitionID != nil &&
		*a.State.StateDetails.TransitionID == *proposed.TransitionID
}

// Proposal is a state to propose.
type Proposal struct {
	Type          api.StateType
	Name, Message string
	Transition    uuid.UUID // makes a repeated proposal count once; zero means a new one
	Scheduled     *api.Time
	Force         bool
}

// Propose proposes a state and waits for the answer: through outages of the API, and as
// long as the server says to wait.
func (s States) Propose(ctx context.Context, run uuid.UUID, p Proposal) (Answer, error) {
	request := p.request(run)
	for {
		var result api.OrchestrationResult
		asked := false
		err := Persist(ctx, func() (err error) {
			if asked && p.Type == api.StateTypeFailed {
				if retry, err := s.awaitedRetry(ctx, run); retry != nil || err != nil {
					result = api.OrchestrationResult{Status: api.SetStateStatusReject, State: retry}
					return err
				}
			}
			asked = true
			result, err = s.Client.SetFlowRunState(client.Once(ctx), run, request)
			return err
		})
		if err != nil {
			return Answer{}, err
		}
		delay, reason := details(result)
		if result.Status != api.SetStateStatusWait {
			answer := Answer{Status: result.Status, State: result.State, Reason: reason}
			if answer.repeats(request) {
				answer.Status = api.SetStateStatusAccept
			}
			return answer, nil
		}
		if err := Pause(ctx, delay); err != nil {
			return Answer{}, err
		}
	}
}

func (p Proposal) request(run uuid.UUID) *api.SetFlowRunStateRequest {
	if p.Transition == uuid.Nil {
		p.Transition = uuid.New()
	}
	state := api.StateCreate{
		Type:         p.Type,
		StateDetails: api.Some(api.StateDetails{FlowRunID: &run, TransitionID: &p.Transition, ScheduledTime: p.Scheduled, UntrackableResult: p.Type == api.StateTypeCompleted}),
	}
	if p.Name != "" {
		state.Name = api.Some(p.Name)
	}
	if p.Message != "" {
		state.Message = api.Some(p.Message)
	}
	return &api.SetFlowRunStateRequest{State: state, Force: api.Some(p.Force)}
}

// details reads what the three kinds of answer details have.
func details(result api.OrchestrationResult) (wait time.Duration, reason string) {
	var d struct {
		Delay  float64 `json:"delay_seconds"`
		Reason *string `json:"reason"`
	}
	if json.Unmarshal(result.Details, &d) != nil || d.Reason == nil {
		return time.Duration(d.Delay * float64(time.Second)), ""
	}
	return time.Duration(d.Delay * float64(time.Second)), *d.Reason
}

// Persist calls f until it is answered: an API that can't be reached or fails is asked
// again, with growing pauses, until ctx ends.
func Persist(ctx context.Context, f func() error) error {
	for wait := 250 * time.Millisecond; ; wait = min(2*wait, 15*time.Second) {
		err := f()
		if !Passing(err) {
			return err
		}
		if ctx.Err() != nil {
			return err
		}
		if stop := Pause(ctx, wait); stop != nil {
			return err
		}
	}
}

// Passing says that an error is the API's condition, not its answer.
func Passing(err error) bool {
	switch api.CodeOf(err) {
	case api.CodeUnavailable, api.CodeRateLimited, api.CodeLocked:
		return true
	}
	return false
}

// Pause waits, or returns why ctx ended.
func Pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// Final says that a run in this state has ended.
func Final(t api.StateType) bool {
	switch t {
	case api.StateTypeCompleted, api.StateTypeFailed, api.StateTypeCancelled, api.StateTypeCrashed:
		return true
	}
	return false
}

// Ends waits for an end until a limit, and says whether it came.
func Ends(ctx context.Context, end <-chan struct{}, limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-end:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}
