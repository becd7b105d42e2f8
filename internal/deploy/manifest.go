package deploy

import (
	"strings"
	"time"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/jobtemplate"
	"github.com/usherhq/usher/internal/rules/nativeflow"
)

// manifest reads the key usher of a deployment, which makes it a native one; nil if there
// is none.
func manifest(c Config) (*nativeflow.Manifest, map[string]any, error) {
	object := c.object("usher")
	if object == nil {
		return nil, nil, nil
	}
	m := &nativeflow.Manifest{LogFormat: nativeflow.LogAuto, Result: nativeflow.ResultNone}
	for key, value := range object {
		if err := readManifest(m, key, value); err != nil {
			return nil, nil, api.Errorf(api.CodeInvalid, "deployment %s: usher.%s: %w", c.Name(), key, err)
		}
	}
	if len(m.Run) == 0 {
		argv, err := jobtemplate.Split(c.Entrypoint())
		if err != nil || len(argv) == 0 {
			return nil, nil, api.Errorf(api.CodeInvalid, "deployment %s: usher.run names no program, and neither does entrypoint", c.Name())
		}
		m.Run = argv
	}
	return m, object, nil
}

func readManifest(m *nativeflow.Manifest, key string, value any) (err error) {
	switch key {
	case "run":
		m.Run, err = command(value)
	case "shell":
		m.Shell, err = flag(value)
	case "api_access":
		m.APIAccess, err = flag(value)
	case "retries":
		var n float64
		n, err = amount(value)
		m.Retries = int(n)
	case "retry_delay":
		m.RetryDelay, err = seconds(value)
	case "timeout":
		m.Timeout, err = seconds(value)
	case "log_format":
		m.LogFormat = nativeflow.LogFormat(jobtemplate.Text(value))
	case "stderr_level":
		m.StderrLevel = strings.ToUpper(jobtemplate.Text(value))
	case "result":
		m.Result = nativeflow.Result(jobtemplate.Text(value))
	case "parameters", "env":
		if _, ok := value.(map[string]any); !ok {
			err = api.Errorf(api.CodeInvalid, "want a mapping")
		}
	default:
		err = api.Errorf(api.CodeInvalid,
			"there is no such key; there are run, shell, parameters, retries, retry_delay, timeout, env, log_format, stderr_level, result and api_access")
	}
	if err != nil {
		return err
	}
	_, _, err = nativeflow.ParseCommand(withProgram(*m).Command()) // checks the words
	return err
}

// withProgram gives a manifest that is still being read something to run.
func withProgram(m nativeflow.Manifest) nativeflow.Manifest {
	if len(m.Run) == 0 {
		m.Run = []string{"true"}
	}
	return m
}

func command(value any) ([]string, error) {
	switch v := value.(type) {
	case string:
		return jobtemplate.Split(v)
	case []any:
		argv := make([]string, len(v))
		for i, item := range v {
			argv[i] = jobtemplate.Text(item)
		}
		return argv, nil
	}
	return nil, api.Errorf(api.CodeInvalid, "want a command line, or a list of arguments")
}

func flag(value any) (bool, error) {
	b, ok := boolean(value)
	if !ok {
		return false, api.Errorf(api.CodeInvalid, "want true or false")
	}
	return b, nil
}

func amount(value any) (float64, error) {
	switch v := value.(type) {
	case int64:
		if v >= 0 {
			return float64(v), nil
		}
	case api.Float:
		if v >= 0 {
			return float64(v), nil
		}
	}
	return 0, api.Errorf(api.CodeInvalid, "want a number that is not negative")
}

func seconds(value any) (time.Duration, error) {
	n, err := amount(value)
	return time.Duration(n * float64(time.Second)), err
}
