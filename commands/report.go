package commands

import (
	"fmt"
	"os"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/usherhq/usher/internal/auth"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/output"
	"github.com/usherhq/usher/internal/term"
)

// report says on stderr why a command failed, as JSON if the command line asks
// for JSON, and returns the exit code.
func report(streams *term.Streams, args []string, err error) int {
	code := cli.ExitCodeOf(err)
	if err == nil || code == cli.Interrupted || err.Error() == "" {
		return int(code)
	}
	message, hint := cli.Report(err)
	message, hint = auth.Redact(message), auth.Redact(hint)
	if cli.WantsJSON(args) {
		reportJSON(streams, code, message, hint)
		return int(code)
	}
	label := "error:"
	if streams.ErrColor() {
		label = output.Paint(label, output.Bad)
	}
	fmt.Fprintf(streams.Err, "%s %s\n", label, message)
	if hint != "" {
		fmt.Fprintf(streams.Err, "  %s\n", strings.ReplaceAll(hint, "\n", "\n  "))
	}
	annotate(streams, message)
	return int(code)
}

// annotate puts an error on the page of a GitHub Actions run.
func annotate(streams *term.Streams, message string) {
	if os.Getenv("GITHUB_ACTIONS") == "true" {
		escaped := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(message)
		fmt.Fprintf(streams.Err, "::error title=usher::%s\n", escaped)
	}
}

// failure is the JSON form of an error.
type failure struct {
	Error struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
		Hint    string `json:"hint,omitempty"`
	} `json:"error"`
}

func reportJSON(streams *term.Streams, code cli.ExitCode, message, hint string) {
	var f failure
	f.Error.Code, f.Error.Message, f.Error.Hint = int(code), message, hint
	text, err := json.Marshal(f)
	if err != nil {
		text = []byte(message)
	}
	fmt.Fprintf(streams.Err, "%s\n", text)
}
