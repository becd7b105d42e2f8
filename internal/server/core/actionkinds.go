package core

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/automation"
	"github.com/usherhq/usher/internal/rules/parameters"
	"github.com/usherhq/usher/internal/rules/states"
	"github.com/usherhq/usher/internal/store"
)

// effect is what an action does to the database.
type effect func(*work, *deed) error

// prepare does what an action does outside of its transaction and returns the rest.
func (c *Core) prepare(ctx context.Context, who Caller, d *deed) (effect, error) {
	if d.Type == "delete-flow-run" {
		return (*work).actDelete, c.clearFlowRun(ctx, who, d)
	}
	if d.Type == automation.SendMail || d.Type == automation.NotifyOwner {
		return c.mail(ctx, who, d)
	}
	if d.Block != nil {
		return c.send(ctx, who, d)
	}
	e, ok := effects[d.Type]
	if !ok {
		return nil, notDone("This server can't do actions of the type '" + d.Type + "'.")
	}
	return e, nil
}

var effects = map[string]effect{
	"do-nothing":             func(*work, *deed) error { return nil },
	automation.RunDeployment: (*work).actRun,
	"pause-deployment":       (*work).actPauseDeployment,
	"resume-deployment":      (*work).actPauseDeployment,
	"pause-work-pool":        (*work).actPausePool,
	"resume-work-pool":       (*work).actPausePool,
	"pause-work-queue":       (*work).actPauseQueue,
	"resume-work-queue":      (*work).actPauseQueue,
	"pause-automation":       (*work).actPauseAutomation,
	"resume-automation":      (*work).actPauseAutomation,
	"cancel-flow-run":        (*work).actChange,
	"suspend-flow-run":       (*work).actChange,
	"change-flow-run-state":  (*work).actChange,
	"resume-flow-run":        (*work).actResume,
	automation.SLAViolation:  (*work).actViolation,

	automation.DeclareIncident: (*work).actDeclare,

	"pause-schedule-for-flow-run":  (*work).actPauseSchedule,
	"resume-schedule-for-flow-run": (*work).actPauseSchedule,
}

// actionScopes are what the owner of an automation needs for its actions.
var actionScopes = map[string]string{
	automation.RunDeployment: "run_deployments", "pause-deployment": "write_deployments", "resume-deployment": "write_deployments",
	"pause-work-pool": "write_work_pools", "resume-work-pool": "write_work_pools", "pause-work-queue": "write_work_queues", "resume-work-queue": "write_work_queues",
	"pause-automation": "manage_automations", "resume-automation": "manage_automations", "cancel-flow-run": "run_flows", "suspend-flow-run": "run_flows",
	"pause-schedule-for-flow-run": "write_deployments", "resume-schedule-for-flow-run": "write_deployments",
	"change-flow-run-state": "run_flows", "resume-flow-run": "run_flows", "delete-flow-run": "manage_flows",
	automation.DeclareIncident: "write_incidents",
}

// permitted refuses an action that the owner of its automation may not do now. Those that
// speak to others use a block, so they need to see its secrets.
func (c *Core) permitted(ctx context.Context, who Caller, d *deed) error {
	scope := actionScopes[d.Type]
	if d.Block != nil {
		scope = "see_secret_blocks"
	}
	if c.MayAct == nil || scope == "" {
		return nil
	}
	owner, err := value(ctx, c, who, func(tx *store.Tx) (*uuid.UUID, error) { return tx.AutomationOwner(d.Automation.ID) })
	if errors.Is(err, store.ErrNoRows) {
		return notDone("The automation is gone.")
	}
	if err != nil || owner == nil {
		return err
	}
	may, err := c.MayAct(ctx, *owner, who.Workspace, scope)
	if err == nil && !may {
		d.details["status_code"] = 403
		err = notDone("The owner of the automation may not do that any more: it needs the scope " + scope + ".")
	}
	return err
}

// pauses says whether an action pauses something; if not, it resumes it.
func (d *deed) pauses() bool { return d.Type[0] == 'p' }

