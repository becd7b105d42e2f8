package deploy

import (
	"context"
	"maps"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/python"
	"github.com/usherhq/usher/internal/rules/jobtemplate"
	"github.com/usherhq/usher/internal/rules/nativeflow"
	"github.com/usherhq/usher/internal/steps"
)

// Deployer deploys.
type Deployer struct {
	Client *client.Client
	Dir    string            // the project: where flows are looked for and steps run
	Env    map[string]string // for templates, steps and Python
	Python string            // interpreter; "" means to look for one
	Finder *python.Finder
	// Inspection is how flows are found out about; "" means Auto.
	Inspection Inspection
	IsCloud    bool // the API is Prefect Cloud's
	// Serve makes deployments without a work pool and without steps: who deploys them executes
	// their runs, in Dir.
	Serve bool
	Say   func(line string)
	Warn  func(line string)
	Now   func() time.Time

	flows    map[string]Flow // by entrypoint
	expected []string        // entrypoints that will be asked for
}

// Deployed is what became of a deployment.
type Deployed struct {
	ID       uuid.UUID `json:"id"`
	Flow     string    `json:"flow_name"`
	Name     string    `json:"name"`
	WorkPool string    `json:"work_pool_name"`
	Created  bool      `json:"created"` // false when it existed and was changed
	// NeedsWorker says that nobody takes the pool's runs now.
	NeedsWorker bool `json:"needs_worker"`
}

// FullName is flow/name.
func (d Deployed) FullName() string { return d.Flow + "/" + d.Name }

// Expect tells which deployments will come, so that their flows are loaded together.
func (d *Deployer) Expect(configs []Config) {
	for _, c := range configs {
		if c.Entrypoint() != "" && c.object("usher") == nil {
			d.expected = append(d.expected, c.Entrypoint())
		}
	}
}

// plan is one deployment on its way.
type plan struct {
	config   Config
	options  Options
	flow     Flow
	native   *nativeflow.Manifest
	manifest map[string]any
	pool     api.WorkPoolResponse
	build    []any
	push     []any
	pull     []any
	sla      []any          // nil when nothing was said about them
	outputs  map[string]any // of build and push steps, and the job variables given
	// keepUnset leaves what only steps can fill in, because they have not run.
	keepUnset bool
}

// Deploy makes or changes one deployment of the file.
func (d *Deployer) Deploy(ctx context.Context, f *File, c Config, o Options) (Deployed, error) {
	if d.flows == nil {
		d.flows = map[string]Flow{}
	}
	p, err := d.plan(ctx, f, c, o)
	if err != nil {
		return Deployed{}, err
	}
	if err := d.runSteps(ctx, p); err != nil {
		return Deployed{}, err
	}
	return d.apply(ctx, f, c, p)
}

// plan finds out everything that can be known before a step runs, so that mistakes show
// before anything is done.
func (d *Deployer) plan(ctx context.Context, f *File, c Config, o Options) (*plan, error) {
	p, err := d.find(ctx, f, c, o)
	if err != nil {
		return nil, f.place(c, err)
	}
	return p, nil
}

func (d *Deployer) find(ctx context.Context, f *File, c Config, o Options) (*plan, error) {
	config, given, err := o.apply(c)
	if err != nil {
		return nil, err
	}
	p := &plan{options: o, outputs: given}
	if !d.Serve {
		p.takeSteps(f, config)
	}
	rawPull, noPull := p.pull, p.pull != nil && len(p.pull) == 0
	if p.config, err = d.resolve(ctx, config); err != nil {
		return nil, err
	}
	if p.native, p.manifest, err = manifest(p.config); err != nil {
		return nil, of(err, "usher")
	}
	if err := d.findSLA(p); err != nil {
		return nil, of(err, "sla")
	}
	if err := d.findFlow(ctx, p); err != nil {
		return nil, of(err, "entrypoint")
	}
	if err := checkName(p.config.Name(), f.Path); err != nil {
		return nil, of(err, "name")
	}
	if !d.Serve {
		if err := d.findPool(ctx, p); err != nil {
			return nil, of(err, "work_pool", "name")
		}
	}
	if p.pull = rawPull; len(rawPull) == 0 && !noPull && !d.Serve {
		p.pull = d.defaultPull(p)
	}
	return p, nil
}

// checkName refuses what can't stand in the name's address, as the reference's client does.
func checkName(name, path string) error {
	switch {
	case name == "":
		return api.Errorf(api.CodeInvalid, "A deployment name must be provided. Add --name, or a name in %s.", path)
	case strings.ContainsAny(name, "/%&><"):
		return api.Errorf(api.CodeInvalid, "%q can't be a deployment's name: it may have none of / %% & > <", name)
	}
	return nil
}

// takeSteps takes the steps as written: their placeholders are filled when they run.
func (p *plan) takeSteps(f *File, c Config) {
	pick := func(key string, fallback []any) []any {
		if own, ok := c[key]; ok {
			return stepList(own)
		}
		return fallback
	}
	p.build, p.push = pick("build", f.Build), pick("push", f.Push)
	pull := f.Pull
	if own, ok := c["pull"]; ok {
		pull = own
	}
	p.pull, _ = pull.([]any)
}

