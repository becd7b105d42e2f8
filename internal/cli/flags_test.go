package cli

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
)

// parsed is what a command of the usual shape makes of its words.
type parsed struct {
	Name, New   string
	Tags, Rest  []string
	Watch, Quit bool
}

func parse(t *testing.T, rest bool, args ...string) (parsed, error) {
	t.Helper()
	var p parsed
	cmd := &cobra.Command{Use: "try", SilenceErrors: true, SilenceUsage: true, RunE: func(*cobra.Command, []string) error { return nil }}
	cmd.SetFlagErrorFunc(FlagError)
	last := Positional{Name: "new_name", Value: &p.New}
	if rest {
		last = Positional{Name: "rest", Values: &p.Rest, Required: true}
	}
	Positionals(cmd, Positional{Name: "name", Value: &p.Name, Required: true}, last)
	cmd.Flags().StringArrayVarP(&p.Tags, "tag", "t", []string{"given"}, "")
	cmd.Flags().BoolVar(&p.Watch, "watch", true, "")
	cmd.Flags().BoolVarP(&p.Quit, "quit", "q", false, "")
	AddTwins(cmd)
	cmd.SetArgs(args)
	err := cmd.ExecuteContext(context.Background())
	return p, err
}

func TestArgumentsAndTwins(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rest bool
		args []string
		want parsed
	}{
		{args: []string{"a"}, want: parsed{Name: "a", Tags: []string{"given"}, Watch: true}},
		{args: []string{"--name", "a"}, want: parsed{Name: "a", Tags: []string{"given"}, Watch: true}},
		{args: []string{"--name=a", "b"}, want: parsed{Name: "a", New: "b", Tags: []string{"given"}, Watch: true}},
		{args: []string{"a", "--new-name", "b", "--no-watch", "-q"}, want: parsed{Name: "a", New: "b", Tags: []string{"given"}, Quit: true}},
		{args: []string{"a", "--new_name=b"}, want: parsed{Name: "a", New: "b", Tags: []string{"given"}, Watch: true}},
		{args: []string{"--quit", "a", "--no-quit", "--empty-tag"}, want: parsed{Name: "a", Tags: []string{}, Watch: true}},
		{args: []string{"-t", "x", "a", "--tag=y,z"}, want: parsed{Name: "a", Tags: []string{"x", "y,z"}, Watch: true}},
		{rest: true, args: []string{"a", "b", "c"}, want: parsed{Name: "a", Tags: []string{"given"}, Rest: []string{"b", "c"}, Watch: true}},
		{rest: true, args: []string{"a", "--rest", "b", "--rest", "c"}, want: parsed{Name: "a", Tags: []string{"given"}, Rest: []string{"b", "c"}, Watch: true}},
		{args: []string{"--", "-q"}, want: parsed{Name: "-q", Tags: []string{"given"}, Watch: true}},
	} {
		t.Run(fmt.Sprint(c.args), func(t *testing.T) {
			t.Parallel()
			got, err := parse(t, c.rest, c.args...)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestWrongArgumentsAreUsageErrors(t *testing.T) {
	t.Parallel()
	for message, args := range map[string][]string{
		"try needs <name>":                       {},
		`try takes no argument "c"`:              {"a", "b", "c"},
		"try has no flag --wacht":                {"a", "--wacht"},
		"try has no flag -z":                     {"a", "-z"},
		"--tag needs a value":                    {"a", "--tag"},
		`--watch "perhaps" is not true or false`: {"a", "--watch=perhaps"},
	} {
		_, err := parse(t, false, args...)
		if err == nil || err.Error() != message || ExitCodeOf(err) != Usage {
			t.Errorf("%v: %v (exit code %d), want %q", args, err, ExitCodeOf(err), message)
		}
	}
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want ExitCode
	}{
		{nil, OK},
		{errors.New("x"), Failure},
		{Usagef("x"), Usage},
		{fmt.Errorf("wrapped: %w", api.NotFound("flow")), NoSuch},
		{NotFound("flow", "x", nil), NoSuch},
		{NotFound("flow", "x", []string{"xy"}), NoSuch},
		{api.Errorf(api.CodeUnauthenticated, "x"), AuthNeeded},
		{api.Errorf(api.CodeForbidden, "x"), Refused},
		{api.Errorf(api.CodeConflict, "x"), Refused},
		{api.Errorf(api.CodeLocked, "x"), Refused},
		{api.Errorf(api.CodeUnavailable, "x"), Unreachable},
		{api.Errorf(api.CodeInvalid, "x"), Failure},
		{fmt.Errorf("x: %w", context.DeadlineExceeded), TimedOut},
		{fmt.Errorf("x: %w", context.Canceled), Interrupted},
		{Quiet(RunFailed), RunFailed},
		{WithHint(api.NotFound("flow"), "try another"), NoSuch},
	} {
		if got := ExitCodeOf(c.err); got != c.want {
			t.Errorf("%v: exit code %d, want %d", c.err, got, c.want)
		}
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err           error
		message, hint string
	}{
		{api.Errorf(api.CodeUnavailable, "no API\nstart one"), "no API", "start one"},
		{WithHint(api.NotFound("flow"), "list them with %s", "ls"), "flow not found", "list them with ls"},
		{errors.New("x"), "x", ""},
	} {
		if message, hint := Report(c.err); message != c.message || hint != c.hint {
			t.Errorf("%v: %q, %q", c.err, message, hint)
		}
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	names := []string{"create", "delete", "inspect", "ls", "rename", "populate-defaults"}
	for word, want := range map[string]string{
		"crate": "create", "craete": "create", "lst": "ls", "inspekt": "inspect", "delet": "delete",
		"populate-default": "populate-defaults", "xyz": "", "flow-run": "",
	} {
		if got := Nearest(word, names); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}
