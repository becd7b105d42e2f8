package deploy

import (
	"context"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/jobtemplate"
	"github.com/usherhq/usher/internal/rules/nativeflow"
)

// written is what is to be written.
type written struct {
	request  api.DeploymentCreate
	entries  []entry
	triggers []map[string]any
}

// prepare fills in what the steps left.
func (d *Deployer) prepare(ctx context.Context, p *plan) (w written, err error) {
	list, _ := p.config["schedules"].([]any)
	filled, _ := jobtemplate.Apply(list, p.outputs, jobtemplate.Options{KeepUnset: p.keepUnset})
	w.entries, err = schedules(filled.([]any), d.Now())
	if err != nil {
		return w, of(api.Errorf(api.CodeInvalid, "deployment %s: %w", p.config.Name(), err), "schedules")
	}
	if w.triggers, err = p.triggers(p.config["triggers"]); err != nil {
		return w, of(err, "triggers")
	}
	for _, spec := range w.triggers {
		if _, err := automationOf(spec, uuid.Nil); err != nil {
			return w, of(err, "triggers")
		}
	}
	p.fillPlaceholders(d.Warn, d.lookup)
	w.request, err = d.request(ctx, p)
	return w, err
}

// apply tells the API.
func (d *Deployer) apply(ctx context.Context, f *File, c Config, p *plan) (Deployed, error) {
	w, err := d.prepare(ctx, p)
	if err != nil {
		return Deployed{}, f.place(c, err)
	}
	done, err := d.write(ctx, p, w.request, w.entries)
	if err != nil {
		return Deployed{}, api.Errorf(api.CodeOf(err), "deployment %s/%s: %w", p.flow.Name, p.config.Name(), err)
	}
	if err := d.createTriggers(ctx, done.ID, w.triggers); err != nil {
		return Deployed{}, err
	}
	if err := d.applySLA(ctx, p, done.ID); err != nil {
		return Deployed{}, err
	}
	done.NeedsWorker = !d.Serve && d.needsWorker(ctx, p.pool)
	return done, nil
}

// fillPlaceholders fills the deployment with what steps left. What speaks of the run stays:
// the worker fills it.
func (p *plan) fillPlaceholders(warn func(string), env func(string) (string, bool)) {
	for _, key := range []string{"schedules", "triggers", "schedule", "build", "push", "pull", "usher", "sla"} {
		delete(p.config, key)
	}
	p.config = jobtemplate.ApplyObject(p.config, p.outputs, jobtemplate.Options{
		SkipPrefixes: []string{"ctx."}, KeepUnset: p.keepUnset,
		Missing: func(name string) {
			if p.keepUnset {
				return // a step may leave it
			}
			warn(fmt.Sprintf("Value for placeholder '%s' not found in provided values. Please ensure that the placeholder is spelled correctly and that the corresponding value is provided.", name))
		},
	})
	filled, _ := jobtemplate.Apply(p.pull, p.outputs, jobtemplate.Options{KeepUnset: true, Env: env})
	p.pull, _ = filled.([]any)
}

// request is the deployment as the API takes it, without schedules and flow, which creating
// and changing want differently.
func (d *Deployer) request(ctx context.Context, p *plan) (api.DeploymentCreate, error) {
	version, err := d.version(ctx, p)
	if err != nil {
		return api.DeploymentCreate{}, err
	}
	r := api.DeploymentCreate{
		Name: strings.TrimSuffix(p.config.Name(), ".py"), Paused: api.Some(p.paused()), ParameterOpenapiSchema: api.Some(p.flow.Schema),
		WorkPoolName: optText(p.pool.Name), Entrypoint: api.Some(p.entrypoint()), Version: optText(version.Version), VersionInfo: api.Some(version),
		EnforceParameterSchema: api.Some(p.config["enforce_parameter_schema"] != false), Description: p.description(),
		WorkQueueName: optText(p.config.object("work_pool")["work_queue_name"]), Tags: api.Some(p.tags()),
	}
	if err := p.setConcurrency(&r); err != nil {
		return r, of(err, "concurrency_limit")
	}
	parameters, err := jobtemplate.Encode(objectOr(p.config["parameters"]))
	if err != nil {
		return r, err
	}
	r.Parameters = api.Some(parameters)
	variables, err := jobtemplate.Encode(p.jobVariables())
	if err != nil {
		return r, err
	}
	r.JobVariables = api.Some(variables)
	pull := make([]jsontext.Value, len(p.pull))
	for i, step := range p.pull {
		if pull[i], err = jobtemplate.Encode(step); err != nil {
			return r, err
		}
	}
	r.PullSteps = api.Some(pull)
	if d.Serve {
		r.WorkQueueName, r.Path = api.Null[string](), api.Some(".")
	}
	return r, nil
}

