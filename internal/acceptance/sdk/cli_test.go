package sdk_test

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/usherhq/usher/internal/testkit"
)

// commandPatience is for one condition of a script to come true.
const commandPatience = 90 * time.Second

// TestCLI runs command lines of the reference's CLI. The commands are
// testscript's own and these:
//
//	capture VAR REGEXP      set VAR to the first group's match in the last stdout
//	until REGEXP PROG ARG…  run PROG again and again until its stdout matches
func TestCLI(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/cli",
		Setup:               setUpCLI,
		RequireExplicitExec: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"capture": capture,
			"until":   until,
		},
	})
}

func setUpCLI(env *testscript.Env) error {
	t := env.T().(testing.TB)
	py, s := testkit.Reference(t), server(t)
	env.Vars = testkit.WithPath(s.Env(env.WorkDir, "WORK="+env.WorkDir, "PREFECT_WORKER_QUERY_SECONDS=1"), py.Bin)
	if filepath.Base(env.WorkDir) == "script-transfer" { // to another server
		env.Setenv("OTHER", server(t).APIURL())
	}
	return nil
}

func capture(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: capture VAR REGEXP")
	}
	found := pattern(ts, args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if len(found) != 2 {
		ts.Fatalf("%s does not match once with one group:\n%s", args[1], ts.ReadFile("stdout"))
	}
	ts.Setenv(args[0], found[1])
}

func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until REGEXP PROG ARG…")
	}
	want := pattern(ts, args[0])
	ctx, cancel := context.WithTimeout(context.Background(), commandPatience)
	defer cancel()
	err := testkit.Until(ctx, func() error {
		if err := ts.Exec(args[1], args[2:]...); err != nil {
			return err
		}
		if !want.MatchString(ts.ReadFile("stdout")) {
			return fmt.Errorf("%q does not print %s", args[1:], want)
		}
		return nil
	})
	ts.Check(err)
}

func pattern(ts *testscript.TestScript, text string) *regexp.Regexp {
	re, err := regexp.Compile(`(?m)` + text)
	ts.Check(err)
	return re
}
