package sdk

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
)

func TestFlagsAreWrittenAgainAsTheyWereMeant(t *testing.T) {
	t.Parallel()
	cmd := &cobra.Command{Use: "serve"}
	var name string
	cli.Positionals(cmd, cli.Positional{Name: "entrypoint", Value: &name})
	Define(cmd, nil)
	cmd.Flags().StringArrayP("tag", "t", nil, "")
	cmd.Flags().Bool("stream", true, "")
	cmd.Flags().Bool("once", false, "")
	cmd.Flags().Int("limit", 10, "")
	cmd.Flags().String("cron", "", "")
	cli.AddTwins(cmd)
	if err := cmd.ParseFlags([]string{"-t", "a b", "--tag=--c", "--no-stream", "--once", "--limit", "4", "--python", "p", "--entrypoint", "f.py:f"}); err != nil {
		t.Fatal(err)
	}
	want := []string{"--limit=4", "--once", "--no-stream", "--tag=a b", "--tag=--c"}
	if diff := cmp.Diff(want, flagsOf(cmd.Flags())); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
