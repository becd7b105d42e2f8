package process

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/usherhq/usher/internal/worker"
	"github.com/usherhq/usher/internal/worker/report"
)

//go:embed hooks.py
var hooksScript string

// hooksPatience bounds how long the hooks of a run may take, the import of its code included.
const hooksPatience = time.Minute

// RunHooks runs the hooks of the flow in its own interpreter and environment. A run whose
// command was configured may not be Python, so it has none.
func (k *Kind) RunHooks(ctx context.Context, job *worker.Job, hook worker.Hook) {
	if job.Config.Command != "" || job.Run.DeploymentID == nil || job.Env == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, hooksPatience)
	defer cancel()
	if err := k.runHooks(ctx, job, hook); err != nil && ctx.Err() == nil {
		job.Log(report.Warning, fmt.Sprintf("The on_%s hooks could not be run: %v", hook, err))
	}
}

func (k *Kind) runHooks(ctx context.Context, job *worker.Job, hook worker.Hook) error {
	if len(job.Python) == 0 { // an earlier worker started the run
		if err := k.Prepare(ctx, job); err != nil {
			return err
		}
	}
	dir, _ := job.Config.Rest["working_dir"].(string)
	if dir == "" {
		dir = filepath.Join(job.Dir, "hooks")
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	python, err := k.python(ctx, job, dir)
	if err != nil {
		return err
	}
	argv := append(python, "-c", hooksScript, string(hook))
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...) //nolint:gosec // the interpreter of the flow
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, list(job.Env), job.Output, job.Output
	return cmd.Run()
}
