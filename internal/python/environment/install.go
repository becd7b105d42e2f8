package environment

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/usherhq/usher/internal/api"
)

// install makes the environment in dir.
func install(ctx context.Context, dir string, r Request) error {
	t := tool{dir: filepath.Dir(r.file), env: quiet(r.Env), secrets: secretsOf(r), say: r.Say}
	if r.kind != lockName {
		t.dir = r.dir // paths in a requirements file count from the project
	}
	var err error
	if r.UV != "" {
		err = t.withUV(ctx, dir, r)
	} else {
		err = t.withPip(ctx, dir, r)
	}
	if err != nil {
		return api.Errorf(api.CodeInvalid, "the Python environment of %s could not be prepared: %w", r.Name(), err)
	}
	const ask = "import importlib.metadata as m; print(m.version('prefect'))"
	if _, err := t.run(ctx, pythonIn(dir), "-c", ask); err != nil {
		return api.Errorf(api.CodeInvalid, "the Python environment of %s has no prefect: add it to the file", r.Name())
	}
	return nil
}

func (t tool) withUV(ctx context.Context, dir string, r Request) error {
	if _, err := t.run(ctx, r.UV, "venv", "--quiet", "--no-project", "--allow-existing", "--python", r.Interpreter, dir); err != nil {
		return fmt.Errorf("uv venv: %w", err)
	}
	pip := installer{"uv pip install", r.UV, []string{"pip", "install", "--compile-bytecode", "--python", pythonIn(dir)}}
	if r.kind != lockName {
		return t.install(ctx, pip, dir, r)
	}
	sync := t
	sync.env = maps.Clone(t.env)
	sync.env["UV_PROJECT_ENVIRONMENT"] = dir
	if _, err := sync.run(ctx, r.UV, "sync", "--frozen", "--no-default-groups", "--no-install-project", "--no-editable", "--compile-bytecode", "--python", r.Interpreter); err != nil {
		return fmt.Errorf("uv sync: %w", err)
	}
	return t.addPrefect(ctx, pip, dir, r)
}

func (t tool) withPip(ctx context.Context, dir string, r Request) error {
	if _, err := t.run(ctx, r.Interpreter, "-m", "venv", "--clear", dir); err != nil {
		return fmt.Errorf("python -m venv (install the venv module of the interpreter, or uv): %w", err)
	}
	return t.install(ctx, installer{"pip install", pythonIn(dir), []string{"-m", "pip", "install"}}, dir, r)
}

// installer is a program that installs what the arguments after its own name.
type installer struct {
	called  string
	program string
	args    []string
}

func (t tool) with(ctx context.Context, i installer, args ...string) error {
	if _, err := t.run(ctx, i.program, slices.Concat(i.args, args)...); err != nil {
		return fmt.Errorf("%s: %w", i.called, err)
	}
	return nil
}

// install installs what the declaration asks for. Nothing in the arguments is a secret: what
// lets in at an index stands in files and in the environment.
func (t tool) install(ctx context.Context, i installer, dir string, r Request) error {
	path := r.file
	switch {
	case r.locked != nil:
		paths, err := r.locked.write(dir)
		if err != nil {
			return err
		}
		for _, path := range paths {
			if err := t.with(ctx, i, "--no-deps", "-r", path); err != nil {
				return err
			}
		}
		return t.addPrefect(ctx, i, dir, r)
	case r.kind == projectName:
		path = filepath.Join(dir, "usher-requirements.txt")
		if err := os.WriteFile(path, []byte(strings.Join(r.needs, "\n")+"\n"), 0o600); err != nil {
			return err
		}
	}
	args := []string{"-r", path}
	if !r.asksFor("prefect") {
		args = append(args, r.prefect())
	}
	return t.with(ctx, i, args...)
}

// addPrefect installs prefect beside what a lock named, if it isn't there.
func (t tool) addPrefect(ctx context.Context, i installer, dir string, r Request) error {
	const ask = "import importlib.util, sys; sys.exit(importlib.util.find_spec('prefect') is None)"
	if _, err := t.run(ctx, pythonIn(dir), "-c", ask); err == nil {
		return nil
	}
	return t.with(ctx, i, r.prefect())
}

// prefect is the requirement for flows whose declaration does not have it.
func (r Request) prefect() string {
	if r.Prefect == "" {
		return "prefect>=3,<4"
	}
	return "prefect==" + r.Prefect
}

// pythonIn is the interpreter of an environment.
func pythonIn(dir string) string {
	if runtime.GOOS == "windows" {
		return filepath.Join(dir, "Scripts", "python.exe")
	}
	return filepath.Join(dir, "bin", "python")
}

