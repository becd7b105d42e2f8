package acceptance

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/commands"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/profile"
	"github.com/usherhq/usher/internal/term"
)

// TestEveryExampleIsRun fails for a command without an example and for an
// example that no script executes.
func TestEveryExampleIsRun(t *testing.T) {
	t.Parallel()
	run := examplesRun(t)
	for _, cmd := range tree(t) {
		if cmd.Example == "" {
			t.Errorf("%s has no example", cmd.CommandPath())
		}
		for _, line := range exampleLines(cmd) {
			if !slices.Contains(run, line) {
				t.Errorf("no script runs the example of %s: example '%s'", cmd.CommandPath(), strings.ReplaceAll(line, "'", "''"))
			}
		}
	}
}

func exampleLines(cmd *cobra.Command) []string {
	var lines []string
	for line := range strings.Lines(cmd.Example) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return lines
}

// examplesRun returns the lines that scripts execute.
func examplesRun(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", "*", "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	var examples []string
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if example, ok := exampleOf(strings.TrimSpace(line)); ok {
				examples = append(examples, example)
			}
		}
	}
	return examples
}

// exampleOf takes the quoted example from a line of a script.
func exampleOf(line string) (string, bool) {
	word, rest, _ := strings.Cut(line, " ")
	if word == "example-until" {
		_, rest, _ = strings.Cut(strings.TrimPrefix(rest, "'"), "' ")
	} else if word != "example" && word != "example-parses" {
		return "", false
	}
	quoted, opened := strings.CutPrefix(rest, "'")
	quoted, closed := strings.CutSuffix(quoted, "'")
	return strings.ReplaceAll(quoted, "''", "'"), opened && closed
}

// tree returns every command that a user can see.
func tree(t *testing.T) []*cobra.Command {
	t.Helper()
	streams := term.New(strings.NewReader(""), t.Output(), t.Output(), func(string) (string, bool) { return "", false })
	var all []*cobra.Command
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		all = append(all, cmd)
		for _, sub := range cmd.Commands() {
			if !sub.Hidden {
				walk(sub)
			}
		}
	}
	walk(commands.NewRoot(cli.NewEnv(streams, profile.Where{})))
	return all
}
