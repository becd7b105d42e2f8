package worker

import (
	"context"
	"errors"
	"maps"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/references"
	"github.com/usherhq/usher/internal/rules/jobtemplate"
	"github.com/usherhq/usher/internal/rules/nativeflow"
	"github.com/usherhq/usher/internal/worker/report"
)

// errNoDeployment says that the run's deployment was deleted.
var errNoDeployment = errors.New("the deployment no longer exists")

// configure makes the job of the run: the pool's template filled with the variables of
// deployment and run, and the environment.
func (x *execution) configure(ctx context.Context) error {
	if err := x.readObjects(ctx); err != nil {
		return err
	}
	config, err := x.fill(ctx)
	if err != nil {
		return err
	}
	if x.job.Config, err = jobtemplate.Settle(config); err != nil {
		return err
	}
	if dir, _ := x.job.Config.Rest["working_dir"].(string); dir == "" && x.w.Dir != "" {
		x.job.Config.Rest["working_dir"] = x.w.Dir
	}
	if err := x.nameJob(); err != nil {
		return err
	}
	x.addLabels()
	x.job.Env = x.environment()
	x.entry.Native, x.isNative = "", false
	if !x.w.kind.Local() {
		return nil // a program is started by "usher exec" where the run executes
	}
	x.manifest, x.isNative, err = nativeflow.ParseCommand(x.job.Config.Command)
	if x.isNative {
		x.entry.Native = x.job.Config.Command
	}
	return err
}

func (x *execution) readObjects(ctx context.Context) error {
	err := report.Persist(ctx, func() (err error) {
		x.job.Deployment, err = x.w.objects.deployment(ctx, &x.job.Run)
		return err
	})
	if api.CodeOf(err) == api.CodeNotFound {
		return errNoDeployment
	}
	if err != nil {
		return err
	}
	pool, known := x.w.pool.get()
	if !known && !x.w.serves() {
		return api.Errorf(api.CodeUnavailable, "work pool %q is not known yet", x.w.Pool)
	}
	x.job.Pool = pool
	return report.Persist(ctx, func() (err error) {
		x.job.Flow, err = x.w.objects.flow(ctx, x.job.Run.FlowID)
		return err
	})
}

func (x *execution) fill(ctx context.Context) (map[string]any, error) {
	template, err := jobtemplate.ParseObject(x.job.Pool.BaseJobTemplate)
	if err != nil {
		return nil, api.Errorf(api.CodeInvalid, "the base job template of work pool %q: %w", x.job.Pool.Name, err)
	}
	var ofDeployment, ofRun map[string]any
	if x.job.Deployment != nil {
		if ofDeployment, err = jobtemplate.ParseObject(x.job.Deployment.JobVariables); err != nil {
			return nil, api.Errorf(api.CodeInvalid, "the job variables of deployment %q: %w", x.job.Deployment.Name, err)
		}
	}
	if ofRun, err = jobtemplate.ParseObject(x.job.Run.JobVariables); err != nil {
		return nil, api.Errorf(api.CodeInvalid, "the job variables of the run: %w", err)
	}
	values := jobtemplate.Merge(ofDeployment, ofRun)
	filled, err := jobtemplate.Fill(template, values, x.w.Lookup)
	if err != nil {
		return nil, err
	}
	if more, ok := x.w.kind.(Extended); ok {
		jobtemplate.Extra(filled, template, values, more.Extra()...)
	}
	resolved, err := references.Resolve(ctx, x.w.Client, x.w.Secrets, filled)
	if err != nil {
		return nil, err
	}
	config, ok := resolved.(map[string]any)
	if !ok { // the whole configuration was a reference to a block
		return nil, api.Errorf(api.CodeInvalid, "the job configuration of work pool %q is not an object", x.job.Pool.Name)
	}
	return config, nil
}

// nameJob fills the name of the job, which may speak of the flow and the run.
func (x *execution) nameJob() error {
	if x.job.Config.Name != "" {
		flow, err := treeOf(x.job.Flow)
		if err != nil {
			return err
		}
		run, err := treeOf(x.job.Run)
		if err != nil {
			return err
		}
		values := map[string]any{"ctx": map[string]any{"flow": flow, "flow_run": run}}
		if name, ok := jobtemplate.Apply(x.job.Config.Name, values, jobtemplate.Options{Env: x.w.Lookup}); ok {
			x.job.Config.Name = jobtemplate.Text(name)
		}
	}
	if x.job.Config.Name == "" {
		x.job.Config.Name = x.job.Run.Name
	}
	return nil
}

func treeOf(v any) (any, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return jobtemplate.Parse(data)
}

// addLabels gives the job the labels that every job has; configured ones win.
func (x *execution) addLabels() {
	job := x.job
	labels := map[string]string{
		"prefect.io/flow-run-id": job.Run.ID.String(), "prefect.io/flow-run-name": job.Run.Name, "prefect.io/version": client.APIVersion,
		"prefect.io/work-pool-name": job.Pool.Name, "prefect.io/work-pool-id": job.Pool.ID.String(), "prefect.io/worker-name": x.w.Name,
		"prefect.io/flow-id": job.Flow.ID.String(), "prefect.io/flow-name": job.Flow.Name,
	}
	if d := job.Deployment; d != nil {
		labels["prefect.io/deployment-id"], labels["prefect.io/deployment-name"] = d.ID.String(), d.Name
		if d.Updated != nil {
			labels["prefect.io/deployment-updated"] = d.Updated.UTC().Format(time.RFC3339Nano)
		}
	}
	maps.Copy(labels, job.Config.Labels)
	job.Config.Labels = labels
}

// environment is what the run's process gets: the worker's own environment (what lets it in
// at the API, if it executes elsewhere), its settings, who and what the run is, the configured
// variables, and for a process of this machine the settings once more.
func (x *execution) environment() map[string]string {
	env, inherited := map[string]string{}, x.w.Environ
	if !x.w.kind.Local() {
		inherited = x.w.Credentials
	}
	for _, pair := range inherited() {
		if name, value, ok := strings.Cut(pair, "="); ok {
			env[name] = value
		}
	}
	maps.Copy(env, x.w.Settings)
	maps.Copy(env, x.attribution())
	for name, value := range x.job.Config.Env {
		if value != nil {
			env[name] = *value
		}
	}
	if x.w.kind.Local() {
		maps.Copy(env, x.w.Settings)
	}
	env["PREFECT__FLOW_RUN_ID"] = x.job.Run.ID.String()
	for name, value := range x.job.Config.Env {
		if value == nil {
			delete(env, name)
		}
	}
	return env
}

func (x *execution) attribution() map[string]string {
	env := map[string]string{
		"PREFECT__FLOW_ID": x.job.Flow.ID.String(), "PREFECT__FLOW_NAME": x.job.Flow.Name,
	}
	if !x.w.serves() {
		env["PREFECT__WORKER_NAME"] = x.w.Name
	}
	if id := x.w.pool.workerID(); id != nil {
		env["PREFECT__WORKER_ID"] = id.String()
	}
	if d := x.job.Deployment; d != nil {
		env["PREFECT__DEPLOYMENT_ID"], env["PREFECT__DEPLOYMENT_NAME"] = d.ID.String(), d.Name
	}
	return env
}

func (x *execution) attributionLabels() (jsontext.Value, error) {
	return json.Marshal(map[string]string{
		"prefect.worker.name": x.w.Name, "prefect.worker.type": x.w.kind.Name(),
		"prefect.work-pool.name": x.job.Pool.Name, "prefect.work-pool.id": x.job.Pool.ID.String(),
	}, json.Deterministic(true))
}
