package process

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/python"
	"github.com/usherhq/usher/internal/python/environment"
	"github.com/usherhq/usher/internal/rules/jobtemplate"
	"github.com/usherhq/usher/internal/steps"
	"github.com/usherhq/usher/internal/worker"
	"github.com/usherhq/usher/internal/worker/native"
	"github.com/usherhq/usher/internal/worker/report"
)

// Extra are the job variables of ours, which templates of the reference's do not have.
func (k *Kind) Extra() []string { return []string{"python", environmentVariable} }

// environmentVariable asks for an environment: true or "auto" for what the code's directory
// says, or the path of a file in it.
const environmentVariable = "python_environment"

// Prepare makes the Python environment that the job asks for, or finds the one that was made.
// The code has to be there for that, so pull steps that fetch it run here, once.
func (k *Kind) Prepare(ctx context.Context, job *worker.Job) error {
	file, asked, err := wanted(job)
	switch {
	case err != nil || job.Config.Command != "":
		return err
	case asked && k.Environments == nil:
		return api.Errorf(api.CodeUnsupported, "the job asks for a Python environment (%s), and this worker makes none: start it without --environments never", environmentVariable)
	case !asked && !k.Always:
		return nil
	}
	base, version, err := k.base(ctx, job)
	if err != nil {
		return err
	}
	dir, err := k.codeDir(ctx, job, base)
	if err != nil {
		return err
	}
	uv := environment.FindUV(base, job.Env["PATH"])
	declared, err := environment.Declared(dir, file, uv != "")
	if !asked && environment.IsNothing(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("what Python environment the code needs can't be read: %w", err)
	}
	return k.take(ctx, job, environment.Request{Declaration: declared, Interpreter: base, Prefect: version, UV: uv, Env: job.Env})
}

// wanted reads what the job says about its environment.
func wanted(job *worker.Job) (file string, asked bool, err error) {
	switch v := job.Config.Rest[environmentVariable].(type) {
	case nil:
		return "", false, nil
	case bool:
		return "", v, nil
	case string:
		switch strings.ToLower(v) {
		case "", "none", "false":
			return "", false, nil
		case "auto", "true":
			return "", true, nil
		}
		return v, true, nil
	}
	return "", false, api.Errorf(api.CodeInvalid, "the job variable %s has to be true, false, \"auto\" or the name of a file", environmentVariable)
}

// base is the interpreter that environments are made with, and the version of prefect that
// it has, if any.
func (k *Kind) base(ctx context.Context, job *worker.Job) (path, version string, err error) {
	argv, err := k.python(ctx, job, job.Dir)
	if err == nil && len(argv) > 0 {
		path = argv[0]
		if !filepath.IsAbs(path) {
			if found, err := python.LookPath(path, job.Env["PATH"]); err == nil {
				path = found
			}
		}
		return path, k.Finder.Version(ctx, path, list(job.Env)), nil
	}
	for _, name := range []string{"python3", "python"} { // one without prefect will do
		if found, err := python.LookPath(name, job.Env["PATH"]); err == nil {
			return found, "", nil
		}
	}
	return "", "", api.Errorf(api.CodeNotFound, "there is no Python on PATH to make an environment with; install one, or name it with --python: %w", err)
}

// codeDir is where the code of the job is. Pull steps that only name a directory are left to
// the engine; others run here, and the engine finds the code where they led.
func (k *Kind) codeDir(ctx context.Context, job *worker.Job, base string) (string, error) {
	dir, err := workingDir(job)
	d := job.Deployment
	switch {
	case err != nil || d == nil:
		return dir, err
	case len(d.PullSteps) == 0:
		if d.Path != nil && filepath.IsAbs(*d.Path) {
			return *d.Path, nil
		}
		return dir, nil
	}
	if there, only := named(d.PullSteps, dir); only {
		return there, nil
	}
	if d.Entrypoint == nil {
		return "", api.Errorf(api.CodeInvalid, "deployment %q has no entrypoint", d.Name)
	}
	say := func(line string) { job.Log(report.Info, line) }
	dir, err = native.Pull(ctx, k.Client, k.Secrets, d.PullSteps, steps.Runner{Dir: dir, Env: job.Env, Python: base, Say: say})
	if err != nil {
		return "", err
	}
	job.Config.Rest["working_dir"], job.Env["PREFECT__FLOW_ENTRYPOINT"] = dir, *d.Entrypoint
	return dir, nil
}

// named is where pull steps lead that only name directories.
func named(pull []jsontext.Value, dir string) (there string, only bool) {
	for _, raw := range pull {
		step, err := jobtemplate.ParseObject(raw)
		if err != nil || len(step) != 1 {
			return "", false
		}
		for name, args := range step {
			at, _ := jobtemplate.Lookup(args, "directory")
			target, ok := at.(string)
			if !ok || !strings.HasSuffix(name, ".set_working_directory") || strings.Contains(target, "{{") {
				return "", false
			}
			if !filepath.IsAbs(target) {
				target = filepath.Join(dir, target)
			}
			dir = target
		}
	}
	return dir, true
}

// take gets the environment and lets the job run in it.
func (k *Kind) take(ctx context.Context, job *worker.Job, r environment.Request) error {
	began, tool := time.Now(), "pip"
	if r.UV != "" {
		tool = "uv"
	}
	preparing := false
	r.Say = func(line string) { job.Log(report.Info, line) }
	r.Preparing = func() {
		preparing = true
		job.Log(report.Info, fmt.Sprintf("Preparing the Python environment of %s with %s.", r.Name(), tool))
		job.Waiting("Preparing the Python environment of "+r.Name()+".", false)
	}
	e, err := k.Environments.Get(ctx, r)
	if err != nil {
		return err
	}
	job.OnRelease(e.Release)
	job.Python, job.Hold = []string{e.Python}, e.Lock
	bin := filepath.Dir(e.Python)
	job.Env["VIRTUAL_ENV"], job.Env["PATH"] = e.Dir, join(bin, job.Env["PATH"])
	delete(job.Env, "PYTHONHOME")
	if source := r.Source(); source != "" {
		job.Env["PYTHONPATH"] = join(source, job.Env["PYTHONPATH"])
	}
	if preparing {
		job.Log(report.Info, fmt.Sprintf("The Python environment of %s is ready after %s.", r.Name(), time.Since(began).Round(time.Second/10)))
	}
	return nil
}

func join(first, rest string) string {
	if rest == "" {
		return first
	}
	return first + string(os.PathListSeparator) + rest
}