func (p *plan) paused() bool {
	paused, _ := boolean(p.config["paused"])
	return paused
}

func (p *plan) entrypoint() string {
	if p.config.Entrypoint() == "" && p.native != nil {
		return jobtemplate.Join(p.native.Run)
	}
	return p.config.Entrypoint()
}

func (p *plan) description() api.Opt[string] {
	if text := p.config.text("description"); text != "" {
		return api.Some(text)
	}
	if p.flow.Description == nil {
		return api.Null[string]()
	}
	return api.Some(*p.flow.Description)
}

func optText(v any) api.Opt[string] {
	if s, ok := v.(string); ok && s != "" {
		return api.Some(s)
	}
	return api.Null[string]()
}

func objectOr(v any) map[string]any {
	if object, ok := v.(map[string]any); ok {
		return object
	}
	return map[string]any{}
}

func (p *plan) tags() []string {
	tags := []string{}
	switch v := p.config["tags"].(type) {
	case string:
		tags = append(tags, v)
	case []any:
		for _, tag := range v {
			if text := jobtemplate.Text(tag); strings.TrimSpace(text) != "" {
				tags = append(tags, text)
			}
		}
	}
	return tags
}

// setConcurrency reads a limit that is a number, or a mapping with more to say.
func (p *plan) setConcurrency(r *api.DeploymentCreate) error {
	limit := p.config["concurrency_limit"]
	r.ConcurrencyLimit, r.ConcurrencyOptions = api.Null[int](), api.Null[api.ConcurrencyOptions]()
	if object, ok := limit.(map[string]any); ok {
		limit = object["limit"]
		if err := setStrategy(r, object); err != nil {
			return err
		}
	}
	switch n := limit.(type) {
	case nil:
	case int64:
		r.ConcurrencyLimit = api.Some(int(n))
	default:
		return api.Errorf(api.CodeInvalid, "concurrency_limit must be a whole number, got %s", jobtemplate.Text(limit))
	}
	return nil
}

func setStrategy(r *api.DeploymentCreate, object map[string]any) error {
	strategy := object["collision_strategy"]
	if strategy == nil {
		return nil
	}
	options := api.ConcurrencyOptions{CollisionStrategy: api.ConcurrencyLimitStrategy(strings.ToUpper(jobtemplate.Text(strategy)))}
	if grace, ok := object["grace_period_seconds"].(int64); ok {
		seconds := int(grace)
		options.GracePeriodSeconds = &seconds
	}
	switch options.CollisionStrategy {
	case "ENQUEUE", "CANCEL_NEW":
		r.ConcurrencyOptions = api.Some(options)
		return nil
	}
	return api.Errorf(api.CodeInvalid, "%q is no collision strategy; there are ENQUEUE and CANCEL_NEW", jobtemplate.Text(strategy))
}

// jobVariables are those of the deployment; a native one carries its command in them.
func (p *plan) jobVariables() map[string]any {
	variables := jobtemplate.CloneObject(objectOr(p.config.object("work_pool")["job_variables"]))
	if p.native == nil {
		return variables
	}
	variables["command"] = p.native.Command()
	if env := objectOr(p.manifest["env"]); len(env) > 0 {
		merged := objectOr(variables["env"])
		for name, value := range env {
			merged[name] = value
		}
		variables["env"] = merged
	}
	return variables
}

