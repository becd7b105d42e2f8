package native

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/nativeflow"
	"github.com/usherhq/usher/internal/worker/launch"
	"github.com/usherhq/usher/internal/worker/report"
)

const (
	resultFile     = "result.json"
	parametersFile = "parameters.json"
)

// prepared is a program ready to start.
type prepared struct {
	launch.Spec

	dir string
}

// prepare makes the attempt's folder and the program's command line and environment. A run
// whose parameters don't fit is refused with a state instead.
func (x *execution) prepare() (prepared, *report.Proposal, error) {
	parameters, missing, err := nativeflow.Parameters(x.Schema, x.Run.Parameters)
	if err != nil {
		return prepared{}, failed(err.Error()), nil
	}
	if len(missing) > 0 {
		return prepared{}, failed("Required parameters are missing: " + strings.Join(missing, ", ") + "."), nil
	}
	argv, err := x.Manifest.Argv(parameters)
	if err != nil {
		return prepared{}, failed(err.Error()), nil
	}
	env, err := nativeflow.Environment(parameters)
	if err != nil {
		return prepared{}, nil, err
	}
	dir, err := newAttempt(x.Dir)
	if err != nil {
		return prepared{}, nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, parametersFile), []byte(env["USHER_PARAMETERS"]), 0o600); err != nil {
		return prepared{}, nil, err
	}
	x.addIdentity(env, dir)
	split := x.Manifest.StderrLevel != "" && x.Manifest.StderrLevel != "INFO"
	return prepared{
		Spec: launch.Spec{Argv: argv, Dir: x.WorkDir, Env: x.environment(env), SplitStderr: split},
		dir:  dir,
	}, nil, nil
}

func failed(message string) *report.Proposal {
	return &report.Proposal{Type: api.StateTypeFailed, Name: "Failed", Message: message}
}

func (x *execution) addIdentity(env map[string]string, dir string) {
	env["USHER_PARAMETERS_FILE"] = filepath.Join(dir, parametersFile)
	env["USHER_RESULT"] = filepath.Join(dir, resultFile)
	env["USHER_FLOW_RUN_ID"] = x.Run.ID.String()
	env["USHER_FLOW_RUN_NAME"] = x.Run.Name
	env["USHER_RUN_COUNT"] = strconv.Itoa(x.Run.RunCount + 1)
	if x.Run.DeploymentID != nil {
		env["USHER_DEPLOYMENT_ID"] = x.Run.DeploymentID.String()
	}
	if at := x.Run.ExpectedStartTime; at != nil {
		env["USHER_SCHEDULED_TIME"] = at.UTC().Format("2006-01-02T15:04:05.000000Z")
	}
}

// lettingIn let their holder act on the API; a program gets them only when it says so.
var lettingIn = []string{"PREFECT_API_KEY", "PREFECT_API_AUTH_STRING", "USHER_API_KEY", "USHER_API_AUTH_STRING"}

func (x *execution) environment(own map[string]string) []string {
	env := maps.Clone(x.Env)
	if env == nil {
		env = map[string]string{}
	}
	if !x.Manifest.APIAccess {
		for _, name := range lettingIn {
			delete(env, name)
		}
	}
	maps.Copy(env, own)
	list := make([]string, 0, len(env))
	for _, name := range slices.Sorted(maps.Keys(env)) {
		list = append(list, name+"="+env[name])
	}
	return list
}

// newAttempt makes the next attempt's folder.
func newAttempt(dir string) (string, error) {
	for n := 1; ; n++ {
		path := filepath.Join(dir, fmt.Sprintf("attempt-%d", n))
		err := os.Mkdir(path, 0o700)
		if err == nil || !os.IsExist(err) {
			return path, err
		}
	}
}

// LastAttempt is the folder of the attempt that an earlier worker left in dir, "" for none.
func LastAttempt(dir string) string {
	last := ""
	for n := 1; ; n++ {
		path := filepath.Join(dir, fmt.Sprintf("attempt-%d", n))
		if _, err := os.Stat(path); err != nil {
			return last
		}
		last = path
	}
}
