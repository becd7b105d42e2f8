package worker

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/secrets"
	"github.com/usherhq/usher/internal/worker/launch"
	"github.com/usherhq/usher/internal/worker/native"
	"github.com/usherhq/usher/internal/worker/report"
)

// Options say what a worker works on.
type Options struct {
	Client *client.Client
	Pool   string
	Name   string
	Queues []string // none means all of the pool

	// Deployments are served: their runs are taken instead of those of a pool, and execute in
	// Dir unless they name another directory. Nobody else sees that there is a worker.
	Deployments []uuid.UUID
	Dir         string

	Prefetch, Query, Heartbeat time.Duration // zero means 10 s, 10 s, 30 s

	Secrets *secrets.Sources // what blocks may refer to where this worker runs

	Limit           int  // of runs at once; 0 means none
	RunOnce         bool // take what is due once, wait for it, stop
	CreatePool      bool // when the pool does not exist
	BaseJobTemplate jsontext.Value

	Home         string                           // of usher; the worker keeps its journal below it
	Binary       string                           // path of our own program, the keeper of processes
	Settings     map[string]string                // explicitly set Prefect settings, by variable name
	Lookup       func(name string) (string, bool) // of the environment, for templates that name variables of it; nil is the worker's own
	Environ      func() []string                  // the worker's environment, with what lets its runs in at the API
	Credentials  func() []string                  // only what lets them in, for runs that execute elsewhere
	DrainTimeout time.Duration                    // how long a drain waits for runs; 0 means as long as they take
	Output       io.Writer                        // where the output of flows is copied
	Notice       func(format string, args ...any)
	Warn         func(format string, args ...any)
	Now          func() time.Time
}

func (o Options) withDefaults() Options {
	if o.Lookup == nil {
		o.Lookup = os.LookupEnv
	}
	for _, d := range []struct {
		value *time.Duration
		is    time.Duration
	}{{&o.Prefetch, 10 * time.Second}, {&o.Query, 10 * time.Second}, {&o.Heartbeat, 30 * time.Second}} {
		if *d.value == 0 {
			*d.value = d.is
		}
	}
	return o
}

// Worker is one worker of a work pool.
type Worker struct {
	Options

	kind     Kind
	id       uuid.UUID // of this process, for the channel
	states   report.States
	logs     *report.Logs
	events   *report.Events
	engine   *native.Engine
	journal  *journal
	pool     *poolState
	objects  *objects
	started  uuid.UUID // id of the started event
	lastPoll lastPoll
	// tokenless says that the server has no tokens for single runs.
	tokenless atomic.Bool

	wake  chan struct{} // one token: something may be due
	drain stage         // no new runs
	abort stage         // runs are ended

	mu     sync.Mutex
	active map[uuid.UUID]*execution
	runs   sync.WaitGroup
}

// New makes a worker of the kind.
func New(o Options, kind Kind) (*Worker, error) {
	if strings.ContainsAny(o.Name, "/%") {
		return nil, api.Errorf(api.CodeInvalid, "Worker name cannot contain '/' or '%%'; choose another with --name")
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, err
	}
	o = o.withDefaults()
	journal, err := openJournal(filepath.Join(o.Home, "worker"), o.Client.BaseURL(), o.Pool, o.Name)
	if err != nil {
		return nil, err
	}
	w := &Worker{
		Options: o, kind: kind, id: id, journal: journal, pool: newPoolState(), states: report.States{Client: o.Client},
		wake: make(chan struct{}, 1), drain: newStage(), abort: newStage(), active: map[uuid.UUID]*execution{},
	}
	if w.serves() {
		w.pool.set(api.WorkPoolResponse{Type: kind.Name(), BaseJobTemplate: kind.DefaultTemplate()})
	}
	w.objects = newObjects(o.Client, o.Now)
	w.logs = report.NewLogs(o.Client, w.lost("log records"))
	w.events = report.NewEvents(o.Client, o.Now, w.lost("events"))
	w.engine = &native.Engine{
		Client: o.Client, Secrets: o.Secrets, States: w.states, Logs: w.logs, Events: w.events, Launcher: launch.Launcher{Binary: o.Binary}, Now: o.Now,
	}
	return w, nil
}

func (w *Worker) lost(what string) func(int, error) {
	return func(n int, err error) { w.Warn("%d %s were refused by the API and are lost: %v", n, what, err) }
}

// Stop asks the worker to end. The first time it takes no new runs and waits for those it
// has; the second time it ends them too.
func (w *Worker) Stop() {
	if !w.drain.begin() {
		w.abort.begin()
	}
}

