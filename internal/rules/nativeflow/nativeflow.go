// Package nativeflow describes flows that are executables instead of Python functions: how
// a deployment carries the manifest (as the command of its job variables, so that any
// worker can run it), what parameters a program receives, and what its exit code means.
package nativeflow

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/jobtemplate"
)

// KindLabel marks flows and deployments as native; NativeKind is its value.
const (
	KindLabel  = "usher.kind"
	NativeKind = "native"
)

// Manifest says how to run a program as a flow.
type Manifest struct {
	Run         []string      // the program and its arguments; {{ parameters.x }} stands for a parameter
	Shell       bool          // Run is one line for sh; parameters come by environment only
	Retries     int           // how often the server lets a failed run start again
	RetryDelay  time.Duration // before such a start
	Timeout     time.Duration // 0 means none
	LogFormat   LogFormat
	StderrLevel string // name of the level of lines on standard error; "" means INFO
	Result      Result
	APIAccess   bool // leaves the API's credentials in the program's environment
}

// LogFormat says whether printed lines may set their own level.
type LogFormat string

// The log formats.
const (
	LogAuto  LogFormat = "auto"
	LogPlain LogFormat = "plain"
)

// Result says where a program leaves its result.
type Result string

// The places of a result.
const (
	ResultNone   Result = "none"
	ResultFile   Result = "file"   // JSON in the file $USHER_RESULT
	ResultStdout Result = "stdout" // JSON in the last line printed
)

// Command writes the manifest as the command line that runs it: `usher exec … -- program`.
func (m Manifest) Command() string {
	argv := []string{"usher", "exec"}
	flag := func(name, value string, set bool) {
		if set {
			argv = append(argv, "--"+name+"="+value)
		}
	}
	flag("shell", "true", m.Shell)
	flag("retries", strconv.Itoa(m.Retries), m.Retries > 0)
	flag("retry-delay", seconds(m.RetryDelay), m.RetryDelay > 0)
	flag("timeout", seconds(m.Timeout), m.Timeout > 0)
	flag("log-format", string(m.LogFormat), m.LogFormat == LogPlain)
	flag("stderr-level", m.StderrLevel, m.StderrLevel != "")
	flag("result", string(m.Result), m.Result != "" && m.Result != ResultNone)
	flag("api-access", "true", m.APIAccess)
	return jobtemplate.Join(append(append(argv, "--"), m.Run...))
}

func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) }

// ParseCommand reads what Command writes; ok is false when the command is another.
func ParseCommand(command string) (m Manifest, ok bool, err error) {
	argv, err := jobtemplate.Split(command)
	if err != nil {
		return Manifest{}, false, err
	}
	if len(argv) < 2 || argv[1] != "exec" || !isUsher(argv[0]) {
		return Manifest{}, false, nil
	}
	m, err = ParseArgs(argv[2:])
	return m, true, err
}

func isUsher(program string) bool {
	name := program[strings.LastIndexAny(program, `/\`)+1:]
	return name == "usher" || name == "usher.exe"
}

// ParseArgs reads the arguments of `usher exec`.
func ParseArgs(args []string) (Manifest, error) {
	m := Manifest{LogFormat: LogAuto, Result: ResultNone}
	for i, arg := range args {
		if arg == "--" {
			m.Run = args[i+1:]
			break
		}
		if !strings.HasPrefix(arg, "--") {
			m.Run = args[i:]
			break
		}
		if err := setFlag(&m, strings.TrimPrefix(arg, "--")); err != nil {
			return Manifest{}, err
		}
	}
	if len(m.Run) == 0 {
		return Manifest{}, api.Errorf(api.CodeInvalid, "no program to run; write `usher exec -- ./program arguments`")
	}
	return m, nil
}

func setFlag(m *Manifest, flag string) (err error) {
	name, value, given := strings.Cut(flag, "=")
	if !given {
		value = "true"
	}
	switch name {
	case "shell":
		m.Shell, err = strconv.ParseBool(value)
	case "retries":
		m.Retries, err = strconv.Atoi(value)
	case "retry-delay":
		m.RetryDelay, err = parseSeconds(value)
	case "timeout":
		m.Timeout, err = parseSeconds(value)
	case "log-format":
		m.LogFormat, err = oneOf(LogFormat(value), LogAuto, LogPlain)
	case "stderr-level":
		m.StderrLevel = strings.ToUpper(value)
		_, err = oneOf(m.StderrLevel, "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
	case "result":
		m.Result, err = oneOf(Result(value), ResultNone, ResultFile, ResultStdout)
	case "api-access":
		m.APIAccess, err = strconv.ParseBool(value)
	default:
		return api.Errorf(api.CodeInvalid, "unknown option --%s of usher exec", name)
	}
	if err != nil {
		return api.Errorf(api.CodeInvalid, "--%s=%s: %w", name, value, err)
	}
	return nil
}

func parseSeconds(s string) (time.Duration, error) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f < 0 {
		return 0, api.Errorf(api.CodeInvalid, "want a number of seconds, got %q", s)
	}
	return time.Duration(f * float64(time.Second)), nil
}

func oneOf[T ~string](value T, allowed ...T) (T, error) { //nolint:ireturn // T is a kind of text
	if slices.Contains(allowed, value) {
		return value, nil
	}
	return value, api.Errorf(api.CodeInvalid, "want one of %v", allowed)
}
