package environment_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/usherhq/usher/internal/python/environment"
	"github.com/usherhq/usher/internal/testkit"
)

// patience is how long a test waits for what takes seconds on a busy machine.
const patience = 2 * time.Minute

// index is a package index with a password.
type index struct {
	*httptest.Server

	url      string // with the password
	requests atomic.Int32
	leaked   atomic.Bool   // the password was seen in the arguments of a process
	held     chan struct{} // requests wait until it is closed; nil for not
	asked    chan struct{} // one token when a request came
}

const password = "correct-horse-7391"

func newIndex(t *testing.T, hold bool) *index {
	t.Helper()
	dir := t.TempDir()
	testkit.Wheel(t, dir, "tinydep", "1.0", map[string]string{"tinydep.py": "value = 1\n"})
	testkit.Wheel(t, dir, "tinydep", "2.0", map[string]string{"tinydep.py": "value = 2\n"})
	testkit.Wheel(t, dir, "onlyfortests", "1.0", map[string]string{"onlyfortests.py": ""})
	testkit.Wheel(t, dir, "oldpython", "1.0", map[string]string{"oldpython.py": ""})
	testkit.Wheel(t, dir, "prefect", "3.8.3", map[string]string{"prefect/__init__.py": ""})
	i := &index{asked: make(chan struct{}, 100)}
	if hold {
		i.held = make(chan struct{})
		t.Cleanup(i.letGo)
	}
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.requests.Add(1)
		i.lookForPassword()
		select {
		case i.asked <- struct{}{}:
		default:
		}
		if i.held != nil {
			select {
			case <-i.held:
			case <-r.Context().Done():
				return
			}
		}
		if user, given, _ := r.BasicAuth(); user != "reader" || given != password {
			w.Header().Set("WWW-Authenticate", `Basic realm="index"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
		if len(parts) == 2 && parts[0] == "files" {
			http.ServeFile(w, r, filepath.Join(dir, filepath.Base(parts[1])))
			return
		}
		found, _ := filepath.Glob(filepath.Join(dir, parts[len(parts)-1]+"-*.whl"))
		if len(found) == 0 {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		for _, path := range found {
			fmt.Fprintf(w, `<a href="/files/%[1]s">%[1]s</a>`, filepath.Base(path))
		}
	}))
	t.Cleanup(i.Close)
	i.url = strings.Replace(i.URL, "http://", "http://reader:"+password+"@", 1) + "/simple/"
	return i
}

func (i *index) letGo() {
	select {
	case <-i.held:
	default:
		close(i.held)
	}
}

// lookForPassword looks while an installer is at work.
func (i *index) lookForPassword() {
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range lines {
		if line, err := os.ReadFile(path); err == nil && bytes.Contains(line, []byte(password)) {
			i.leaked.Store(true)
		}
	}
}

// project is a directory with files.
func project(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// asking is a request with what was said about it.
type asking struct {
	environment.Request

	mu        sync.Mutex
	said      []string
	preparing int
}

func (a *asking) words() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return strings.Join(a.said, "\n")
}

// want is a request for the environment of dir, from the index.
func want(t *testing.T, dir, uv string, i *index) *asking {
	t.Helper()
	declared, err := environment.Declared(dir, "", uv != "")
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{
		"PATH": os.Getenv("PATH"), "HOME": t.TempDir(), "PIP_CONFIG_FILE": os.DevNull, "PIP_NO_CACHE_DIR": "1",
		"PIP_INDEX_URL": i.url, "UV_DEFAULT_INDEX": i.url, "UV_NO_CACHE": "1", "PREFECT_API_KEY": "not-for-installers",
	}
	a := &asking{Request: environment.Request{Declaration: declared, Interpreter: testkit.Reference(t).Python, Prefect: "3.8.3", UV: uv, Env: env}}
	a.Say = func(line string) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.said = append(a.said, line)
	}
	a.Preparing = func() { a.preparing++ }
	return a
}

// command runs a tool as the installers run, which makes a lock.
func (a *asking) command(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	for name, value := range a.Env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, args, err, out)
	}
}

func newStore(t *testing.T, root string) *environment.Store {
	t.Helper()
	s := environment.NewStore(root, patience, time.Now)
	t.Cleanup(s.Close)
	return s
}

func get(t *testing.T, s *environment.Store, a *asking) *environment.Environment {
	t.Helper()
	e, err := s.Get(t.Context(), a.Request)
	if err != nil {
		t.Fatalf("%v\n%s", err, a.words())
	}
	t.Cleanup(e.Release)
	return e
}

// value is what the environment's tinydep says.
func value(t *testing.T, e *environment.Environment) string {
	t.Helper()
	out, err := exec.Command(e.Python, "-c", "import tinydep; print(tinydep.value, end='')").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

// installers runs a test with pip and with uv.
func installers(t *testing.T, test func(t *testing.T, uv string)) {
	t.Helper()
	for _, name := range []string{"pip", "uv"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			uv := ""
			if name == "uv" {
				uv = environment.FindUV(testkit.PythonWith(t, "uv==0.13.9"), "")
			}
			test(t, uv)
		})
	}
}

func TestAnEnvironmentIsMadeOnce(t *testing.T) {
	t.Parallel()
	installers(t, func(t *testing.T, uv string) {
		i := newIndex(t, false)
		s := newStore(t, t.TempDir())
		dir := project(t, map[string]string{"requirements.txt": "-r more.txt\n", "more.txt": "tinydep==1.0  # pinned\n"})
		first := want(t, dir, uv, i)
		e := get(t, s, first)
		if got := value(t, e); got != "1" {
			t.Errorf("tinydep is %s", got)
		}
		if first.preparing != 1 || !strings.Contains(strings.ToLower(first.words()), "tinydep") {
			t.Errorf("prepared %d times, said %s", first.preparing, first.words())
		}
		asked := i.requests.Load()
		again := want(t, dir, uv, i)
		again.Env = first.Env
		if same := get(t, newStore(t, s.Root), again); same.Dir != e.Dir || again.preparing != 0 || i.requests.Load() != asked {
			t.Errorf("made again: %s and %s", same.Dir, e.Dir)
		}
		if err := os.WriteFile(filepath.Join(dir, "more.txt"), []byte("tinydep==2.0\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		changed := want(t, dir, uv, i)
		changed.Env = first.Env
		if got := value(t, get(t, s, changed)); got != "2" {
			t.Errorf("tinydep is %s after the file that is included changed", got)
		}
		stranger := want(t, dir, uv, i)
		stranger.Env["PIP_INDEX_URL"], stranger.Env["UV_DEFAULT_INDEX"] = i.URL+"/simple/", i.URL+"/simple/"
		if _, err := s.Get(t.Context(), stranger.Request); err == nil {
			t.Error("who has no password got what another had made with one")
		}
		if i.leaked.Load() || strings.Contains(first.words()+changed.words(), password) {
			t.Error("the password of the index was in the arguments of a process or in what was said")
		}
	})
}

func TestProjectsHaveTheirDependencies(t *testing.T) {
	t.Parallel()
	installers(t, func(t *testing.T, uv string) {
		i := newIndex(t, false)
		dir := project(t, map[string]string{"pyproject.toml": "[project]\nname = 'p'\nversion = '0'\nrequires-python = '>=3.10'\ndependencies = ['tinydep<2']\n"})
		a := want(t, dir, uv, i)
		if got := value(t, get(t, newStore(t, t.TempDir()), a)); got != "1" {
			t.Errorf("tinydep is %s", got)
		}
		if uv == "" {
			return
		}
		// The lock says 2.0, whatever the project would get today.
		toml := filepath.Join(dir, "pyproject.toml")
		if err := os.WriteFile(toml, []byte("[project]\nname = 'p'\nversion = '0'\nrequires-python = '>=3.10'\ndependencies = ['tinydep>=1']\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		a.command(t, dir, uv, "lock", "--python", a.Interpreter)
		locked := want(t, dir, uv, i)
		if got := value(t, get(t, newStore(t, t.TempDir()), locked)); got != "2" || locked.Name() != "uv.lock" {
			t.Errorf("tinydep is %s by %s", got, locked.Name())
		}
	})
}

const projectWith = "[project]\nname = 'p'\nversion = '0'\nrequires-python = '>=3.10,<4'\n"

// remove removes a file of a project.
func remove(t *testing.T, dir, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, dir, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// locked checks that what a lock names is there, that prefect was added, and that a file with
// another hash than the lock's is not installed.
func locked(t *testing.T, dir, uv, name string, i *index) {
	t.Helper()
	a := want(t, dir, uv, i)
	e := get(t, newStore(t, t.TempDir()), a)
	if got := value(t, e); got != "1" || a.Name() != name {
		t.Errorf("tinydep is %s by %s", got, a.Name())
	}
	const ask = "import importlib.metadata as m, beside; print(*sorted(d.name for d in m.distributions() if d.name in ('tinydep', 'beside', 'prefect', 'onlyfortests', 'oldpython')), end='')"
	if out, err := exec.Command(e.Python, "-c", ask).CombinedOutput(); err != nil || string(out) != "beside prefect tinydep" {
		t.Errorf("%v: %s", err, out)
	}
	path := filepath.Join(dir, name)
	lock, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	wrong := regexp.MustCompile(`(sha256(?::| = "))[0-9a-f]{8}`).ReplaceAll(lock, []byte("${1}00000000"))
	write(t, dir, name, string(wrong))
	changed := want(t, dir, uv, i)
	if _, err := newStore(t, t.TempDir()).Get(t.Context(), changed.Request); err == nil || !strings.Contains(strings.ToLower(err.Error()), "hash") {
		t.Errorf("with other hashes: %v", err)
	}
	write(t, dir, name, string(lock))
	if i.leaked.Load() || strings.Contains(a.words()+changed.words(), password) {
		t.Error("the password of the index was in the arguments of a process or in what was said")
	}
}

// beside is a package that is a folder of the project.
var beside = map[string]string{
	"beside/pyproject.toml": "[project]\nname = 'beside'\nversion = '0'\n[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n",
	"beside/backend.py": `import zipfile
def build_wheel(directory, settings=None, metadata=None):
    name = "beside-0-py3-none-any.whl"
    with zipfile.ZipFile(directory + "/" + name, "w") as z:
        z.writestr("beside.py", "")
        z.writestr("beside-0.dist-info/METADATA", "Metadata-Version: 2.1\nName: beside\nVersion: 0\n")
        z.writestr("beside-0.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: b\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        z.writestr("beside-0.dist-info/RECORD", "")
    return name
`,
}

func TestLocksOfTheStandardFormat(t *testing.T) {
	t.Parallel()
	installers(t, func(t *testing.T, uv string) {
		i := newIndex(t, false)
		dir := project(t, beside)
		write(t, dir, "pyproject.toml", projectWith+"dependencies = ['tinydep<2', 'beside', \"oldpython; python_version < '3.11'\"]\n[dependency-groups]\ndev = ['onlyfortests']\n[tool.uv.sources]\nbeside = {path = 'beside'}\n")
		tool := environment.FindUV(testkit.PythonWith(t, "uv==0.13.9"), "")
		a := want(t, dir, uv, i)
		a.command(t, dir, tool, "lock", "--python", a.Interpreter)
		a.command(t, dir, tool, "export", "--frozen", "--no-emit-project", "--format", "pylock.toml", "--no-dev", "-o", "pylock.toml")
		remove(t, dir, "uv.lock")
		write(t, dir, "pyproject.toml", projectWith) // says nothing of it any more
		locked(t, dir, uv, "pylock.toml", i)
	})
}

func TestLocksOfPoetry(t *testing.T) {
	t.Parallel()
	installers(t, func(t *testing.T, uv string) {
		i := newIndex(t, false)
		dir := project(t, beside)
		write(t, dir, "pyproject.toml", projectWith+"dependencies = ['tinydep<2', 'beside', \"oldpython; python_version < '3.11'\"]\n[tool.poetry.dependencies]\nbeside = {path = 'beside'}\n[tool.poetry.group.dev.dependencies]\nonlyfortests = '*'\n[[tool.poetry.source]]\nname = 'own'\nurl = '"+i.URL+"/simple/'\npriority = 'primary'\n")
		a := want(t, dir, uv, i)
		a.Env["POETRY_HTTP_BASIC_OWN_USERNAME"], a.Env["POETRY_HTTP_BASIC_OWN_PASSWORD"] = "reader", password
		a.Env["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"
		a.command(t, dir, testkit.PythonWith(t, "poetry==2.1.4"), "-m", "poetry", "lock", "--no-interaction")
		write(t, dir, "pyproject.toml", projectWith)
		locked(t, dir, uv, "poetry.lock", i)
	})
}

func TestWhatTheInstallerSaysIsTold(t *testing.T) {
	t.Parallel()
	installers(t, func(t *testing.T, uv string) {
		i := newIndex(t, false)
		s := newStore(t, t.TempDir())
		a := want(t, project(t, map[string]string{"requirements.txt": "nosuchdep==9\n"}), uv, i)
		_, err := s.Get(t.Context(), a.Request)
		if err == nil || !strings.Contains(err.Error(), "nosuchdep") || !strings.Contains(err.Error(), "requirements.txt") || strings.Contains(err.Error(), password) {
			t.Errorf("%v", err)
		}
		if left, _ := filepath.Glob(filepath.Join(s.Root, "*", "env-*")); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	})
}

func TestAnInstallerThatHangsIsEnded(t *testing.T) {
	t.Parallel()
	installers(t, func(t *testing.T, uv string) {
		i := newIndex(t, true)
		s := newStore(t, t.TempDir())
		// Less than an installer waits for an answer, more than it takes to ask on a busy machine.
		s.Patience = 12 * time.Second
		a := want(t, project(t, map[string]string{"requirements.txt": "tinydep\n"}), uv, i)
		if _, err := s.Get(t.Context(), a.Request); err == nil || !strings.Contains(err.Error(), "not ready within 12s") {
			t.Errorf("%v", err)
		}
		processes, _ := filepath.Glob("/proc/[0-9]*/cmdline")
		for _, path := range processes {
			if line, err := os.ReadFile(path); err == nil && bytes.Contains(line, []byte(s.Root)) {
				t.Errorf("still there: %q", line)
			}
		}
	})
}

func TestTwoAtOnceMakeOne(t *testing.T) {
	t.Parallel()
	i := newIndex(t, true)
	root, dir := t.TempDir(), project(t, map[string]string{"requirements.txt": "tinydep==1.0\n"})
	one, two := want(t, dir, "", i), want(t, dir, "", i)
	two.Env = one.Env
	first, second := newStore(t, root), newStore(t, root)
	var wg sync.WaitGroup
	dirs := make([]string, 3)
	ask := func(n int, s *environment.Store, a *asking) {
		wg.Go(func() {
			e, err := s.Get(t.Context(), a.Request)
			if err != nil {
				t.Error(err)
				return
			}
			defer e.Release()
			dirs[n] = e.Dir
		})
	}
	ask(0, first, one)
	<-i.asked
	ask(1, first, one)
	ask(2, second, two)
	i.letGo()
	wg.Wait()
	if dirs[0] != dirs[1] || dirs[1] != dirs[2] || strings.Contains(two.words(), "tinydep") {
		t.Errorf("%v; the second installer said: %s", dirs, two.words())
	}
}

// TestMain lets the test binary be a worker that is killed while it makes an environment.
func TestMain(m *testing.M) {
	if root := os.Getenv("ENVIRONMENT_TEST_ROOT"); root != "" {
		makeForAnother(root)
	}
	os.Exit(m.Run())
}

func makeForAnother(root string) {
	declared, err := environment.Declared(os.Getenv("ENVIRONMENT_TEST_DIR"), "", false)
	if err == nil {
		r := environment.Request{Declaration: declared, Interpreter: os.Getenv("ENVIRONMENT_TEST_PYTHON"), Prefect: "3.8.3", Say: func(string) {}, Preparing: func() {}}
		r.Env = map[string]string{}
		for _, pair := range os.Environ() {
			if name, value, _ := strings.Cut(pair, "="); !strings.HasPrefix(name, "ENVIRONMENT_TEST_") {
				r.Env[name] = value
			}
		}
		_, err = environment.NewStore(root, patience, time.Now).Get(context.Background(), r)
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func TestAKilledWorkersInstallIsDoneAgain(t *testing.T) {
	t.Parallel()
	i := newIndex(t, true)
	root, dir := t.TempDir(), project(t, map[string]string{"requirements.txt": "tinydep==1.0\n"})
	a := want(t, dir, "", i)
	killed := exec.Command(os.Args[0])
	for name, value := range a.Env {
		killed.Env = append(killed.Env, name+"="+value)
	}
	killed.Env = append(killed.Env, "ENVIRONMENT_TEST_ROOT="+root, "ENVIRONMENT_TEST_DIR="+dir, "ENVIRONMENT_TEST_PYTHON="+a.Interpreter)
	if err := killed.Start(); err != nil {
		t.Fatal(err)
	}
	<-i.asked
	if err := killed.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	killed.Wait() //nolint:errcheck // it was killed
	left, _ := filepath.Glob(filepath.Join(root, "*", "env-*"))
	if len(left) != 1 {
		t.Fatalf("the killed worker left %v", left)
	}
	i.letGo()
	if e := get(t, newStore(t, root), a); value(t, e) != "1" || e.Dir == left[0] {
		t.Errorf("half an environment was used: %s", e.Dir)
	}
}

func TestEnvironmentsArePruned(t *testing.T) {
	t.Parallel()
	i := newIndex(t, false)
	s := newStore(t, t.TempDir())
	env := want(t, project(t, map[string]string{"requirements.txt": "tinydep\n"}), "", i).Env
	made := func(requirement string) *environment.Environment {
		a := want(t, project(t, map[string]string{"requirements.txt": requirement + "\n"}), "", i)
		a.Env = env
		e, err := s.Get(t.Context(), a.Request)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	held, free := made("tinydep==1.0"), made("tinydep==2.0")
	t.Cleanup(held.Release)
	free.Release()
	later := environment.NewStore(s.Root, patience, func() time.Time { return time.Now().Add(time.Hour) })
	later.MaxAge = 2 * time.Hour
	prune := func() {
		later.Prune()
		later.Close()
	}
	prune()
	if !there(held) || !there(free) {
		t.Error("a young one was removed")
	}
	later.MaxAge = time.Minute
	prune()
	if !there(held) || there(free) {
		t.Errorf("held %t, free %t, after an age that both have", there(held), there(free))
	}
	held.Release()
	later.MaxAge, later.MaxSize = 0, 1
	prune()
	if left, _ := os.ReadDir(s.Root); there(held) || len(left) > 0 {
		t.Errorf("more is kept than may be: %v", left)
	}
}

func there(e *environment.Environment) bool {
	_, err := os.Stat(e.Python)
	return err == nil
}
