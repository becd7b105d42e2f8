package worker

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/worker/report"
)

// stopGrace is how long infrastructure may take to end when the worker stops.
const stopGrace = 30 * time.Second

// runInfrastructure starts the job of a run and sees it to its end.
func (x *execution) runInfrastructure(ctx context.Context) (identifier string, code int) {
	// The answer does not matter: a run that was cancelled meanwhile shows below.
	x.propose(ctx, report.Proposal{Type: api.StateTypePending, Name: "Submitting", Transition: x.entry.Submit})
	if err := x.entry.advance(phaseStarting); err != nil {
		x.failedToStart(ctx, err)
		return "", 0
	}
	if x.cancelled.isBegun() {
		x.confirmCancelled(ctx, "Flow run cancelled by worker while pending.")
		return "", 0
	}
	if !x.prepare(ctx) {
		return "", 0
	}
	infra, err := x.w.kind.Start(ctx, x.job)
	if err != nil {
		if ctx.Err() == nil {
			x.failedToStart(ctx, err)
		}
		return "", 0
	}
	defer infra.Release()
	if err := x.entry.advance(phaseStarted); err != nil {
		x.w.Warn("The journal of run %s could not be written: %v", x.job.Run.Name, err)
	}
	x.announce(ctx, infra.Identifier())
	x.await(ctx, infra)
	return infra.Identifier(), infra.Exit().Code
}

// prepare does what comes before the start, and says whether the run is to start. A run that
// is cancelled meanwhile ends at once, and one whose worker is stopped is free for others.
func (x *execution) prepare(ctx context.Context) bool {
	preparer, ok := x.w.kind.(Preparer)
	if !ok {
		return true
	}
	preparing, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		select {
		case <-x.cancelled.begun:
		case <-x.w.abort.begun:
		case <-preparing.Done():
		}
		stop()
	}()
	err := preparer.Prepare(preparing, x.job)
	switch {
	case ctx.Err() != nil: // left to the next worker
		return false
	case x.cancelled.isBegun():
		x.confirmCancelled(ctx, "Flow run cancelled by worker while pending.")
		return false
	case x.w.abort.isBegun():
		if run, err := x.read(ctx); err == nil {
			x.giveBack(ctx, run, stoppedBefore)
		}
		return false
	case err != nil:
		x.failedToStart(ctx, err)
		return false
	}
	return true
}

// announce tells the API where the run executes.
func (x *execution) announce(ctx context.Context, identifier string) {
	if identifier == "" {
		return
	}
	err := report.Persist(ctx, func() error {
		return x.w.Client.UpdateFlowRun(ctx, x.job.Run.ID, &api.FlowRunUpdate{InfrastructurePID: api.Some(identifier)})
	})
	if err != nil && ctx.Err() == nil {
		x.w.Warn("The infrastructure of run %s could not be reported, so other workers can't cancel it: %v", x.job.Run.Name, err)
	}
	x.logWorkerf(report.Info, "Flow run '%s' submitted to infrastructure", x.job.Run.Name)
}

// await waits for the end of the infrastructure, or brings it about.
func (x *execution) await(ctx context.Context, infra Infrastructure) {
	select {
	case <-infra.Done():
		if !x.cancelled.isBegun() {
			x.ended(ctx, infra)
			return
		}
		x.confirmCancelled(ctx, "Flow run was cancelled successfully.")
	case <-x.cancelled.begun:
		x.killed(ctx, infra.Cancel(ctx))
	case <-x.w.abort.begun:
		infra.Stop(ctx, stopGrace)
		if ctx.Err() == nil {
			x.crashWithHooks(ctx, "The worker was stopped while the flow run was executing.")
		}
	case <-ctx.Done():
	}
}

// killed ends a cancelled run whose infrastructure is gone. An engine that understood has
// run its hooks and reported the end itself; for one that did not it is done here.
func (x *execution) killed(ctx context.Context, understood bool) {
	if ctx.Err() != nil {
		return
	}
	run, err := x.read(ctx)
	if err == nil && !understood && run.StateType != nil && !report.Final(*run.StateType) {
		x.runHooks(ctx, OnCancellation)
	}
	x.confirmCancelled(ctx, "Flow run was cancelled successfully.")
}

// crashWithHooks reports a crash that the flow's process did not report itself.
func (x *execution) crashWithHooks(ctx context.Context, message string) report.Answer {
	answer := x.propose(ctx, report.Proposal{Type: api.StateTypeCrashed, Name: "Crashed", Message: message})
	if answer.Status == api.SetStateStatusAccept && answer.Is(api.StateTypeCrashed) {
		x.runHooks(ctx, OnCrashed)
	}
	return answer
}

// runHooks runs the hooks of a run, whose program an earlier worker may have started.
func (x *execution) runHooks(ctx context.Context, hook Hook) {
	if err := x.lend(ctx, true); err != nil {
		x.logRunner(report.Warning, fmt.Sprintf("The on_%s hooks could not be run: %v", hook, err))
		return
	}
	x.w.kind.RunHooks(ctx, x.job, hook)
}

