package core

import (
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/schedule"
	"github.com/usherhq/usher/internal/rules/states"
	"github.com/usherhq/usher/internal/store"
)

// siblings reads what the policy of a run's schedule makes of the schedule's other runs;
// nil if it has none.
func (w *work) siblings(in *states.Input) (*states.Siblings, error) {
	raw, err := maybe(w.LockSchedulePolicy(*in.ScheduleID))
	if err != nil || raw == nil {
		return nil, err
	}
	policy, err := schedule.ParsePolicy(*raw)
	if err != nil {
		return nil, err
	}
	out := &states.Siblings{Overlap: policy.Overlap, Latest: policy.CatchUp == api.ScheduleCatchUpLatest}
	if out.Latest || out.Overlap == api.ScheduleOverlapCancelRunning {
		if out.HasLater, err = w.HasLaterSibling(in, w.now); err != nil {
			return nil, err
		}
	}
	if out.Overlap != api.ScheduleOverlapAllow {
		if out.Begun, err = w.BegunSiblings(in); err != nil {
			return nil, err
		}
	}
	if out.Overlap == api.ScheduleOverlapQueue {
		out.IsNext, err = w.IsNextSibling(in)
	}
	return out, err
}

// unblock makes the run due that waits for one of its schedule that ends: the first of a
// queue, the last of those that overtake each other.
func (w *work) unblock(ended *store.FlowRunInTransition) error {
	raw, err := maybe(w.SchedulePolicy(*ended.ScheduleID))
	if err != nil || raw == nil {
		return err
	}
	policy, err := schedule.ParsePolicy(*raw)
	if err != nil || policy.Overlap != api.ScheduleOverlapQueue && policy.Overlap != api.ScheduleOverlapCancelRunning {
		return err
	}
	id, err := w.WaitingSibling(&ended.Input, policy.Overlap == api.ScheduleOverlapCancelRunning)
	if err != nil || id == nil {
		return err
	}
	run, err := maybe(w.LockFlowRun(*id))
	if err != nil || run == nil || run.Current == nil || run.Current.Type != api.StateTypeScheduled {
		return err
	}
	_, _, err = w.moveFlowRun(run, states.Unblocked(newID(), w.now.Time), states.Minimal)
	return err
}

// overtake asks runs to stop, unless they were asked or have ended.
func (w *work) overtake(ids []uuid.UUID) error {
	for _, id := range ids {
		run, err := maybe(w.LockFlowRun(id))
		if err != nil {
			return err
		}
		if run == nil || run.Current == nil || run.Current.Type == api.StateTypeCancelling || states.IsTerminal(run.Current.Type) {
			continue
		}
		if _, _, err := w.moveFlowRun(run, states.Overtaken(newID(), w.now.Time), states.Core); err != nil {
			return err
		}
	}
	return nil
}
