package process

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/lockfile"
	"github.com/usherhq/usher/internal/worker/launch"
)

//go:embed warm.py
var warmScript string

const (
	// unbegun is the exit code of an interpreter that was never told of a run.
	unbegun = 83
	// warmDir is where the files of a run are that a warm interpreter executes, below the run's.
	warmDir = "engine"
	// warmingPatience bounds how long an interpreter may take to become warm.
	warmingPatience = 2 * time.Minute
	// tellPatience bounds how long it may take to be told of its run.
	tellPatience = 5 * time.Second
)

// Warm keeps interpreters that have imported the SDK, for the runs to come: one for each of
// the last runs, of the same interpreter, environment and directory. An interpreter executes
// one run, and ends if its worker does before that.
type Warm struct {
	size     int
	dir      string
	launcher launch.Launcher
	lock     *os.File

	life context.Context //nolint:containedctx // of the interpreters that are warmed
	end  context.CancelFunc
	wake chan struct{}
	work sync.WaitGroup

	mu     sync.Mutex
	recent []warmSpec // of the last runs, the newest last
	spares []*spare
	made   int
}

// warmSpec says what an interpreter is warmed with.
type warmSpec struct {
	key    string
	python string
	dir    string // "" means a fresh one for each run
	env    []string
	hold   string
}

// spare is an interpreter that is warm, and has no run yet.
type spare struct {
	key     string
	process *launch.Process
	line    net.Conn
}

// NewWarm keeps up to size interpreters, with files below root.
func NewWarm(root string, size int, launcher launch.Launcher) (*Warm, error) {
	removeLeft(root)
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(root, "worker-")
	if err != nil {
		return nil, err
	}
	lock, err := lockfile.Await(context.Background(), filepath.Join(dir, "lock"), true)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "warm.py"), []byte(warmScript), 0o600); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	w := &Warm{size: size, dir: dir, launcher: launcher, lock: lock, wake: make(chan struct{}, 1)}
	w.life, w.end = context.WithCancel(context.Background())
	w.work.Go(w.tend)
	return w, nil
}

// removeLeft removes what killed workers left behind.
func removeLeft(root string) {
	left, err := filepath.Glob(filepath.Join(root, "worker-*"))
	if err != nil {
		return
	}
	for _, dir := range left {
		if lock, err := lockfile.Try(filepath.Join(dir, "lock"), true); err == nil {
			os.RemoveAll(dir) //nolint:errcheck // tried again by the next worker
			lock.Close()      //nolint:errcheck // closing lets go in any case
		}
	}
}

// Close ends the interpreters that have no run.
func (w *Warm) Close() {
	w.end()
	w.work.Wait()
	os.RemoveAll(w.dir) //nolint:errcheck // removed by the next worker
	w.lock.Close()      //nolint:errcheck // closing lets go in any case
}

// settings are those that may differ from run to run, so that the SDK has to read them again.
var settings = []string{"PREFECT_API_KEY", "PREFECT_API_AUTH_STRING"}

// ofRun says that a variable is about one run alone.
func ofRun(name string) bool {
	return strings.HasPrefix(name, "PREFECT__") || slices.Contains(settings, name) || name == "PWD"
}

// warmSpecOf is what an interpreter for a run has to be warmed with.
func warmSpecOf(python, dir string, env map[string]string, hold string) warmSpec {
	common := maps.Clone(env)
	maps.DeleteFunc(common, func(name, _ string) bool { return ofRun(name) })
	s := warmSpec{python: python, dir: dir, env: list(common), hold: hold}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q", s.python, s.dir, s.env, s.hold))
	s.key = hex.EncodeToString(sum[:])
	return s
}

// Start lets a warm interpreter execute a run whose files are in jobDir; nil if there is none
// of the kind. Whether or not, one will be there for the next run like it.
func (w *Warm) Start(s warmSpec, jobDir, dir string, env map[string]string) *launch.Process {
	defer w.note(s)
	for {
		spare := w.take(s.key)
		if spare == nil {
			return nil
		}
		if err := spare.begin(filepath.Join(jobDir, warmDir), dir, env); err == nil {
			return spare.process
		}
		spare.discard()
	}
}

func (w *Warm) take(key string) *spare {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, s := range w.spares {
		if s.key == key {
			w.spares = slices.Delete(w.spares, i, i+1)
			return s
		}
	}
	return nil
}

// note remembers a run, so that there is an interpreter for the next like it.
func (w *Warm) note(s warmSpec) {
	w.mu.Lock()
	w.recent = append(w.recent, s)
	w.recent = w.recent[max(0, len(w.recent)-w.size):]
	w.mu.Unlock()
	w.nudge()
}

// expect has an interpreter warmed for a run that has not come yet; those that came count more.
func (w *Warm) expect(s warmSpec) {
	w.mu.Lock()
	if len(w.recent) < w.size {
		w.recent = slices.Insert(w.recent, 0, s)
	}
	w.mu.Unlock()
	w.nudge()
}

