package launch

import (
	"context"
	"os"
	"sync"
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
	place   place
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
func (p *Process) Dir() string { return p.place.get() }

// Move moves the program's files, while it runs; dir must not exist. This is not possible on
// Windows.
func (p *Process) Move(dir string) error { return p.place.move(dir) }

// place is a directory that may be moved.
type place struct {
	mu  sync.Mutex
	dir string
}

func (p *place) get() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dir
}

func (p *place) move(to string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	err := os.Rename(p.dir, to)
	if err == nil {
		p.dir = to
	}
	return err
}

// read reads one of the files in it.
func (p *place) read(name string, into any) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	root, err := os.OpenRoot(p.dir)
	if err != nil {
		return err
	}
	defer root.Close() //nolint:errcheck // it was only a place
	return readJSON(root, name, into)
}

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
	p := &Process{place: place{dir: dir}, started: make(chan struct{}), done: make(chan struct{})}
	var k kept
	if err := p.place.read(processFile, &k); err != nil {
		return nil, api.Errorf(api.CodeNotFound, "no program was started in %s: %w", dir, err)
	}
	p.keeper, p.pid = k.Keeper, k.Program.PID
	close(p.started)
	go p.watch(ctx)
	return p, nil
}

// watch waits until the program has ended, however that is seen: its keeper wrote it down,
// or both are gone.
func (p *Process) watch(ctx context.Context) {
	var k kept
	p.place.read(processFile, &k) //nolint:errcheck // none: it never started, nothing is alive
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		gone := !k.Keeper.alive() && !k.Program.alive()
		if p.exit = p.readExit(); p.exit.Known || gone {
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
	p.place.read(processFile, &k) //nolint:errcheck // none was started
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

func (p *Process) readExit() Exit {
	var e Exit
	e.Known = p.place.read(exitFile, &e) == nil
	return e
}

func readJSON(dir *os.Root, name string, into any) error {
	data, err := dir.ReadFile(name)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, into)
}

// writeJSON replaces the file in one step, so that a reader never sees half of it.
func writeJSON(dir *os.Root, name string, v any) error {
	data, err := json.Marshal(v, jsontext.AllowInvalidUTF8(true))
	if err != nil {
		return err
	}
	if err := dir.WriteFile(name+".new", data, 0o600); err != nil {
		return err
	}
	return dir.Rename(name+".new", name)
}
