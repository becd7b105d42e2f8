package commands

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/usherhq/usher/internal/auth"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/output"
	"github.com/usherhq/usher/internal/term"
)

// report says on stderr why a command failed, as JSON or YAML if the command line
// asks for that, and returns the exit code.
func report(streams *term.Streams, args []string, err error) int {
	code := cli.ExitCodeOf(err)
	if err == nil || code == cli.Interrupted || err.Error() == "" {
		return int(code)
	}
	message, hint := cli.Report(err)
	message, hint = auth.Redact(message), auth.Redact(hint)
	if format := cli.WantedFormat(args); format != "" {
		reportAs(streams, format, failure{failed{int(code), message, hint}})
		return int(code)
	}
	label := "error:"
	if streams.ErrColor() {
		label = output.Paint(label, output.Bad)
	}
	text := label + " " + message
	if hint != "" {
		text += "\n  " + strings.ReplaceAll(hint, "\n", "\n  ")
	}
	fmt.Fprintln(streams.Err, streams.WrapErr(text))
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

// failure is the form of an error for programs.
type failure struct {
	Error failed `json:"error"`
}

type failed struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// reportAs writes an error as the data was asked for: JSON on one line, or YAML.
func reportAs(streams *term.Streams, format string, f failure) {
	errs := *streams
	errs.Out = streams.Err
	if format == output.YAML {
		_ = output.New(&errs, time.Now, output.Options{Format: format}).Value(f) // nobody is left to tell
		return
	}
	text, err := json.Marshal(f)
	if err != nil {
		text = []byte(f.Error.Message)
	}
	fmt.Fprintf(streams.Err, "%s\n", text)
}