// actRun starts a run of a deployment.
func (w *work) actRun(d *deed) error {
	id, err := d.target("deployment")
	if err != nil {
		return err
	}
	d.involve("deployment", id, "", "target")
	in, err := w.runRequest(d)
	if err != nil {
		return err
	}
	deployment, err := w.knownDeployment(id, "Deployment not found")
	if err != nil {
		return err
	}
	run, _, err := w.runDeployment(deployment, in)
	if err != nil {
		return err
	}
	d.involve("flow-run", run.ID, run.Name, "flow-run")
	d.details["status_code"] = 201
	return nil
}

// runRequest is the request for the run that an action starts.
func (w *work) runRequest(d *deed) (*api.DeploymentFlowRunCreate, error) {
	var members struct {
		Parameters    jsontext.Value `json:"parameters"`
		JobVariables  jsontext.Value `json:"job_variables"`
		ScheduleAfter float64        `json:"schedule_after"`
	}
	if err := json.Unmarshal(d.Stored, &members); err != nil {
		return nil, err
	}
	at := api.At(w.now.Add(time.Duration(members.ScheduleAfter * float64(time.Second))))
	in := &api.DeploymentFlowRunCreate{
		State: api.Some(api.StateCreate{
			Type: api.StateTypeScheduled, Name: api.Some("Scheduled"),
			StateDetails: api.Some(api.StateDetails{ScheduledTime: &at, Deferred: new(bool)}),
		}),
		IdempotencyKey: api.Some("automation " + d.Automation.ID.String() + ", action " + strconv.Itoa(d.Index) + ", invocation " + d.ID.String()),
	}
	if members.Parameters.Kind() == '{' {
		values, err := w.renderParameters(d, members.Parameters)
		var problem *parameters.HydrationError
		if errors.As(err, &problem) {
			return nil, notDone("Unable to create flow run from deployment: " + problem.Reason)
		}
		if err != nil {
			return nil, err
		}
		in.Parameters = api.Some(values)
	}
	if members.JobVariables.Kind() == '{' {
		in.JobVariables = api.Some(members.JobVariables)
	}
	return in, nil
}

// renderParameters fills the templates and placeholders in parameters.
func (w *work) renderParameters(d *deed, values jsontext.Value) (jsontext.Value, error) {
	values, err := parameters.Upgrade(values)
	if err != nil || !parameters.HasPlaceholder(values) {
		return values, err
	}
	names, err := w.templateNames(d, string(values))
	if err != nil {
		return nil, err
	}
	variables, err := variableValues(w.Tx)
	if err != nil {
		return nil, err
	}
	return parameters.Hydrate(values, parameters.Filling{Variables: variables, Names: names, Env: w.templateEnv()})
}

func (w *work) actPauseDeployment(d *deed) error {
	id, err := d.target("deployment")
	if err != nil {
		return err
	}
	d.involve("deployment", id, "", "target")
	d.details["status_code"] = 200
	if d.pauses() {
		return w.pauseDeployment(id)
	}
	return w.setPaused(id, false)
}

func (w *work) actPausePool(d *deed) error {
	id, err := d.target("work-pool")
	if err != nil {
		return err
	}
	p, err := w.WorkPoolByID(id)
	if missing("", err) != err {
		return notDone("Work pool " + id.String() + " not found")
	}
	if err != nil {
		return err
	}
	d.involve("work-pool", id, p.Name, "target")
	d.details["status_code"] = 204
	return w.updatePool(p, &api.WorkPoolUpdate{IsPaused: api.Some(d.pauses())})
}

func (w *work) actPauseQueue(d *deed) error {
	id, err := d.target("work-queue")
	if err != nil {
		return err
	}
	d.involve("work-queue", id, "", "target")
	d.details["status_code"] = 204
	return w.updateQueueByID(id, &api.WorkQueueUpdate{IsPaused: api.Some(d.pauses())})
}

func (w *work) actPauseAutomation(d *deed) error {
	id, err := d.target("automation")
	if err != nil {
		return err
	}
	d.involve("automation", id, "", "target")
	d.details["status_code"] = 204
	return automationMissing(w.enableAutomation(id, &api.AutomationPartialUpdate{Enabled: api.Some(!d.pauses())}))
}