// Run works until Stop, or until ctx ends, which leaves the runs to the next worker. It
// returns an error if the API refuses the worker.
func (w *Worker) Run(ctx context.Context) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	services, life := errgroup.WithContext(ctx)
	services.Go(func() error { return w.logs.Run(life) })
	services.Go(func() error { return w.events.Run(life) })
	if !w.serves() {
		services.Go(func() error { return w.keepInTouch(life) })
	}
	services.Go(func() error { return w.watchCancellations(life) })
	services.Go(func() error {
		defer end()
		return w.work(life, end)
	})
	err := services.Wait()
	w.journal.close()
	return err
}

// work is the worker's life from the first contact with the pool to the last run; end ends
// ctx.
func (w *Worker) work(ctx context.Context, end func()) error {
	if err := w.pool.wait(ctx, w.drain.begun); err != nil {
		return err
	}
	w.recover(ctx)
	w.started = w.tell("prefect.worker.started", w.related(nil), uuid.Nil)
	if finder, ok := w.kind.(Finder); ok {
		go w.keepFinding(ctx, finder)
	}
	w.Notice("%s '%s' started!", w.title(), w.Name)
	if kind, ok := w.kind.(Expecter); ok && kind.Expects() > 0 {
		go w.expect(ctx, kind)
	}
	err := w.poll(ctx)
	w.awaitRuns(ctx, end)
	w.tell("prefect.worker.stopped", w.related(nil), w.started)
	w.Notice("%s '%s' stopped!", w.title(), w.Name)
	return err
}

// lastWords is how long runs that are ended may take: their programs to stop, and the API
// to hear of it. What it has not heard by then, the next worker reports.
const lastWords = stopGrace + 10*time.Second

// awaitRuns waits for the runs in hand, no longer than a drain may take.
func (w *Worker) awaitRuns(ctx context.Context, end func()) {
	over := make(chan struct{})
	go func() {
		w.runs.Wait()
		close(over)
	}()
	var limit <-chan time.Time
	if w.DrainTimeout > 0 {
		timer := time.NewTimer(w.DrainTimeout)
		defer timer.Stop()
		limit = timer.C
	}
	if n := w.count(); n > 0 && !w.RunOnce {
		w.Notice("Waiting for %d flow %s to finish. Stop again to end %s now.", n, plural(n, "run", "runs"), plural(n, "it", "them"))
	}
	aborted, tooLong := w.abort.begun, (<-chan time.Time)(nil)
	for {
		select {
		case <-over:
			return
		case <-limit:
			w.abort.begin()
		case <-aborted:
			aborted, tooLong = nil, time.After(lastWords)
		case <-tooLong:
			w.Warn("The API does not hear how the runs ended; the next worker of the pool on this machine tells it.")
			end()
		case <-ctx.Done():
			<-over // each run lets go of what it holds when ctx ends
			return
		}
	}
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

func (w *Worker) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.active)
}

// serves says that the worker serves deployments and has no pool.
func (w *Worker) serves() bool { return len(w.Deployments) > 0 }

func (w *Worker) title() string {
	if w.serves() {
		return "Runner"
	}
	return "Worker"
}

// tell emits an event of the worker, who is no worker to the API when it has no pool.
func (w *Worker) tell(event string, related []api.RelatedResource, follows uuid.UUID) uuid.UUID {
	if w.serves() {
		return uuid.Nil
	}
	return w.events.Emit(event, w.resource(), related, follows)
}

// nudge makes the poll loop look again at once.
func (w *Worker) nudge() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *Worker) resource() api.Resource {
	return api.Resource{
		"prefect.resource.id": fmt.Sprintf("prefect.worker.%s.%s", w.kind.Name(), slug(w.Name)), "prefect.resource.name": w.Name,
		"prefect.version": client.APIVersion, "prefect.worker-type": w.kind.Name(),
	}
}

// related names the objects that an event of the worker is about; job may be nil.
func (w *Worker) related(job *Job) []api.RelatedResource {
	var out []api.RelatedResource
	if job != nil {
		tags := append([]string(nil), job.Run.Tags...)
		if d := job.Deployment; d != nil {
			out = append(out, report.Related("deployment", d.ID, d.Name))
			tags = append(tags, d.Tags...)
		}
		out = append(out, report.Related("flow", job.Flow.ID, job.Flow.Name), report.Related("flow-run", job.Run.ID, job.Run.Name))
		out = append(out, report.RelatedTags(unique(append(tags, job.Flow.Tags...)))...)
	}
	if pool, ok := w.pool.get(); ok {
		out = append(out, report.Related("work-pool", pool.ID, pool.Name))
	}
	return out
}

func unique(list []string) []string {
	seen := map[string]bool{}
	kept := list[:0]
	for _, s := range list {
		if !seen[s] {
			seen[s] = true
			kept = append(kept, s)
		}
	}
	return kept
}

// slug is a name as resource ids have it.
func slug(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			b.WriteRune(r)
		} else if b.Len() > 0 && !strings.HasSuffix(b.String(), "-") {
			b.WriteByte('-')
		}
	}
	return strings.TrimSuffix(b.String(), "-")
}
