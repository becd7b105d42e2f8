package acceptance

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/usherhq/usher/internal/testkit"
)

func TestScripts(t *testing.T) {
	t.Parallel()
	binary := testkit.Usher(t)
	for _, dir := range scriptDirs(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Parallel()
			testscript.Run(t, testscript.Params{
				Dir:                 dir,
				Setup:               func(env *testscript.Env) error { return setup(env, binary) },
				Cmds:                words(t),
				RequireExplicitExec: true,
				RequireUniqueNames:  true,
			})
		})
	}
}

// scriptDirs are the directories of testdata that hold scripts.
func scriptDirs(t *testing.T) []string {
	t.Helper()
	scripts, err := filepath.Glob(filepath.Join("testdata", "*", "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	var dirs []string
	for _, script := range scripts {
		if dir := filepath.Dir(script); len(dirs) == 0 || dirs[len(dirs)-1] != dir {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// setup gives a script a home of its own, the binary in its PATH and nothing of
// the settings of who runs the tests.
func setup(env *testscript.Env, binary string) error {
	home := filepath.Join(env.WorkDir, "home")
	if err := os.MkdirAll(home, 0o700); err != nil {
		return err
	}
	bin := filepath.Join(env.WorkDir, "bin")
	if err := os.MkdirAll(bin, 0o700); err != nil {
		return err
	}
	if err := os.Symlink(binary, filepath.Join(bin, "usher")); err != nil {
		return err
	}
	vars := append(testkit.WithPath(testkit.Env(home), bin), "WORK="+env.WorkDir)
	for _, kv := range vars {
		name, value, _ := strings.Cut(kv, "=")
		if name != "NO_COLOR" && name != "COLUMNS" {
			env.Setenv(name, value)
		}
	}
	env.Values[workKey{}] = home
	return nil
}

// workKey is where setup leaves the script's home for its words.
type workKey struct{}