// read reads the run, through outages of the API.
func (x *execution) read(ctx context.Context) (run api.FlowRunResponse, err error) {
	err = report.Persist(ctx, func() (err error) {
		run, err = x.w.Client.ReadFlowRun(ctx, x.job.Run.ID)
		return err
	})
	return run, err
}

// ended reports infrastructure that ended by itself.
func (x *execution) ended(ctx context.Context, infra Infrastructure) {
	exit := infra.Exit()
	if exit.Unbegun {
		if run, err := x.read(ctx); err == nil {
			x.giveBack(ctx, run, killedBefore)
		}
		return
	}
	if exit.Known && exit.Code == 0 {
		x.logRunner(report.Info, fmt.Sprintf("Process for flow run '%s' exited cleanly.", x.job.Run.Name))
		x.checkState(ctx, infra, "")
		return
	}
	if !exit.Known {
		x.checkState(ctx, infra, exit.Error)
		return
	}
	hint := report.HintOf(exit.Code)
	explanation := hint.Explanation
	if exit.Error != "" {
		explanation = exit.Error + ". " + explanation
	}
	x.logRunner(hint.Level, fmt.Sprintf("Process for flow run '%s' exited with status code: %d; %s", x.job.Run.Name, exit.Code, explanation))
	x.logRunner(report.Info, hint.Resolution)
	// A run that failed has said so itself, and the server leaves it at that.
	answer := x.crashWithHooks(ctx, fmt.Sprintf("Flow run infrastructure exited with non-zero status code %d. %s %s", exit.Code, explanation, hint.Resolution))
	if answer.Is(api.StateTypeCancelling) {
		x.confirmCancelled(ctx, "Flow run was cancelled successfully.")
	}
	x.quote(answer, infra)
}

// quote logs what infrastructure printed last, when the run could not tell its end itself.
func (x *execution) quote(answer report.Answer, infra Infrastructure) {
	talker, ok := infra.(Talker)
	if !ok || answer.Status != api.SetStateStatusAccept || !answer.Is(api.StateTypeCrashed) {
		return
	}
	if words := talker.LastWords(); words != "" {
		x.logRunner(report.Error, "The last lines that it printed:\n"+words)
	}
}

// settleTime is how long a run may take to report its end after its infrastructure is gone.
const settleTime = 5 * time.Second

// checkState reports a run as crashed whose infrastructure ended without a word about it;
// cause is what else is known of that.
func (x *execution) checkState(ctx context.Context, infra Infrastructure, cause string) {
	identifier := infra.Identifier()
	message := "Infrastructure ended without reporting a final state."
	if cause != "" {
		message = strings.TrimSuffix(cause, ".") + ". " + message
		x.logRunner(report.Error, cause)
	}
	stuck, err := x.isStuck(ctx, identifier)
	if err != nil || !stuck || report.Pause(ctx, settleTime) != nil {
		return
	}
	if stuck, err = x.isStuck(ctx, identifier); err != nil || !stuck {
		return
	}
	x.quote(x.crashWithHooks(ctx, message), infra)
}

// isStuck says that the run is in a state that only the infrastructure which is gone could
// have changed.
func (x *execution) isStuck(ctx context.Context, identifier string) (bool, error) {
	run, err := x.read(ctx)
	if err != nil || run.StateType == nil {
		return false, err
	}
	ours := run.InfrastructurePID != nil && *run.InfrastructurePID == identifier
	switch *run.StateType {
	case api.StateTypePending:
		return ours || x.isOurs(run.State), nil
	case api.StateTypeRunning:
		return ours, nil
	case api.StateTypeCancelling:
		x.confirmCancelled(ctx, "Flow run was cancelled successfully.")
	}
	return false, nil
}

// isOurs says that the run's state is the one that we proposed.
func (x *execution) isOurs(state *api.State) bool {
	if state == nil || state.StateDetails.TransitionID == nil {
		return false
	}
	id := *state.StateDetails.TransitionID
	return id != uuid.Nil && (id == x.entry.Claim || id == x.entry.Submit)
}

// confirmCancelled makes the cancellation final, unless the run has ended otherwise.
func (x *execution) confirmCancelled(ctx context.Context, message string) {
	run, err := x.read(ctx)
	if err != nil || (run.StateType != nil && report.Final(*run.StateType) && *run.StateType != api.StateTypeCancelled) {
		return
	}
	if run.StateType == nil || *run.StateType != api.StateTypeCancelled {
		x.propose(ctx, report.Proposal{Type: api.StateTypeCancelled, Name: "Cancelled", Message: message, Force: true})
	}
	x.logRunner(report.Info, fmt.Sprintf("Cancelled flow run '%s'", x.job.Run.Name))
	runner := api.Resource{"prefect.resource.id": "prefect.runner." + slug(x.w.Name), "prefect.resource.name": x.w.Name}
	x.w.events.Emit("prefect.runner.cancelled-flow-run", runner, x.w.related(x.job), uuid.Nil)
}