// resolve fills in blocks, variables and the environment; what only steps can fill stays.
func (d *Deployer) resolve(ctx context.Context, c Config) (Config, error) {
	resolved, err := d.references(ctx, map[string]any(c))
	if err != nil {
		return nil, err
	}
	environment := make(map[string]any, len(d.Env))
	for name, value := range d.Env {
		environment[name] = value
	}
	return jobtemplate.ApplyObject(resolved.(map[string]any), environment, jobtemplate.Options{KeepUnset: true, Env: d.lookup}), nil
}

func (d *Deployer) lookup(name string) (string, bool) {
	value, ok := d.Env[name]
	return value, ok
}

// references fills in blocks and variables.
func (d *Deployer) references(ctx context.Context, tree any) (any, error) {
	withBlocks, err := jobtemplate.ResolveBlocks(tree, blocks{ctx, d.Client})
	if err != nil {
		return nil, err
	}
	return jobtemplate.ResolveVariables(withBlocks, func(name string) (any, bool, error) {
		v, err := d.Client.ReadVariableByName(ctx, name)
		if api.CodeOf(err) == api.CodeNotFound {
			return nil, false, nil
		}
		if err != nil {
			return nil, false, err
		}
		value, err := jobtemplate.Parse(v.Value)
		return value, true, err
	})
}

// blocks reads block documents with their secrets.
type blocks struct {
	ctx    context.Context
	client *client.Client
}

func withSecrets() url.Values { return url.Values{"include_secrets": {"true"}} }

func (b blocks) BlockByName(slug, name string) (map[string]any, error) {
	doc, err := b.client.ReadBlockDocumentByNameForBlockType(b.ctx, slug, name, withSecrets())
	if err != nil {
		return nil, err
	}
	return jobtemplate.ParseObject(doc.Data)
}

func (b blocks) BlockByID(id string) (map[string]any, error) {
	parsed, err := uuid.Parse(id)
	if err != nil {
		return nil, api.Errorf(api.CodeInvalid, "%q is no block document id", id)
	}
	doc, err := b.client.ReadBlockDocumentByID(b.ctx, parsed, withSecrets())
	if err != nil {
		return nil, err
	}
	return jobtemplate.ParseObject(doc.Data)
}

func (d *Deployer) findFlow(ctx context.Context, p *plan) (err error) {
	if p.native != nil {
		p.flow, err = d.nativeFlow(p)
		return err
	}
	if p.config.Entrypoint() == "" {
		return api.Errorf(api.CodeInvalid, "An entrypoint must be provided: usher deploy path/to/file.py:flow_function, or entrypoint in a prefect.yaml file.")
	}
	p.flow, err = d.flow(ctx, p.config.Entrypoint())
	return err
}

func (d *Deployer) findPool(ctx context.Context, p *plan) (err error) {
	name := jobtemplate.Text(p.config.object("work_pool")["name"])
	if p.config.object("work_pool")["name"] == nil || name == "" {
		return api.Errorf(api.CodeInvalid, "A work pool is required to deploy this flow. Please specify a work pool name via the '--pool' flag or in your prefect.yaml file.")
	}
	p.pool, err = d.Client.ReadWorkPool(ctx, name)
	if api.CodeOf(err) == api.CodeNotFound {
		return api.Errorf(api.CodeNotFound,
			"This deployment configuration references work pool '%s' which does not exist. This means no worker will be able to pick up its runs. "+
				"You can create it with `usher work-pool create '%s' --type process`.", name, name)
	}
	if err == nil && p.pool.Type == "prefect-agent" {
		return api.Errorf(api.CodeInvalid, "work pool '%s' is of type 'prefect-agent', which can't run deployments any more; choose another pool", name)
	}
	return err
}

// findSLA takes the SLAs of the command line, else the file's. Only Prefect Cloud has any.
func (d *Deployer) findSLA(p *plan) (err error) {
	p.sla, _ = p.config["sla"].([]any)
	if len(p.options.SLA) > 0 {
		if p.sla, err = fromFlags("sla", p.options.SLA); err != nil {
			return err
		}
	}
	if p.sla != nil && !d.IsCloud {
		return api.Errorf(api.CodeUnsupported, "SLA configuration is currently only supported on Prefect Cloud.")
	}
	return nil
}

// runSteps runs the build and push steps and keeps what they left.
func (d *Deployer) runSteps(ctx context.Context, p *plan) error {
	outputs := map[string]any{}
	for _, part := range []struct {
		name string
		list []any
	}{{"build", p.build}, {"push", p.push}} {
		if len(part.list) == 0 {
			continue
		}
		d.Say("Running deployment " + part.name + " steps...")
		runner := steps.Runner{
			Dir: d.Dir, Env: d.Env, Say: d.Say, Resolve: func(tree any) (any, error) { return d.references(ctx, tree) },
		}
		if interpreter, err := d.interpreter(ctx); err == nil {
			runner.Python = interpreter
		}
		out, err := runner.RunWith(ctx, part.list, outputs)
		if err != nil {
			return err
		}
		outputs = out.Values
	}
	maps.Copy(outputs, p.outputs)
	p.outputs = outputs
	return nil
}
