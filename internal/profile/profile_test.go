package profile

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/usherhq/usher/internal/api"
)

func TestEverySettingIsFoundByEachOfItsNames(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, s := range All() {
		for _, name := range s.Names() {
			if other, taken := seen[name]; taken {
				t.Errorf("%s names both %s and %s", name, other, s.Path)
			}
			seen[name] = s.Path
			if found, ok := Find(name); !ok || found.Path != s.Path || found.Ours != s.Ours {
				t.Errorf("%s finds %q", name, found.Path)
			}
		}
		if err := s.Check(s.Default); s.Default != "" && s.Kind != Path && err != nil {
			t.Errorf("the default of %s is wrong: %v", s.Name(), err)
		}
		if s.Kind == Choice && len(s.Choices) == 0 {
			t.Errorf("%s has no choices", s.Name())
		}
	}
	if len(seen) < 400 {
		t.Errorf("only %d names", len(seen))
	}
	for _, name := range []string{"", "PREFECT_", "PREFECT_NOPE", "prefect_api_url", "PREFECT_API.URL", "API_URL", "USHER_DEFAULT_WORK_POOL_NAME"} {
		if s, ok := Find(name); ok {
			t.Errorf("%q finds %s", name, s.Name())
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, values := range map[string]struct{ good, bad []string }{
		"PREFECT_CLI_COLORS":                              {[]string{"true", "False", "1", "off", "YES"}, []string{"", "maybe", "2"}},
		"PREFECT_CLI_PROMPT":                              {[]string{"", "no"}, []string{"x"}},
		"PREFECT_CLIENT_MAX_RETRIES":                      {[]string{"5", "-1"}, []string{"5.5", "", "x"}},
		"PREFECT_API_REQUEST_TIMEOUT":                     {[]string{"5", "5.5", "1e3"}, []string{"", "5s"}},
		"PREFECT_LOGGING_LEVEL":                           {[]string{"debug", "INFO"}, []string{"", "LOUD"}},
		"PREFECT_CLIENT_RETRY_EXTRA_CODES":                {[]string{"", "404", "404, 429", "[500]"}, []string{"99", "600", "x"}},
		"PREFECT_CLIENT_CUSTOM_HEADERS":                   {[]string{"", "{}", `{"a": "b"}`}, []string{"a=b", "[]"}},
		"PREFECT_TASKS_DEFAULT_RETRY_DELAY_SECONDS":       {[]string{"", "1", "1.5", "1,2", "[1, 2]"}, []string{"x", "1,x"}},
		"PREFECT_SERVER_SERVICES_LATE_RUNS_AFTER_SECONDS": {[]string{"15", "0:00:15", "P1DT2H", "PT1.5S", "7 days, 0:00:00"}, []string{"", "x", "1:2", "P1X", "PT"}},
	} {
		s, ok := Find(name)
		if !ok {
			t.Fatalf("%s is no setting", name)
		}
		for _, value := range values.good {
			if err := s.Check(value); err != nil {
				t.Errorf("%s=%q: %v", name, value, err)
			}
		}
		for _, value := range values.bad {
			if s.Check(value) == nil {
				t.Errorf("%s=%q is accepted", name, value)
			}
		}
	}
}

func TestDurations(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"15": 15 * time.Second, "0.5": 500 * time.Millisecond, "1:00:00": time.Hour, "7 days, 0:00:01": 7*day + time.Second,
		"1 day, 2:00:00": day + 2*time.Hour, "P7D": 7 * day, "P1W": 7 * day, "PT1H30M": 90 * time.Minute, "P1DT0.5S": day + 500*time.Millisecond,
	} {
		if got := (Value{Text: text}).Duration(); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
}

func TestDotenv(t *testing.T) {
	t.Parallel()
	got := parseDotenv("A=1\nexport B = two words # no\nC='s # q'\nD=\"a\\nb\\\"c\" # x\nE=\n# F=1\nG\nH=a#b\r\nI=\"open\n=x\nJ='it\\'s'")
	want := map[string]string{"A": "1", "B": "two words", "C": "s # q", "D": "a\nb\"c", "E": "", "H": "a#b", "I": `"open`, "J": "it's"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// place is a home, a working directory and an environment of one test.
func place(t *testing.T, files map[string]string, environ ...string) Where {
	t.Helper()
	root := t.TempDir()
	where := Where{UserHome: filepath.Join(root, "home"), Dir: filepath.Join(root, "dir"), Environ: append([]string{"X=1"}, environ...)}
	for _, dir := range []string{where.Dir, where.UserHome} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return where
}

func load(t *testing.T, where Where) *Settings {
	t.Helper()
	s, err := Load(where)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestPrecedence takes the sources away one by one, the strongest first.
func TestPrecedence(t *testing.T) {
	t.Parallel()
	const name = "PREFECT_DEPLOYMENTS_DEFAULT_WORK_POOL_NAME"
	steps := []struct {
		source         Source
		want, variable string
		file, text     string
		env            string
	}{
		{source: FromEnv, want: "1", variable: "USHER_DEPLOYMENTS_DEFAULT_WORK_POOL_NAME", env: "USHER_DEPLOYMENTS_DEFAULT_WORK_POOL_NAME=1"},
		{source: FromEnv, want: "2", variable: name, env: name + "=2"},
		{source: FromEnv, want: "3", variable: "PREFECT_DEFAULT_WORK_POOL_NAME", env: "PREFECT_DEFAULT_WORK_POOL_NAME=3"},
		{source: FromDotenv, want: "4", variable: name, file: "dir/.env", text: "PREFECT_DEFAULT_WORK_POOL_NAME=9\n" + name + "=4"},
		{source: FromProject, want: "5", variable: name, file: "dir/prefect.toml", text: "[deployments]\ndefault_work_pool_name = 5"},
		{source: FromPyproject, want: "6", variable: name, file: "dir/pyproject.toml", text: "[tool.prefect.deployments]\ndefault_work_pool_name = \"6\""},
		{source: FromProfile, want: "7", variable: name, file: "home/.usher/profiles.toml", text: "active = \"p\"\n[profiles.p]\nPREFECT_DEFAULT_WORK_POOL_NAME = \"9\"\n" + name + " = \"7\""},
		{source: FromProfile, want: "8", variable: name, file: "home/.prefect/profiles.toml", text: "active = \"p\"\n[profiles.p]\nPREFECT_DEFAULT_WORK_POOL_NAME = \"8\""},
		{source: FromDefault, want: ""},
	}
	for i, step := range steps {
		files, env := map[string]string{}, []string{}
		for _, weaker := range steps[i:] {
			if weaker.file != "" {
				files[weaker.file] = weaker.text
			}
			if weaker.env != "" {
				env = append(env, weaker.env)
			}
		}
		v := load(t, place(t, files, env...)).Value(name)
		if v.Text != step.want || v.Source != step.source || v.Variable != step.variable {
			t.Errorf("step %d: %q from %s (%s), want %q from %s", i, v.Text, v.Source, v.Variable, step.want, step.source)
		}
	}
}

func TestActiveProfile(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"home/.usher/profiles.toml":   "active = \"ours\"\nignored = [\"gone\"]\n[profiles.ours]\n[profiles.both]\nPREFECT_API_URL = \"http://ours\"",
		"home/.prefect/profiles.toml": "active = \"theirs\"\n[profiles.theirs]\n[profiles.both]\nPREFECT_API_URL = \"http://theirs\"\n[profiles.gone]",
	}
	for _, c := range []struct {
		name, flag, want string
		env              []string
		warnings         int
	}{
		{name: "the file of ours", want: "ours"},
		{name: "Prefect's variable", env: []string{"PREFECT_PROFILE=theirs"}, want: "theirs"},
		{name: "our variable", env: []string{"PREFECT_PROFILE=theirs", "USHER_PROFILE=both"}, want: "both"},
		{name: "the flag", env: []string{"USHER_PROFILE=both"}, flag: "local", want: "local"},
		{name: "a leftover", env: []string{"USHER_PROFILE=gone"}, want: Default, warnings: 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			where := place(t, files, c.env...)
			where.Profile = c.flag
			s := load(t, where)
			if s.Active.Name != c.want || len(s.Warnings) != c.warnings {
				t.Errorf("%q with warnings %q", s.Active.Name, s.Warnings)
			}
			if c.want == "both" && s.APIURL() != "http://ours" {
				t.Errorf("Prefect's profile beats ours: %s", s.APIURL())
			}
		})
	}
	where := place(t, files)
	where.Profile = "gone"
	if _, err := Load(where); api.CodeOf(err) != api.CodeNotFound {
		t.Errorf("an unknown profile on the command line: %v", err)
	}
}

func TestPrefectsFileIsFound(t *testing.T) {
	t.Parallel()
	text := "active = \"x\"\n[profiles.x]\n"
	for name, where := range map[string]Where{
		"home":             place(t, map[string]string{"home/.prefect/profiles.toml": text}),
		"PREFECT_HOME":     place(t, map[string]string{"home/elsewhere/profiles.toml": text}, "PREFECT_HOME=~/elsewhere"),
		"a path in a file": place(t, map[string]string{"home/p.toml": text, "dir/prefect.toml": `profiles_path = "~/p.toml"`}),
	} {
		if s := load(t, where); s.Active.Name != "x" || s.Active.Origin != Prefect {
			t.Errorf("%s: %q of %s", name, s.Active.Name, s.Active.Origin)
		}
	}
}

func TestURLs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		env     []string
		kind    ServerType
		api, ui string
	}{
		{nil, Ephemeral, DefaultAPIURL, ""},
		{[]string{"PREFECT_SERVER_EPHEMERAL_ENABLED=false"}, Unconfigured, DefaultAPIURL, ""},
		{[]string{"PREFECT_API_URL=http://h:1/api/"}, Server, "http://h:1/api", "http://h:1"},
		{[]string{"PREFECT_API_URL=http://h:1/api", "USHER_UI_URL=http://u"}, Server, "http://h:1/api", "http://u"},
		{
			[]string{"PREFECT_API_URL=https://api.prefect.cloud/api/accounts/a/workspaces/w"}, Cloud,
			"https://api.prefect.cloud/api/accounts/a/workspaces/w", "https://app.prefect.cloud/account/a/workspace/w",
		},
	} {
		s := load(t, place(t, nil, c.env...))
		if s.ServerType() != c.kind || s.APIURL() != c.api || s.UIURL() != c.ui {
			t.Errorf("%q: %s, %s, %s", c.env, s.ServerType(), s.APIURL(), s.UIURL())
		}
	}
}

func TestAnEmptyURLTakesTheProfilesBack(t *testing.T) {
	t.Parallel()
	files := map[string]string{"home/.usher/profiles.toml": "active = \"p\"\n[profiles.p]\nPREFECT_API_URL = \"http://x\"\nPREFECT_CLI_COLORS = false"}
	s := load(t, place(t, files, "PREFECT_API_URL=", "PREFECT_CLI_COLORS="))
	if s.ServerType() != Unconfigured {
		t.Errorf("%s", s.APIURL())
	}
	if v := s.Value("PREFECT_CLI_COLORS"); v.Bool() || v.Source != FromProfile {
		t.Errorf("an empty switch counts: %q from %s", v.Text, v.Source)
	}
	if diff := cmp.Diff([]string{"PREFECT_API_URL=", "PREFECT_CLI_COLORS=False"}, s.Environ()); diff != "" {
		t.Errorf("for child processes (-want +got):\n%s", diff)
	}
}

// TestParallelEditsAllCount: each of many writers finds the others' work.
func TestParallelEditsAllCount(t *testing.T) {
	t.Parallel()
	paths := Paths{Own: filepath.Join(t.TempDir(), "new", "profiles.toml"), Prefect: filepath.Join(t.TempDir(), "none.toml")}
	var writers sync.WaitGroup
	for i := range 20 {
		writers.Go(func() {
			if err := Edit(paths, func(p *Profiles) error { return p.Create(fmt.Sprintf("p%d", i), "") }); err != nil {
				t.Error(err)
			}
		})
	}
	writers.Wait()
	profiles, err := Open(paths)
	if err != nil {
		t.Fatal(err)
	}
	if got := len(profiles.Saved()); got != 20 {
		t.Errorf("%d profiles", got)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(paths.Own), ".profiles-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestWhatCannotBeEditedIsRefusedWhole(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`profiles = { a = { PREFECT_API_URL = "x" } }`, "profiles.a.PREFECT_API_URL = 'x'\n"} {
		dir := t.TempDir()
		paths := Paths{Own: filepath.Join(dir, "own.toml"), Prefect: filepath.Join(dir, "none.toml")}
		if err := os.WriteFile(paths.Own, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		err := Edit(paths, func(p *Profiles) error { return p.Update("a", []Entry{{"PREFECT_CLI_COLORS", "true"}}, nil) })
		if err == nil || !strings.Contains(err.Error(), "by hand") {
			t.Errorf("%s: %v", text, err)
		}
		after, readErr := os.ReadFile(paths.Own)
		if readErr != nil || string(after) != text {
			t.Errorf("%q became %q (%v)", text, after, readErr)
		}
	}
}

func TestALinkStaysALink(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	target, link := filepath.Join(dir, "dotfiles.toml"), filepath.Join(dir, "profiles.toml")
	if err := os.WriteFile(target, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	if err := Edit(Paths{Own: link, Prefect: link}, func(p *Profiles) error { return p.Create("a", "") }); err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(link)
	if err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if info, err = os.Stat(target); err != nil || info.Mode().Perm() != 0o644 || info.Size() == 0 {
		t.Errorf("%v, %v", info, err)
	}
}
