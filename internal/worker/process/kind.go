package process

import (
	"context"
	_ "embed"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/python"
	"github.com/usherhq/usher/internal/python/environment"
	"github.com/usherhq/usher/internal/rules/jobtemplate"
	"github.com/usherhq/usher/internal/secrets"
	"github.com/usherhq/usher/internal/worker"
	"github.com/usherhq/usher/internal/worker/launch"
)

//go:embed template.json
var defaultTemplate []byte

// Kind is the work pool type "process".
type Kind struct {
	Launcher launch.Launcher
	Control  *Control // nil means that cancelled engines report a crash first
	Python   string   // interpreter to use whatever else is found; "" means to look
	Finder   *python.Finder

	Client       *client.Client     // reads what pull steps refer to
	Secrets      *secrets.Sources   // and where that refers to
	Environments *environment.Store // nil means that none are made
	Warm         *Warm              // nil means that no interpreters are kept warm
	Always       bool               // make one for each job whose code says what it needs, asked for or not
}

var (
	_ worker.Kind     = (*Kind)(nil)
	_ worker.Extended = (*Kind)(nil)
	_ worker.Preparer = (*Kind)(nil)
	_ worker.Expecter = (*Kind)(nil)
)

// Name is the type of pools of this kind.
func (k *Kind) Name() string { return "process" }

// Local says that runs are processes of this machine.
func (k *Kind) Local() bool { return true }

// DefaultTemplate is the base job template for pools that have none.
func (k *Kind) DefaultTemplate() jsontext.Value { return jsontext.Value(defaultTemplate).Clone() }

// Start starts the engine for the job's run.
func (k *Kind) Start(ctx context.Context, job *worker.Job) (worker.Infrastructure, error) { //nolint:ireturn // worker.Kind wants it so
	dir, err := workingDir(job)
	if err != nil {
		return nil, err
	}
	argv, err := k.command(ctx, job, dir)
	if err != nil {
		return nil, err
	}
	env := maps.Clone(job.Env)
	// The engine owns the cancelled state and its hooks: only it has the flow at hand.
	delete(env, "PREFECT__ENABLE_CANCELLATION_AND_CRASHED_HOOKS")
	storage := filepath.Join(job.Dir, "storage")
	if err := os.MkdirAll(storage, 0o700); err != nil {
		return nil, err
	}
	env["PREFECT__STORAGE_BASE_PATH"] = storage
	r := &running{control: k.Control}
	if k.Control != nil {
		r.token, r.peer = k.Control.register()
		env["PREFECT__CONTROL_PORT"], env["PREFECT__CONTROL_TOKEN"] = strconv.Itoa(k.Control.Port()), r.token
	}
	if r.process = k.startWarm(job, argv, dir, env); r.process == nil {
		r.process, err = k.Launcher.Start(ctx, job.Dir, launch.Spec{Argv: argv, Dir: dir, Env: list(env), Hold: job.Hold})
	}
	if err != nil {
		r.Release()
		return nil, err
	}
	r.copyOutput(job, 0)
	return r, nil
}

// startWarm lets a warm interpreter execute the job, nil if there is none for it.
func (k *Kind) startWarm(job *worker.Job, argv []string, dir string, env map[string]string) *launch.Process {
	if k.Warm == nil || job.Config.Command != "" || len(argv) != len(engineArgs)+1 {
		return nil // a command, or an interpreter that is started through something
	}
	configured := dir
	if dir == filepath.Join(job.Dir, "work") {
		configured = ""
	}
	return k.Warm.Start(warmSpecOf(argv[0], configured, env, job.Hold), job.Dir, dir, env)
}

// Expects is how many interpreters are kept warm.
func (k *Kind) Expects() int {
	if k.Warm == nil {
		return 0
	}
	return k.Warm.size
}

