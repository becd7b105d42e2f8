package testkit

import (
	"os"
	"path/filepath"
	"strings"
)

// Env returns an environment whose programs keep everything they write below
// home and see no setting of the person who runs the tests; extra comes last.
func Env(home string, extra ...string) []string {
	var env []string
	for _, kv := range os.Environ() {
		if !steers(kv) {
			env = append(env, kv)
		}
	}
	env = append(env,
		"HOME="+home,
		"USHER_HOME="+filepath.Join(home, ".usher"),
		"PREFECT_HOME="+filepath.Join(home, ".prefect"),
		"DBUS_SESSION_BUS_ADDRESS=unix:path="+filepath.Join(home, "no-session"), // never the keyring of who runs the tests
		"PREFECT_SERVER_ANALYTICS_ENABLED=false",
		"DO_NOT_TRACK=1",
		"PYTHONNOUSERSITE=1",
		"NO_COLOR=1",
		"COLUMNS=200",
	)
	return append(env, extra...)
}

// steers reports whether a variable would change what the programs under test
// do.
func steers(kv string) bool {
	name, _, _ := strings.Cut(kv, "=")
	for _, prefix := range []string{"PREFECT_", "USHER_", "PYTHON", "XDG_", "CLICOLOR", "ACTIONS_", "DBUS_"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return name == "VIRTUAL_ENV" || name == "HOME" || name == "GITHUB_ACTIONS" || name == "PAGER"
}

// WithPath returns env with dir as the first place where programs are looked
// up.
func WithPath(env []string, dir string) []string {
	path := dir
	for _, kv := range env {
		if old, ok := strings.CutPrefix(kv, "PATH="); ok {
			path = dir + string(os.PathListSeparator) + old
		}
	}
	return append(env, "PATH="+path)
}
