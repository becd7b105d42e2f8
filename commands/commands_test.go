package commands

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/build"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/profile"
	"github.com/usherhq/usher/internal/term"
)

func streams() (s *term.Streams, out, err *bytes.Buffer) {
	out, err = &bytes.Buffer{}, &bytes.Buffer{}
	return term.New(strings.NewReader(""), out, err, func(string) (string, bool) { return "", false }), out, err
}

func TestAPanicIsOneMessage(t *testing.T) {
	t.Parallel()
	s, out, errs := streams()
	code := guard(s, nil, func() error { panic("the cat is on the keyboard") })
	if code != int(cli.Failure) {
		t.Errorf("exit code %d", code)
	}
	if out.Len() > 0 {
		t.Errorf("stdout has %q", out)
	}
	text := errs.String()
	if !strings.Contains(text, "the cat is on the keyboard") || strings.Contains(text, "goroutine") || strings.Count(text, "\n") > 2 {
		t.Errorf("stderr is %q", text)
	}
}

func TestWhatFailsAfterAnInterruptIsTheInterrupt(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancel(t.Context())
	failed := errors.New("python3: signal: killed")
	if err := unlessInterrupted(ctx, failed); err != failed {
		t.Errorf("without an interrupt: %v", err)
	}
	interrupt()
	if code := cli.ExitCodeOf(unlessInterrupted(ctx, failed)); code != cli.Interrupted {
		t.Errorf("exit code %d", code)
	}
	if err := unlessInterrupted(ctx, nil); err != nil {
		t.Errorf("what succeeded in spite of it: %v", err)
	}
}

func TestVersionNeedsNoTree(t *testing.T) {
	t.Parallel()
	s, out, _ := streams()
	if code := Main([]string{"--version"}, s); code != 0 || out.String() != build.Version()+"\n" {
		t.Errorf("exit code %d, stdout %q", code, out)
	}
}

// TestOnlyTheNounThatIsNamedIsBuilt pins what a command does not pay for: the verbs of others.
func TestOnlyTheNounThatIsNamedIsBuilt(t *testing.T) {
	t.Parallel()
	for line, want := range map[string][]string{
		"--help":                         nil,
		"flow-run ls --limit 1":          {"flow-run"},
		"--profile prod deployments run": {"deployment"},
		"help work-pool":                 {"work-pool"},
		"__complete gcl ":                {"global-concurrency-limit"},
	} {
		s, _, _ := streams()
		root := newTrunk(cli.NewEnv(s, profile.Where{}))
		cli.Grow(root, strings.Fields(line))
		var built []string
		for _, noun := range root.Commands() {
			if cli.IsGroup(noun) && noun.HasSubCommands() {
				built = append(built, noun.Name())
			}
		}
		if !slices.Equal(built, want) {
			t.Errorf("%q builds the verbs of %q, want %q", line, built, want)
		}
	}
}

// TestFlagsMeanTheSameEverywhere walks every command for the flags that behave alike in all.
func TestFlagsMeanTheSameEverywhere(t *testing.T) {
	t.Parallel()
	s, _, _ := streams()
	root := NewRoot(cli.NewEnv(s, profile.Where{}))
	each(root, func(cmd *cobra.Command) {
		cli.AddTwins(cmd)
		for _, name := range []string{"profile", "prompt", "no-prompt", "no-input", "pager", "no-pager", "debug", "help"} {
			if cmd != root && cmd.InheritedFlags().Lookup(name) == nil {
				t.Errorf("%s has a --%s of its own", cmd.CommandPath(), name)
			}
		}
		for name, short := range map[string]string{"yes": "y", "quiet": "q", "dry-run": "", "output": "o", "web": "w"} {
			f := cmd.LocalFlags().Lookup(name)
			if f == nil || name == "output" && cmd.CommandPath() == "usher sdk generate" {
				continue
			}
			if taken := cmd.Flags().ShorthandLookup(short); f.Shorthand != short && (taken == nil || taken == f) {
				t.Errorf("%s: --%s is -%s, want -%s", cmd.CommandPath(), name, f.Shorthand, short)
			}
			if isBool := f.Value.Type() == "bool"; isBool == (name == "output") {
				t.Errorf("%s: --%s is a %s", cmd.CommandPath(), name, f.Value.Type())
			}
		}
	})
}

// each calls do for a command and all below it.
func each(cmd *cobra.Command, do func(*cobra.Command)) {
	do(cmd)
	for _, sub := range cmd.Commands() {
		each(sub, do)
	}
}

// TestTreeIsWellFormed walks every command: what the style promises of each can
// be read off the tree.
func TestTreeIsWellFormed(t *testing.T) {
	t.Parallel()
	s, _, _ := streams()
	root := NewRoot(cli.NewEnv(s, profile.Where{}))
	for _, noun := range root.Commands() {
		if noun.GroupID == "" {
			t.Errorf("%s is in no group of the help", noun.Name())
		}
		for _, cmd := range append(noun.Commands(), noun) {
			if cmd.Short == "" || strings.HasSuffix(cmd.Short, ".") || cmd.Short[0] < 'a' || cmd.Short[0] > 'z' {
				t.Errorf("%s: the short text %q is not lower case without a full stop", cmd.CommandPath(), cmd.Short)
			}
			if cmd.Args == nil && cmd != root && cmd.Name() != "help" {
				t.Errorf("%s does not declare its arguments: cli.Positionals", cmd.CommandPath())
			}
			if cmd.Flags().Lookup("jq") != nil && cmd.Flags().Lookup("output") == nil {
				t.Errorf("%s prints data but has no --output", cmd.CommandPath())
			}
		}
	}
}