// Expect warms an interpreter for a run like the job, unless a command or an environment made
// for it decides which one that is.
func (k *Kind) Expect(ctx context.Context, job *worker.Job) {
	if _, asked, err := wanted(job); err != nil || asked || k.Always || job.Config.Command != "" {
		return
	}
	configured, _ := job.Config.Rest["working_dir"].(string)
	dir := configured
	if dir == "" {
		dir = filepath.Join(k.Warm.dir, "work") // stands for the fresh one that a run gets
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return
	}
	if configured != "" {
		configured = dir
	}
	argv, err := k.command(ctx, job, dir)
	if err != nil || len(argv) != len(engineArgs)+1 {
		return
	}
	k.Warm.expect(warmSpecOf(argv[0], configured, job.Env, job.Hold))
}

// engineArgs are what makes an interpreter the engine of a run.
var engineArgs = []string{"-m", "prefect.engine"}

// Adopt finds the engine that an earlier worker started for the run.
func (k *Kind) Adopt(ctx context.Context, job *worker.Job) (worker.Infrastructure, error) { //nolint:ireturn // worker.Kind wants it so
	dir := job.Dir
	if _, err := os.Stat(filepath.Join(dir, warmDir)); err == nil {
		dir = filepath.Join(dir, warmDir)
	}
	p, err := launch.Adopt(ctx, dir)
	if err != nil {
		return nil, err
	}
	r := &running{process: p}
	if info, err := os.Stat(filepath.Join(dir, launch.OutFile)); err == nil {
		r.copyOutput(job, info.Size())
	}
	return r, nil
}

// workingDir is the configured directory, or a fresh one that goes with the run.
func workingDir(job *worker.Job) (string, error) {
	dir, _ := job.Config.Rest["working_dir"].(string)
	if dir != "" {
		return filepath.Abs(dir)
	}
	dir = filepath.Join(job.Dir, "work")
	return dir, os.MkdirAll(dir, 0o700)
}

func (k *Kind) command(ctx context.Context, job *worker.Job, dir string) ([]string, error) {
	if job.Config.Command != "" {
		return jobtemplate.Split(job.Config.Command)
	}
	python, err := k.python(ctx, job, dir)
	if err != nil {
		return nil, err
	}
	return append(python, engineArgs...), nil
}

func list(env map[string]string) []string {
	out := make([]string, 0, len(env))
	for _, name := range slices.Sorted(maps.Keys(env)) {
		out = append(out, name+"="+env[name])
	}
	return out
}

// running is an engine that runs or has ended.
type running struct {
	process *launch.Process
	control *Control
	token   string
	peer    *peer
	output  *copier
}

// cancelGrace is how long an engine may take for its hooks and its last words.
const cancelGrace = 30 * time.Second

func (r *running) Identifier() string {
	if r.process.PID() == 0 {
		return ""
	}
	return strconv.Itoa(r.process.PID())
}

func (r *running) Done() <-chan struct{} { return r.process.Done() }

func (r *running) Exit() worker.Exit {
	exit := r.process.Exit()
	if r.peer != nil && r.peer.hasReported() {
		return worker.Exit{Known: true}
	}
	if exit.Known && exit.Code > 0 && exit.Error == "" {
		exit.Error = causeOf(filepath.Join(r.process.Dir(), launch.OutFile))
	}
	return worker.Exit{
		Code: exit.Code, Known: exit.Known, Error: exit.Error,
		Unbegun: exit.Code == unbegun && filepath.Base(r.process.Dir()) == warmDir,
	}
}

func (r *running) Cancel(ctx context.Context) (understood bool) {
	understood = r.peer != nil && r.peer.cancel()
	r.process.Stop(ctx, cancelGrace)
	return understood
}

func (r *running) Stop(ctx context.Context, grace time.Duration) { r.process.Stop(ctx, grace) }

func (r *running) Release() {
	if r.control != nil {
		r.control.forget(r.token)
	}
	if r.output != nil {
		r.output.finish()
	}
}

// copyOutput copies what the process prints from the offset on, if the job wants it.
func (r *running) copyOutput(job *worker.Job, offset int64) {
	if stream, ok := job.Config.Rest["stream_output"].(bool); ok && !stream {
		return
	}
	r.output = copyGrowing(filepath.Join(r.process.Dir(), launch.OutFile), offset, job.Output, r.process.Done())
}