// actPauseSchedule pauses or resumes a schedule: the one that is named, or that the flow run
// comes from.
func (w *work) actPauseSchedule(d *deed) error {
	var members struct {
		Deployment *uuid.UUID `json:"deployment_id"`
		Schedule   *uuid.UUID `json:"schedule_id"`
	}
	if err := json.Unmarshal(d.Stored, &members); err != nil {
		return err
	}
	if members.Deployment == nil || members.Schedule == nil {
		id, err := d.flowRun()
		if err != nil {
			return err
		}
		run, err := w.LockFlowRun(id)
		if err != nil {
			return missing("Flow run", err)
		}
		if run.DeploymentID == nil || run.ScheduleID == nil {
			return notDone("The flow run comes from no schedule")
		}
		members.Deployment, members.Schedule = run.DeploymentID, run.ScheduleID
	}
	d.involve("deployment", *members.Deployment, "", "target")
	d.details["status_code"] = 204
	return w.updateSchedule(*members.Deployment, *members.Schedule, &api.DeploymentScheduleUpdate{Active: api.Some(!d.pauses())})
}

// suspension is how long a run that an action suspends waits to be resumed.
const suspension = time.Hour

// proposal is the state that an action proposes for a flow run.
func (d *deed) proposal(now api.Time) (in api.StateCreate, force bool, err error) {
	by := " by Automation " + d.Automation.ID.String()
	var members struct {
		Name    *string       `json:"name"`
		State   api.StateType `json:"state"`
		Message *string       `json:"message"`
		Force   bool          `json:"force"`
	}
	if err := json.Unmarshal(d.Stored, &members); err != nil {
		return in, false, err
	}
	switch d.Type {
	case "cancel-flow-run":
		return api.StateCreate{Type: api.StateTypeCancelling, Message: api.Some("Cancelled" + by)}, members.Force, nil
	case "suspend-flow-run":
		until, reschedules := api.At(now.Add(suspension)), true
		return api.StateCreate{
			Type: api.StateTypePaused, Name: api.Some("Suspended"), Message: api.Some("Suspended" + by),
			StateDetails: api.Some(api.StateDetails{PauseTimeout: &until, PauseReschedule: reschedules, Deferred: new(bool)}),
		}, members.Force, nil
	}
	in = api.StateCreate{Type: members.State, Message: api.Some("State changed" + by)}
	if members.Name != nil {
		in.Name = api.Some(*members.Name)
	}
	if members.Message != nil && *members.Message != "" {
		in.Message = api.Some(*members.Message)
	}
	return in, members.Force, nil
}

// actChange proposes a state for a flow run.
func (w *work) actChange(d *deed) error {
	id, err := d.flowRun()
	if err != nil {
		return err
	}
	d.involve("flow-run", id, "", "target")
	in, force, err := d.proposal(w.now)
	if err != nil {
		return err
	}
	result, written, err := w.setFlowRunState(id, states.Propose(in, newID(), w.now.Time), states.Forced(force))
	if err != nil {
		return err
	}
	d.details["status_code"] = 200
	if written {
		d.details["status_code"] = 201
	}
	return d.accepted(result, "Failed to set state: ")
}

// accepted says that the action failed when its proposal was answered otherwise. What was
// done instead stays.
func (d *deed) accepted(result *api.OrchestrationResult, problem string) error {
	if result.Status == api.SetStateStatusAccept {
		return nil
	}
	var details struct {
		Reason string `json:"reason"`
	}
	if err := json.Unmarshal(result.Details, &details); err != nil {
		return err
	}
	d.problem = problem + details.Reason
	return nil
}

// actResume lets a flow run go on.
func (w *work) actResume(d *deed) error {
	id, err := d.flowRun()
	if err != nil {
		return err
	}
	d.involve("flow-run", id, "", "target")
	run, err := w.LockFlowRun(id)
	if err != nil {
		return missing("Flow run", err)
	}
	result, _, err := w.resume(run, nil)
	if err != nil {
		return err
	}
	return d.accepted(result, "Failed to resume flow run: ")
}

// clearFlowRun removes the logs of a flow run that an action deletes.
func (c *Core) clearFlowRun(ctx context.Context, who Caller, d *deed) error {
	id, err := d.flowRun()
	if err != nil {
		return err
	}
	return c.deleteFlowRunLogs(ctx, who, id)
}

func (w *work) actDelete(d *deed) error {
	id, err := d.flowRun()
	if err != nil {
		return err
	}
	d.involve("flow-run", id, "", "target")
	d.details["status_code"] = 204
	return missing("Flow run", w.deleteFlowRun(id))
}
