// Package python finds Python interpreters on this machine that have prefect installed. It
// asks each once and remembers the answer.
package python

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/usherhq/usher/internal/api"
)

// probeScript fails where prefect is not installed; it does not import it, which takes seconds.
const probeScript = "import importlib.metadata as m; print(m.version('prefect'))"

// probePatience bounds how long an interpreter may take to answer.
const probePatience = 30 * time.Second

// Finder knows which interpreters have prefect. It is safe for concurrent use.
type Finder struct {
	mu    sync.Mutex
	known map[probe]string // version
}

// probe is an interpreter as it was when it was asked.
type probe struct {
	path string
	at   time.Time
}

// NewFinder makes a Finder that knows nothing yet.
func NewFinder() *Finder { return &Finder{known: map[probe]string{}} }

// Find returns the first interpreter that has prefect: in a .venv of the directories, in
// VIRTUAL_ENV, then on PATH, both taken from env.
func (f *Finder) Find(ctx context.Context, dirs []string, env map[string]string) (string, error) {
	looked := candidates(dirs, env)
	environ := make([]string, 0, len(env))
	for name, value := range env {
		environ = append(environ, name+"="+value)
	}
	for _, path := range looked {
		if f.Version(ctx, path, environ) != "" {
			return path, nil
		}
	}
	if ctx.Err() != nil {
		return "", context.Cause(ctx) // the interpreters were not asked, or stopped before they answered
	}
	if len(looked) == 0 {
		looked = []string{"python3 on PATH"}
	}
	return "", api.Errorf(api.CodeNotFound,
		"no Python with prefect found; looked at %s. Install prefect there (pip install prefect), or name an interpreter with --python", strings.Join(looked, ", "))
}

// Version is the version of prefect that the interpreter at path has, "" for none.
func (f *Finder) Version(ctx context.Context, path string, environ []string) string {
	key := probe{path: path}
	if info, err := os.Stat(path); err == nil {
		key.at = info.ModTime()
	}
	f.mu.Lock()
	version, ok := f.known[key]
	f.mu.Unlock()
	if ok {
		return version
	}
	ctx, cancel := context.WithTimeout(ctx, probePatience)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "-c", probeScript)
	cmd.Env = environ
	out, err := cmd.Output()
	if err != nil {
		return "" // asked again next time: an install may mend it
	}
	version = strings.TrimSpace(string(out))
	f.mu.Lock()
	defer f.mu.Unlock()
	f.known[key] = version
	return version
}

// candidates lists the interpreters that exist, nearest first.
func candidates(dirs []string, env map[string]string) []string {
	var found []string
	add := func(path string) {
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			found = append(found, path)
		}
	}
	for _, dir := range dirs {
		add(inVenv(filepath.Join(dir, ".venv")))
	}
	if venv := env["VIRTUAL_ENV"]; venv != "" {
		add(inVenv(venv))
	}
	for _, name := range []string{"python3", "python"} {
		if path, err := LookPath(name, env["PATH"]); err == nil {
			found = append(found, path)
		}
	}
	return found
}

func inVenv(venv string) string {
	if runtime.GOOS == "windows" {
		return filepath.Join(venv, "Scripts", "python.exe")
	}
	return filepath.Join(venv, "bin", "python")
}

// LookPath finds a program in the given PATH, which may not be our own.
func LookPath(name, path string) (string, error) {
	if runtime.GOOS == "windows" {
		return exec.LookPath(name)
	}
	for _, dir := range filepath.SplitList(path) {
		candidate := filepath.Join(dir, name)
		if info, err := os.Stat(candidate); err == nil && !info.IsDir() && info.Mode()&0o111 != 0 {
			return candidate, nil
		}
	}
	return "", exec.ErrNotFound
}
