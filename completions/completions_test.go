package completions

import (
	"bytes"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/usherhq/usher/commands"
	"github.com/usherhq/usher/commands/completion"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/profile"
	"github.com/usherhq/usher/internal/term"
)

func TestScriptsAreWhatTheCommandPrints(t *testing.T) {
	t.Parallel()
	for shell, file := range map[string]string{
		"bash": "usher.bash", "zsh": "_usher", "fish": "usher.fish", "powershell": "usher.ps1",
	} {
		t.Run(shell, func(t *testing.T) {
			t.Parallel()
			streams := term.New(bytes.NewReader(nil), io.Discard, io.Discard, func(string) (string, bool) { return "", false })
			var want bytes.Buffer
			if err := completion.Write(commands.NewRoot(cli.NewEnv(streams, profile.Where{})), shell, &want); err != nil {
				t.Fatal(err)
			}
			got, err := Scripts.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want.String(), string(got)); diff != "" {
				t.Errorf("%s is out of date, run go generate ./completions (-want +got):\n%s", file, diff)
			}
		})
	}
}
