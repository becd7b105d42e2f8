package launch

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
)

const (
	launchFile  = "launch.json"
	processFile = "process.json"
	exitFile    = "exit.json"
	// OutFile is what the program printed.
	OutFile = "out"
	// ErrFile is what it printed to standard error, if that was kept apart.
	ErrFile = "err"
)

// Exit says how a program ended.
type Exit struct {
	Code  int    `json:"code"`            // negative: the signal that ended it
	Error string `json:"error,omitzero"`  // why it could not be started
	Known bool   `json:"-"`               // false when keeper and program vanished together
	At    int64  `json:"at_ms,omitempty"` // Unix milliseconds
}

// Process is a program started by Start or found again by Adopt.
type Process struct {
	dir     string
	keeper  identity
	pid     int
	started chan struct{}
	done    chan struct{}
	exit    Exit
}

// PID is the program's process id, 0 if it never started.
func (p *Process) PID() int { return p.pid }

// Done is closed when the program has ended and its exit is known.
func (p *Process) Done() <-chan struct{} { return p.done }

// Exit says how the program ended; wait for Done first.
func (p *Process) Exit() Exit { return p.exit }

// Dir is where the program's files are.
func (p *Process) Dir() string { return p.dir }

// identity tells a process from a later one with the same id.
type identity struct {
	PID   int    `json:"pid"`
	Start string `json:"start"` // when it began, in the system's own words
}

func identify(pid int) identity { return identity{PID: pid, Start: startTime(pid)} }

func (i identity) alive() bool {
	return i.Start != "" && exists(i.PID) && startTime(i.PID) == i.Start
}

// kept is what process.json holds.
type kept struct {
	Keeper  identity `json:"keeper"`
	Program identity `json:"program"`
}

// pollEvery is how often an adopted program, which is not our child, is looked at.
const pollEvery = 50 * time.Millisecond

// Adopt finds the program that an earlier worker started in dir; it may have ended. It
// answers api.CodeNotFound if none was ever started there.
func Adopt(ctx context.Context, dir string) (*Process, error) {
	var k kept
	if err := readJSON(filepath.Join(dir, processFile), &k); err != nil {
		return nil, api.Errorf(api.CodeNotFound, "no program was started in %s: %w", dir, err)
	}
	p := &Process{dir: dir, keeper: k.Keeper, pid: k.Program.PID, started: make(chan struct{}), done: make(chan struct{})}
	close(p.started)
	go p.watch(ctx)
	return p, nil
}

// watch waits until the program has ended, however that is seen: its keeper wrote it down,
// or both are gone.
func (p *Process) watch(ctx context.Context) {
	var k kept
	readJSON(filepath.Join(p.dir, processFile), &k) //nolint:errcheck // none: it never started, nothing is alive
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		gone := !k.Keeper.alive() && !k.Program.alive()
		if p.exit = readExit(p.dir); p.exit.Known || gone {
			close(p.done)
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Stop ends the program and everything it started: it asks politely, waits up to grace for
// the program itself, and kills what is left. It returns when the program is gone.
func (p *Process) Stop(ctx context.Context, grace time.Duration) {
	select {
	case <-p.done:
	default:
		terminate(p.keeper, p.program())
		p.wait(ctx, grace)
	}
	p.Kill()
	p.wait(ctx, time.Minute)
}

// Kill ends the program and everything it started, at once.
func (p *Process) Kill() { killTree(p.keeper, p.program()) }

// program is who the keeper says that it started; nobody, if it started none.
func (p *Process) program() identity {
	var k kept
	readJSON(filepath.Join(p.dir, processFile), &k) //nolint:errcheck // none was started
	return k.Program
}

func (p *Process) wait(ctx context.Context, limit time.Duration) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-p.done:
	case <-timer.C:
	case <-ctx.Done():
	}
}

func readExit(dir string) Exit {
	var e Exit
	e.Known = readJSON(filepath.Join(dir, exitFile), &e) == nil
	return e
}

func readJSON(path string, into any) error {
	data, err := os.ReadFile(path) //nolint:gosec // below the run's own folder
	if err != nil {
		return err
	}
	return json.Unmarshal(data, into)
}

// writeJSON replaces the file in one step, so that a reader never sees half of it.
func writeJSON(path string, v any) error {
	data, err := json.Marshal(v, jsontext.AllowInvalidUTF8(true))
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", data, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
