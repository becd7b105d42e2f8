package environment

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/lockfile"
)

// Store keeps the environments of a machine; several processes may share its folder.
type Store struct {
	Root     string
	Patience time.Duration // how long an environment may take to be made
	MaxAge   time.Duration // environments that were not used for so long are removed; 0 keeps them
	MaxSize  int64         // bytes that all may take; the ones not used for longest go first; 0 is no bound
	Now      func() time.Time

	life context.Context //nolint:containedctx // of what is being made, which several callers wait for
	end  context.CancelFunc

	mu     sync.Mutex
	making map[string]*making
	probed map[string]string // interpreters, by what they are
	work   sync.WaitGroup
}

// making is an environment that is being made.
type making struct {
	done chan struct{}
	err  error
}

// NewStore makes a store below root, which need not exist.
func NewStore(root string, patience time.Duration, now func() time.Time) *Store {
	life, end := context.WithCancel(context.Background())
	return &Store{Root: root, Patience: patience, Now: now, life: life, end: end, making: map[string]*making{}, probed: map[string]string{}}
}

// Close ends what is being made.
func (s *Store) Close() {
	s.end()
	s.work.Wait()
}

// Request says what environment is wanted.
type Request struct {
	*Declaration

	Interpreter string            // that the environment is made with
	Prefect     string            // version to add where the declaration has none; "" is any
	UV          string            // path of uv; "" means pip
	Env         map[string]string // of the installer: it says where packages come from
	Say         func(line string) // told what the installer says
	Preparing   func()            // told that there is none yet
}

// Environment is one that is held: nobody removes it until it is released.
type Environment struct {
	Dir    string
	Python string
	Lock   string // path of the file whose shared lock keeps the environment

	held *os.File
}

// Release lets the environment go.
func (e *Environment) Release() { e.held.Close() } //nolint:errcheck // closing lets go in any case

const (
	lockFile  = "lock"
	readyFile = "ready.json"
)

// ready is what stands in ready.json.
type ready struct {
	Dir  string `json:"dir"` // beside the file
	Size int64  `json:"size"`
}

