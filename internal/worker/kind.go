package worker

import (
	"context"
	"io"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/jobtemplate"
)

// Kind starts flow runs on one kind of infrastructure, such as local processes.
type Kind interface {
	// Name is the type that work pools of this kind have.
	Name() string
	// DefaultTemplate is the base job template for pools that have none.
	DefaultTemplate() jsontext.Value
	// Start starts the job.
	Start(ctx context.Context, job *Job) (Infrastructure, error)
	// Adopt finds what an earlier worker started for the job; api.CodeNotFound if nothing.
	Adopt(ctx context.Context, job *Job) (Infrastructure, error)
	// RunHooks runs the flow's hooks for a state that its own process did not live to see.
	RunHooks(ctx context.Context, job *Job, hook Hook)
}

// Hook says which hooks of a flow are meant.
type Hook string

// The hooks.
const (
	OnCancellation Hook = "cancellation"
	OnCrashed      Hook = "crashed"
)

// Job is one flow run, ready to start.
type Job struct {
	Run        api.FlowRun
	Flow       api.Flow
	Deployment *api.DeploymentResponse
	Pool       api.WorkPoolResponse
	Config     jobtemplate.Job
	Env        map[string]string // settings, attribution and the configured environment
	Dir        string            // kept for the job's files until the run is over
	Output     io.Writer         // where the output of the run is copied; never nil
	// Log writes a record of the run.
	Log func(level int, message string)
}

// Infrastructure is where a flow run executes.
type Infrastructure interface {
	// Identifier is what the API keeps as infrastructure_pid; "" if nothing was started.
	Identifier() string
	// Done is closed when the infrastructure has ended.
	Done() <-chan struct{}
	// Exit says how it ended, after Done.
	Exit() Exit
	// Cancel ends it because the run was cancelled, and waits for the end. It says whether the
	// flow's process understood why, and so runs its own hooks.
	Cancel(ctx context.Context) (understood bool)
	// Stop ends it because the worker stops, and waits for the end.
	Stop(ctx context.Context, grace time.Duration)
	// Release removes what is left behind when the run is over.
	Release()
}

// Exit says how infrastructure ended.
type Exit struct {
	Code  int
	Known bool   // false when nobody saw the exit code
	Error string // why it could not be started at all
}