// quiet is the environment of installers: nothing asks, nothing draws, nothing installs
// elsewhere, and nothing lets in at the API.
func quiet(env map[string]string) map[string]string {
	quiet := maps.Clone(env)
	for name := range env {
		if strings.HasPrefix(name, "PREFECT_") || strings.HasPrefix(name, "USHER_") {
			delete(quiet, name)
		}
	}
	for _, name := range []string{"PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT"} {
		delete(quiet, name)
	}
	for name, value := range map[string]string{
		"PIP_NO_INPUT": "1", "PIP_PROGRESS_BAR": "off", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONUNBUFFERED": "1",
		"UV_NO_PROGRESS": "1", "UV_PYTHON_DOWNLOADS": "never", "NO_COLOR": "1", "GIT_TERMINAL_PROMPT": "0",
	} {
		quiet[name] = value
	}
	return quiet
}

// secretsOf are the words that installers must not be heard saying.
func secretsOf(r Request) []string {
	var secrets []string
	for name, value := range r.Env {
		switch {
		case len(value) < 4:
		case slices.Contains(r.variables, name), strings.HasPrefix(name, "UV_") && strings.HasSuffix(name, "_PASSWORD"):
			secrets = append(secrets, value)
		}
	}
	return secrets
}

// userinfo is the part of a URL that may be a secret.
var userinfo = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`://[^/\s@"']+@`) })

// tool runs installers.
type tool struct {
	dir     string
	env     map[string]string
	secrets []string
	say     func(line string)
}

// lastLines is how much of what an installer said last tells why it failed.
const lastLines = 8

// run runs a program to its end, and all that it started. The error has what it said last.
func (t tool) run(ctx context.Context, name string, args ...string) (stdout string, err error) {
	cmd := exec.CommandContext(ctx, name, args...) //nolint:gosec // the interpreter and the installers of this machine
	cmd.Dir = t.dir
	for _, name := range slices.Sorted(maps.Keys(t.env)) {
		cmd.Env = append(cmd.Env, name+"="+t.env[name])
	}
	asGroup(cmd)
	cmd.WaitDelay = 5 * time.Second // for pipes that somebody whom the program started still has
	var out bytes.Buffer
	said := &lines{tell: t.tell}
	cmd.Stdout, cmd.Stderr = multi{&out, said}, said
	err = cmd.Run()
	said.flush()
	if err == nil {
		return out.String(), nil
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	if last := said.last(); last != "" {
		err = fmt.Errorf("%w\n%s", err, last)
	}
	return "", err
}

// tell passes on a line without the secrets in it.
func (t tool) tell(line string) string {
	line = userinfo().ReplaceAllString(line, "://***@")
	for _, secret := range t.secrets {
		line = strings.ReplaceAll(line, secret, "***")
	}
	t.say(line)
	return line
}

type multi struct {
	all  *bytes.Buffer
	each *lines
}

func (m multi) Write(p []byte) (int, error) {
	m.all.Write(p)
	return m.each.Write(p)
}

// lines tells what is written to it line by line and keeps the last ones.
type lines struct {
	tell func(string) string

	mu   sync.Mutex
	open []byte
	kept []string
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open = append(l.open, p...)
	for {
		line, rest, found := bytes.Cut(l.open, []byte("\n"))
		if !found {
			return len(p), nil
		}
		l.add(string(line))
		l.open = bytes.Clone(rest)
	}
}

func (l *lines) add(line string) {
	line = strings.TrimRight(strings.ToValidUTF8(line, "?"), " \r\t")
	if line == "" {
		return
	}
	l.kept = append(l.kept, l.tell(line))
	if len(l.kept) > lastLines {
		l.kept = l.kept[1:]
	}
}

func (l *lines) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.add(string(l.open))
	l.open = nil
}

// last are the lines that tell of errors, or all that are kept if none does.
func (l *lines) last() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	isError := func(line string) bool { return strings.HasPrefix(strings.ToLower(line), "error") }
	kept := l.kept
	if slices.ContainsFunc(kept, isError) {
		kept = slices.DeleteFunc(slices.Clone(kept), func(line string) bool { return !isError(line) && !strings.HasPrefix(line, " ") })
	}
	return strings.Join(kept, "\n")
}

// FindUV finds uv beside the interpreter or on PATH, "" for none.
func FindUV(interpreter, path string) string {
	name := "uv"
	if runtime.GOOS == "windows" {
		name = "uv.exe"
	}
	for _, dir := range append([]string{filepath.Dir(interpreter)}, filepath.SplitList(path)...) {
		candidate := filepath.Join(dir, name)
		if info, err := os.Stat(candidate); err == nil && info.Mode().IsRegular() && (runtime.GOOS == "windows" || info.Mode()&0o111 != 0) {
			return candidate
		}
	}
	return ""
}
