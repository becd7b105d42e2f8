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

const (
	traceback = "Traceback (most recent call last):\n"
	// chained is between the traceback of an exception and that of the one it was turned into.
	chained = "\n\nThe above exception was the direct cause of the following exception:\n\n"
)

// causeIn is what the last traceback says. An exception that says of another only that it came
// is told with that one.
func causeIn(printed string) string {
	at := strings.LastIndex(printed, traceback)
	if at < 0 {
		return ""
	}
	name, line := exceptionIn(printed[at+len(traceback):])
	if name == "" {
		return ""
	}
	told := name
	if before, ok := strings.CutSuffix(printed[:at], chained); ok && name == "StepExecutionError" {
		if at := strings.LastIndex(before, traceback); at >= 0 {
			if cause, why := exceptionIn(before[at+len(traceback):]); cause != "" {
				line += ": " + why
				if cause == "ModuleNotFoundError" {
					told = cause
				}
			}
		}
	}
	return strings.TrimSuffix(line, ".") + ". " + advice(told, line)
}

// exceptionIn is the name and the line of the exception at the end of a traceback.
func exceptionIn(printed string) (name, line string) {
	lines := strings.Split(printed, "\n")
	for i, line := range lines {
		line = strings.TrimRight(line, "\r ")
		if i == 0 || strings.HasPrefix(line, " ") || line == "" {
			continue
		}
		m := exception.FindStringSubmatch(line)
		if m == nil {
			return "", ""
		}
		if len(line) > maxCause {
			line = strings.ToValidUTF8(line[:maxCause], "") + "…"
		}
		return m[1][strings.LastIndexByte(m[1], '.')+1:], line
	}
	return "", ""
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