func (w *Warm) nudge() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// begin tells the interpreter of its run. Its files move first: whoever looks after the run
// then finds it, or finds that it never began.
func (s *spare) begin(jobDir, dir string, env map[string]string) error {
	select {
	case <-s.process.Done():
		return errors.New("the interpreter has ended")
	default:
	}
	own := map[string]string{"PWD": dir}
	for name, value := range env {
		if ofRun(name) && name != "PWD" {
			own[name] = value
		}
	}
	job, err := json.Marshal(map[string]any{"dir": dir, "env": own, "settings": settings})
	if err == nil {
		err = s.process.Move(jobDir)
	}
	if err == nil {
		err = s.line.SetDeadline(time.Now().Add(tellPatience))
	}
	if err == nil {
		_, err = s.line.Write(append(job, '\n'))
	}
	if err == nil {
		err = s.line.Close()
	}
	return err
}

// discard ends an interpreter without a run.
func (s *spare) discard() {
	s.line.Close() //nolint:errcheck // it ends by that
	s.process.Stop(context.Background(), tellPatience)
	os.RemoveAll(s.process.Dir()) //nolint:errcheck // removed with its folder
}

// tend keeps the interpreters that are wanted.
func (w *Warm) tend() {
	defer w.discardAll()
	for {
		for w.tendOnce() {
		}
		select {
		case <-w.wake:
		case <-w.life.Done():
			return
		}
	}
}

func (w *Warm) discardAll() {
	w.mu.Lock()
	left := w.spares
	w.spares = nil
	w.mu.Unlock()
	for _, s := range left {
		s.discard()
	}
}

// tendOnce ends an interpreter that nobody wants or warms one that is missing, and says
// whether there may be more to do.
func (w *Warm) tendOnce() bool {
	if w.life.Err() != nil {
		return false
	}
	missing, superfluous := w.compare()
	for _, s := range superfluous {
		s.discard()
	}
	if missing == nil {
		return false
	}
	s, err := w.warm(*missing)
	if err != nil {
		w.forget(missing.key) // until a run like it comes again
		return true
	}
	w.mu.Lock()
	w.spares = append(w.spares, s)
	w.mu.Unlock()
	w.work.Go(func() { w.watch(s) })
	return true
}

// compare takes out what nobody wants and finds something that is missing.
func (w *Warm) compare() (missing *warmSpec, superfluous []*spare) {
	w.mu.Lock()
	defer w.mu.Unlock()
	wanted := map[string]int{}
	for _, r := range w.recent {
		wanted[r.key]++
	}
	var kept []*spare
	for _, s := range w.spares {
		if wanted[s.key] > 0 {
			wanted[s.key]--
			kept = append(kept, s)
		} else {
			superfluous = append(superfluous, s)
		}
	}
	w.spares = kept
	for i := len(w.recent) - 1; i >= 0; i-- {
		if wanted[w.recent[i].key] > 0 {
			return &w.recent[i], superfluous
		}
	}
	return nil, superfluous
}

func (w *Warm) forget(key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.recent = slices.DeleteFunc(w.recent, func(r warmSpec) bool { return r.key == key })
}

// watch has an interpreter replaced that ends without a run.
func (w *Warm) watch(s *spare) {
	select {
	case <-s.process.Done():
	case <-w.life.Done():
		return
	}
	w.mu.Lock()
	i := slices.Index(w.spares, s)
	if i >= 0 {
		w.spares = slices.Delete(w.spares, i, i+1)
	}
	w.mu.Unlock()
	if i >= 0 {
		s.discard()
		w.nudge()
	}
}

// warm starts an interpreter and waits until it has imported the SDK.
func (w *Warm) warm(spec warmSpec) (*spare, error) {
	w.made++
	dir := filepath.Join(w.dir, fmt.Sprintf("warming-%d", w.made))
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	line, theirs, err := newLine()
	if err != nil {
		return nil, err
	}
	start := launch.Spec{Argv: []string{spec.python, filepath.Join(w.dir, "warm.py")}, Dir: spec.dir, Env: spec.env, Hold: spec.hold, Line: theirs}
	if start.Dir == "" {
		start.Dir = dir
	}
	process, err := w.launcher.Start(w.life, dir, start)
	if process == nil {
		return nil, errors.Join(err, line.Close(), os.RemoveAll(dir))
	}
	s := &spare{key: spec.key, process: process, line: line}
	stop := context.AfterFunc(w.life, func() { line.SetReadDeadline(time.Now()) }) //nolint:errcheck // a socket always takes one
	defer stop()
	if err == nil {
		err = line.SetReadDeadline(time.Now().Add(warmingPatience))
	}
	if err == nil {
		_, err = line.Read(make([]byte, 1))
	}
	if err == nil { // who looks at the folder sees which are warm
		err = process.Move(filepath.Join(w.dir, fmt.Sprintf("spare-%d", w.made)))
	}
	if err != nil {
		s.discard()
		return nil, api.Errorf(api.CodeInternal, "the interpreter %s did not become warm: %w", spec.python, err)
	}
	return s, nil
}