// write creates the deployment, or changes the one that is there.
func (d *Deployer) write(ctx context.Context, p *plan, r api.DeploymentCreate, entries []entry) (Deployed, error) {
	done := Deployed{Flow: p.flow.Name, Name: r.Name, WorkPool: p.pool.Name}
	existing, err := d.Client.ReadDeploymentByName(ctx, done.Flow, done.Name)
	switch {
	case err == nil:
		done.ID = existing.ID
		return done, d.Client.UpdateDeployment(ctx, existing.ID, update(r, entries))
	case api.CodeOf(err) != api.CodeNotFound:
		return done, err
	}
	flow := &api.FlowCreate{Name: p.flow.Name, Tags: api.Some([]string{}), Labels: api.Some(jsontext.Value("{}"))}
	labels := "{}"
	if p.native != nil {
		labels = fmt.Sprintf(`{%q:%q}`, nativeflow.KindLabel, nativeflow.NativeKind)
		flow.Tags, flow.Labels = api.Some([]string{nativeflow.NativeKind}), api.Some(jsontext.Value(labels))
	}
	made, err := d.Client.CreateFlow(ctx, flow)
	if err != nil {
		return done, err
	}
	r.FlowID, r.Labels, r.Schedules = made.ID, api.Some(jsontext.Value(labels)), api.Some(creates(entries))
	created, err := d.Client.CreateDeployment(ctx, &r)
	done.ID, done.Created = created.ID, true
	return done, err
}

func creates(entries []entry) []api.DeploymentScheduleCreate {
	list := make([]api.DeploymentScheduleCreate, len(entries))
	for i, e := range entries {
		list[i] = api.DeploymentScheduleCreate{Schedule: e.schedule, Active: e.active, Parameters: e.parameters, Slug: e.slug, Replaces: e.replaces, Policy: e.policy}
	}
	return list
}

// update is the change that makes an existing deployment what the request says. Schedules
// are only changed when there are any.
func update(r api.DeploymentCreate, entries []entry) *api.DeploymentUpdate {
	u := &api.DeploymentUpdate{
		Version: r.Version, Description: r.Description, Paused: r.Paused, ConcurrencyLimit: r.ConcurrencyLimit, ConcurrencyOptions: r.ConcurrencyOptions,
		Parameters: r.Parameters, ParameterOpenapiSchema: r.ParameterOpenapiSchema, Tags: r.Tags, WorkQueueName: r.WorkQueueName,
		WorkPoolName: r.WorkPoolName, JobVariables: r.JobVariables, PullSteps: r.PullSteps, Entrypoint: r.Entrypoint,
		EnforceParameterSchema: r.EnforceParameterSchema, VersionInfo: r.VersionInfo, Path: r.Path,
	}
	if len(entries) == 0 {
		return u
	}
	list := make([]api.DeploymentScheduleUpdate, len(entries))
	for i, e := range entries {
		list[i] = api.DeploymentScheduleUpdate{Schedule: api.Some(e.schedule), Active: e.active, Parameters: e.parameters, Slug: e.slug, Replaces: e.replaces, Policy: e.policy}
	}
	u.Schedules = api.Some(list)
	return u
}

// applySLA replaces the deployment's SLAs when the file or the command line speaks of them.
func (d *Deployer) applySLA(ctx context.Context, p *plan, id uuid.UUID) error {
	if p.sla == nil {
		return nil
	}
	body, err := jobtemplate.Encode(p.sla)
	if err != nil {
		return err
	}
	_, err = d.Client.Do(ctx, "POST", "/slas/apply-resource-slas/prefect.deployment."+id.String(), body)
	return err
}

// needsWorker says that no worker is there to take the pool's runs.
func (d *Deployer) needsWorker(ctx context.Context, pool api.WorkPoolResponse) bool {
	if strings.HasSuffix(pool.Type, ":push") || strings.HasSuffix(pool.Type, ":managed") {
		return false
	}
	online, err := d.Client.ReadWorkers(ctx, pool.Name, &api.ReadWorkersRequest{
		Workers: &api.WorkerFilter{Status: &api.Match[api.WorkerStatus]{Any: []api.WorkerStatus{api.WorkerStatusOnline}}},
	})
	return err == nil && len(online) == 0
}
