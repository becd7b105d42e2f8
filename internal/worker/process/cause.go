package process

import (
	"io"
	"os"
	"regexp"
	"strings"
)

// tailSize is how much of what an engine printed last is looked at for its end.
const tailSize = 64 << 10

// maxCause is how much of an exception's text goes into a state.
const maxCause = 500

// exception is the line of a traceback that says what it was.
var exception = regexp.MustCompile(`^([A-Za-z_][\w.]*)(: .*)?$`)

// causeOf is the exception that ended an engine, with what to do about it, as the file of its
// output tells; "" if it tells of none.
func causeOf(path string) string {
	file, err := os.Open(path) //nolint:gosec // the run's own file
	if err != nil {
		return ""
	}
	defer file.Close() //nolint:errcheck // it was only read
	if info, err := file.Stat(); err == nil && info.Size() > tailSize {
		file.Seek(-tailSize, io.SeekEnd) //nolint:errcheck // then more is read
	}
	data, err := io.ReadAll(file)
	if err != nil {
		return ""
	}
	return causeIn(strings.ToValidUTF8(string(data), "?"))
}

func causeIn(printed string) string {
	at := strings.LastIndex(printed, "Traceback (most recent call last):\n")
	if at < 0 {
		return ""
	}
	lines := strings.Split(printed[at:], "\n")[1:]
	for i, line := range lines {
		line = strings.TrimRight(line, "\r ")
		if i == 0 || strings.HasPrefix(line, " ") || line == "" {
			continue
		}
		m := exception.FindStringSubmatch(line)
		if m == nil {
			return ""
		}
		if len(line) > maxCause {
			line = strings.ToValidUTF8(line[:maxCause], "") + "…"
		}
		return strings.TrimSuffix(line, ".") + ". " + advice(m[1][strings.LastIndexByte(m[1], '.')+1:], line)
	}
	return ""
}

// advice says what to do about an exception that kept a flow from being run.
func advice(name, line string) string {
	has := func(words ...string) bool {
		for _, word := range words {
			if name == word || strings.Contains(line, word+"(") {
				return true
			}
		}
		return false
	}
	switch {
	case has("ModuleNotFoundError", "ImportError"):
		return "Install it where the flow runs, or list it in requirements.txt and let the worker make the environment (job variable " + environmentVariable + ")"
	case has("FileNotFoundError", "NotADirectoryError"):
		return "Check the entrypoint of the deployment, and its path or pull steps"
	case has("MissingFlowError"), name == "RuntimeError" && strings.Contains(line, ": Function with name"):
		return "Check the function that the entrypoint of the deployment names"
	case has("SyntaxError", "IndentationError", "TabError"):
		return "Correct the file that the entrypoint of the deployment names"
	case has("ScriptError"):
		return "The file that the entrypoint names can't be imported; see the logs of the flow run"
	case has("StepExecutionError"):
		return "Correct the deployment's pull steps"
	}
	return "The logs of the flow run have the whole traceback"
}