// Get returns the environment, which is made if need be. Who asks for one that is being made
// waits for it; that the context of one who waits ends does not end the making.
func (s *Store) Get(ctx context.Context, r Request) (*Environment, error) {
	key, err := s.key(ctx, r)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(s.Root, key)
	if e := s.open(dir); e != nil {
		return e, nil
	}
	r.Preparing()
	for range 3 { // one that was made may be removed at once by who keeps fewer of them
		made := s.make(key, dir, r)
		select {
		case <-made.done:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		if made.err != nil {
			return nil, made.err
		}
		if e := s.open(dir); e != nil {
			return e, nil
		}
	}
	return nil, api.Errorf(api.CodeInternal, "the Python environment %s was removed while it was made", dir)
}

// open holds an environment that is there, nil if it is not.
func (s *Store) open(dir string) *Environment {
	lock := filepath.Join(dir, lockFile)
	held, err := lockfile.Try(lock, false)
	if err != nil {
		return nil
	}
	is, err := readReady(dir)
	e := &Environment{Dir: filepath.Join(dir, is.Dir), Lock: lock, held: held}
	if err == nil {
		e.Python = pythonIn(e.Dir)
		_, err = os.Stat(e.Python)
	}
	if err != nil {
		e.Release()
		return nil
	}
	now := s.Now()
	os.Chtimes(filepath.Join(dir, readyFile), now, now) //nolint:errcheck // it only counts as older than it is
	return e
}

func readReady(dir string) (is ready, err error) {
	data, err := os.ReadFile(filepath.Join(dir, readyFile)) //nolint:gosec // below the store's own folder
	if err != nil {
		return is, err
	}
	return is, json.Unmarshal(data, &is)
}

// make makes the environment, once for all of this process who ask for it meanwhile.
func (s *Store) make(key, dir string, r Request) *making {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.making[key]; m != nil {
		return m
	}
	m := &making{done: make(chan struct{})}
	s.making[key] = m
	s.work.Go(func() {
		defer close(m.done)
		ctx, cancel := context.WithTimeout(s.life, s.Patience)
		defer cancel()
		m.err = s.build(ctx, dir, r)
		switch {
		case m.err == nil:
			s.prune()
		case s.life.Err() != nil:
			m.err = errors.New("the worker stopped while it prepared the Python environment")
		case ctx.Err() != nil:
			m.err = api.Errorf(api.CodeUnavailable, "the Python environment of %s was not ready within %s: %w", r.Name(), s.Patience, m.err)
		}
		s.mu.Lock()
		delete(s.making, key)
		s.mu.Unlock()
	})
	return m
}

// build makes the environment, unless another process has made it meanwhile.
func (s *Store) build(ctx context.Context, dir string, r Request) error {
	lock, err := lockFolder(ctx, dir)
	if err != nil {
		return fmt.Errorf("wait for who else prepares it: %w", err)
	}
	defer lock.Close() //nolint:errcheck // closing lets go in any case
	if _, err := readReady(dir); err == nil {
		return nil
	}
	clear(dir)
	// A folder of its own: what a killed worker had started may still write into the last one.
	made, err := os.MkdirTemp(dir, "env-")
	if err != nil {
		return err
	}
	if err := install(ctx, made, r); err != nil {
		return errors.Join(err, os.RemoveAll(made))
	}
	return writeReady(dir, ready{Dir: filepath.Base(made), Size: sizeOf(made)})
}

// lockFolder makes the folder of an environment and waits until it is ours.
func lockFolder(ctx context.Context, dir string) (*os.File, error) {
	for {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
		lock, err := lockfile.Await(ctx, filepath.Join(dir, lockFile), true)
		if !errors.Is(err, fs.ErrNotExist) { // else who removes environments has taken it away
			return lock, err
		}
	}
}

// clear removes what making an environment left behind.
func clear(dir string) {
	left, err := filepath.Glob(filepath.Join(dir, "env-*"))
	if err != nil {
		return
	}
	for _, path := range left {
		os.RemoveAll(path) //nolint:errcheck // tried again the next time
	}
}

func writeReady(dir string, is ready) error {
	data, err := json.Marshal(is)
	if err != nil {
		return err
	}
	path := filepath.Join(dir, readyFile)
	if err := os.WriteFile(path+".new", data, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// key is the hash of all that decides what is in the environment.
func (s *Store) key(ctx context.Context, r Request) (string, error) {
	interpreter, err := s.probe(ctx, r.Interpreter, r.Env)
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	fmt.Fprintf(sum, "%s\n%s\n%q\n%q\n", r.digest, interpreter, r.Prefect, filepath.Base(r.UV))
	// Where packages come from, and with whose credentials: nobody gets what only another can get.
	for _, name := range slices.Sorted(maps.Keys(r.Env)) {
		if strings.HasPrefix(name, "PIP_") || strings.HasPrefix(name, "UV_") || slices.Contains(r.variables, name) {
			fmt.Fprintf(sum, "%q=%q\n", name, r.Env[name])
		}
	}
	return hex.EncodeToString(sum.Sum(nil))[:32], nil
}

// probe says what an interpreter is; each is asked once.
func (s *Store) probe(ctx context.Context, path string, env map[string]string) (string, error) {
	at := path
	if info, err := os.Stat(path); err == nil {
		at += info.ModTime().String()
	}
	s.mu.Lock()
	known, ok := s.probed[at]
	s.mu.Unlock()
	if ok {
		return known, nil
	}
	const ask = "import sys, sysconfig; print(sys.implementation.name, sys.version, sys.base_prefix, sysconfig.get_platform())"
	out, err := tool{dir: ".", env: env, say: func(string) {}}.run(ctx, path, "-c", ask)
	if err != nil {
		return "", api.Errorf(api.CodeNotFound, "the interpreter %s can't be started: %w", path, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.probed[at] = out
	return out, nil
}
