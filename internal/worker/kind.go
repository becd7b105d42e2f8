package worker

import (
	"context"
	"io"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/jobtemplate"
)

// Kind starts flow runs on one kind of infrastructure, such as local processes.
type Kind interface {
	// Name is the type that work pools of this kind have.
	Name() string
	// DefaultTemplate is the base job template for pools that have none.
	DefaultTemplate() jsontext.Value
	// Local says that runs are processes of this machine: they get the worker's own environment,
	// and flows that are programs need no infrastructure but the worker.
	Local() bool
	// Start starts the job.
	Start(ctx context.Context, job *Job) (Infrastructure, error)
	// Adopt finds what an earlier worker started for the job; api.CodeNotFound if nothing.
	Adopt(ctx context.Context, job *Job) (Infrastructure, error)
	// RunHooks runs the flow's hooks for a state that its own process did not live to see.
	RunHooks(ctx context.Context, job *Job, hook Hook)
}

// Extended is a Kind with variables of its own, which count whatever the template of the pool
// passes on.
type Extended interface {
	Extra() []string
}

// Preparer is a Kind that may have long to do before a job can start. What Prepare does ends
// with its context: the run was cancelled, or the worker stops.
type Preparer interface {
	Prepare(ctx context.Context, job *Job) error
}

// Finder is a Kind whose infrastructure tells which runs it executes, wherever its worker was.
type Finder interface {
	// Find lists what executes runs of the pool, ended or not.
	Find(ctx context.Context, pool uuid.UUID) ([]Found, error)
}

// Found is infrastructure that a worker, perhaps one that is gone, started for a run.
type Found struct {
	Run    uuid.UUID
	Worker string // its name
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
	OwnToken   bool              // Env lets the run in with a token of its own
	Dir        string            // kept for the job's files until the run is over
	Output     io.Writer         // where the output of the run is copied; never nil
	Worker     api.Resource      // the worker, for events about it
	Python     []string          // the interpreter that was prepared for it, with arguments; none: the kind finds one
	Hold       string            // path of a lock that the run's keeper shares until the run ends; "" for none
	// Log writes a record of the run.
	Log func(level int, message string)
	// Waiting tells the API that the infrastructure is there and waits for something; again
	// that it waits for something else, so that the engine can't have begun.
	Waiting func(message string, again bool)
	// Emit sends an event about the run's infrastructure and returns its id; follows is the one
	// before it, or uuid.Nil.
	Emit func(event string, resource api.Resource, follows uuid.UUID) uuid.UUID

	releases []func()
}

// OnRelease has f called when the worker is done with the job.
func (j *Job) OnRelease(f func()) { j.releases = append(j.releases, f) }

func (j *Job) release() {
	for _, f := range j.releases {
		f()
	}
	j.releases = nil
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

// Talker is Infrastructure whose output reaches nobody's log but the worker's own.
type Talker interface {
	// LastWords are the last lines that it printed, after Done.
	LastWords() string
}

// Exit says how infrastructure ended.
type Exit struct {
	Code  int
	Known bool   // false when nobody saw the exit code
	Error string // what is known of the cause, in words
	// Unbegun says that it ended before it began the run, which is free for another worker.
	Unbegun bool
}
