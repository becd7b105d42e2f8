package deployment

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/follow"
	"github.com/usherhq/usher/internal/output"
	"github.com/usherhq/usher/internal/rules/moment"
)

type runOptions struct {
	env           *cli.Env
	output        output.Options
	name          string
	id            string
	version       string
	params        []string
	paramsObject  string
	jobVariables  []string
	startIn       string
	startAt       string
	tags          []string
	flowRunName   string
	watch         bool
	watchInterval int
	watchTimeout  int
}

func newRunCmd(env *cli.Env) *cobra.Command {
	opts := &runOptions{env: env}
	cmd := &cobra.Command{
		Use:   "run",
		Short: "run a deployment",
		Long: "A worker of its pool, or the process that serves it, takes the run. With --watch its log lines go to standard output until " +
			"it has ended; the exit code is then 0 for a run that completed and 8 for one that did not.",
		Example: "usher deployment run etl/nightly --param day=2026-01-31 --watch\n" +
			"usher deployment run etl/nightly --params '{\"day\": \"2026-01-31\"}' --start-in '2 hours'\n" +
			"usher deployment run etl/nightly --jq .id",
		RunE: func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd, nameArgument(env, &opts.name, false))
	opts.flags(cmd)
	return cmd
}

func (o *runOptions) flags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&o.id, "id", "", "the deployment's `id`, instead of its name")
	flags.StringVar(&o.version, "version", "", "run this `version` of the deployment instead of what it is now; see usher deployment versions")
	flags.StringArrayVarP(&o.params, "param", "p", nil, "a parameter as `key=value`, the value in JSON or a bare word; repeatable")
	flags.StringVar(&o.paramsObject, "params", "", "parameters as a JSON `object`, - for standard input")
	flags.StringArrayVar(&o.jobVariables, "job-variable", nil, "a variable of the job as `key=value`; repeatable")
	flags.StringVar(&o.startIn, "start-in", "", "when to start, from now: '10 minutes'")
	flags.StringVar(&o.startAt, "start-at", "", "when to start: '17:30', 'tomorrow 5pm', '2026-01-31 08:00'")
	flags.StringArrayVar(&o.tags, "tag", nil, "a tag of the run; repeatable")
	flags.StringVar(&o.flowRunName, "flow-run-name", "", "the run's `name`; {parameter} stands for a parameter's value")
	flags.BoolVar(&o.watch, "watch", false, "follow the run to its end and answer how it went")
	flags.IntVar(&o.watchInterval, "watch-interval", 0, "how many `seconds` between looks at a server that sends nothing by itself")
	flags.IntVar(&o.watchTimeout, "watch-timeout", 0, "give up watching after this many `seconds`")
	cli.OutputFlags(cmd, &o.output, output.FieldsOf[api.FlowRunResponse]())
}

func (o *runOptions) run(ctx context.Context) error {
	which, err := chosen(o.name, o.id)
	if err != nil {
		return err
	}
	start, err := o.start()
	if err != nil {
		return err
	}
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	d, err := find.Deployment(ctx, c, which)
	if err != nil {
		return err
	}
	var version api.Opt[uuid.UUID]
	if o.version != "" {
		v, err := chosenVersion(ctx, c, d, o.version)
		if err != nil {
			return err
		}
		version = api.Some(v.ID)
		d.Parameters, d.ParameterOpenapiSchema, d.EnforceParameterSchema = v.Parameters, v.ParameterOpenapiSchema, v.EnforceParameterSchema
	}
	request, err := o.request(d, start)
	if err != nil {
		return err
	}
	request.DeploymentVersionID = version
	run, err := c.CreateFlowRunFromDeployment(ctx, d.ID, request)
	if err != nil {
		return err
	}
	return o.tell(ctx, c, d, &run)
}

// start is when the run is to begin.
func (o *runOptions) start() (time.Time, error) {
	now := o.env.Now()
	text := o.startIn
	switch {
	case o.startIn != "" && o.startAt != "":
		return now, cli.Usagef("say either --start-in or --start-at, not both")
	case o.startIn == "" && o.startAt == "":
		return now, nil
	case o.startAt != "":
		text = o.startAt
	}
	at, ok := moment.Parse(text, now)
	if !ok {
		return now, cli.Usagef("%q is not a time", text).WithHint("say it like '10 minutes', 'tomorrow 17:30' or '2026-01-31 08:00'")
	}
	return at, nil
}

func (o *runOptions) request(d *api.DeploymentResponse, start time.Time) (*api.DeploymentFlowRunCreate, error) {
	parameters, err := o.parameters(d)
	if err != nil {
		return nil, err
	}
	variables, err := readPairs("--job-variable", o.jobVariables)
	if err != nil {
		return nil, err
	}
	request := &api.DeploymentFlowRunCreate{
		State: api.Some(api.StateCreate{Type: api.StateTypeScheduled, StateDetails: api.Some(api.StateDetails{ScheduledTime: api.AtPtr(start)})}),
		Tags:  api.Some(append([]string{}, o.tags...)),
	}
	if o.flowRunName != "" {
		name, err := o.fillName(d, parameters)
		if err != nil {
			return nil, err
		}
		request.Name = api.Some(name)
	}
	encoded, err := parameters.encode()
	if err != nil {
		return nil, fmt.Errorf("write the parameters: %w", err)
	}
	request.Parameters = api.Some(encoded)
	if encoded, err = variables.encode(); err != nil {
		return nil, fmt.Errorf("write the job variables: %w", err)
	}
	if len(variables) > 0 {
		request.JobVariables = api.Some(encoded)
	}
	return request, nil
}

// parameters are those given, checked against the names that the flow takes.
func (o *runOptions) parameters(d *api.DeploymentResponse) (values, error) {
	given, err := readPairs("--param", o.params)
	if err != nil {
		return nil, err
	}
	if o.paramsObject != "" {
		object, err := readObject("--params", o.paramsObject, o.env.Streams.In)
		if err != nil {
			return nil, err
		}
		for _, name := range given.names() {
			if _, both := object[name]; both {
				o.env.Sayf("%s is in both --param and --params; that of --param is used.", name)
			}
		}
		given = given.over(object)
	}
	return given, checkNames(d, given)
}

func checkNames(d *api.DeploymentResponse, given values) error {
	var schema struct {
		Properties map[string]jsontext.Value `json:"properties"`
	}
	if len(d.ParameterOpenapiSchema) > 0 {
		if err := json.Unmarshal(d.ParameterOpenapiSchema, &schema); err != nil {
			return fmt.Errorf("read the deployment's schema of parameters: %w", err)
		}
	}
	if schema.Properties == nil {
		return nil
	}
	known := values(schema.Properties).names()
	for _, name := range given.names() {
		if slices.Contains(known, name) {
			continue
		}
		err := cli.Usagef("the deployment has no parameter %q", name)
		if near := cli.Nearest(name, known); near != "" {
			return err.WithHint(fmt.Sprintf("did you mean %q? Its parameters: %s", near, strings.Join(known, ", ")))
		}
		if len(known) == 0 {
			return err.WithHint("it takes no parameters")
		}
		return err.WithHint("its parameters: " + strings.Join(known, ", "))
	}
	return nil
}

// fillName replaces {parameter} in the name wanted for the run; {{ and }} are braces, as Python has it.
func (o *runOptions) fillName(d *api.DeploymentResponse, given values) (string, error) {
	defaults, err := decode(d.Parameters)
	if err != nil {
		return "", fmt.Errorf("read the deployment's parameters: %w", err)
	}
	all := given.over(defaults)
	var name strings.Builder
	rest := o.flowRunName
	for {
		at := strings.IndexAny(rest, "{}")
		if at < 0 {
			name.WriteString(rest)
			return name.String(), nil
		}
		name.WriteString(rest[:at])
		brace, after := rest[at:at+1], rest[at+1:]
		if tail, doubled := strings.CutPrefix(after, brace); doubled {
			name.WriteString(brace)
			rest = tail
			continue
		}
		key, tail, closed := strings.Cut(after, "}")
		if brace == "}" || !closed {
			return "", cli.Usagef("--flow-run-name %q: a brace stands alone", o.flowRunName).WithHint("{name} is the value of a parameter, {{ and }} are braces")
		}
		value, known := all[key]
		if !known {
			return "", cli.Usagef("--flow-run-name %q: there is no value of a parameter %q", o.flowRunName, key)
		}
		name.WriteString(bare(value))
		rest = tail
	}
}

// bare is a text without its quotes, anything else as JSON.
func bare(value jsontext.Value) string {
	var text string
	if json.Unmarshal(value, &text) == nil {
		return text
	}
	return output.Compact(value)
}

// tell says which run was made and watches it if that is wanted.
func (o *runOptions) tell(ctx context.Context, c *client.Client, d *api.DeploymentResponse, run *api.FlowRunResponse) error {
	printer := o.env.Printer(o.output)
	if !o.watch {
		return o.print(printer, run)
	}
	o.env.Sayf("Created flow run %q of deployment %q: %s", run.Name, d.Name, run.ID)
	run, err := follow.Show(ctx, o.env, c, run.ID, follow.ShowOptions{
		Timeout: time.Duration(o.watchTimeout) * time.Second, Poll: time.Duration(o.watchInterval) * time.Second, Quiet: printer.Structured(),
	})
	if err != nil {
		return err
	}
	if printer.Structured() {
		if err := printer.Value(run); err != nil {
			return err
		}
	}
	return follow.Verdict(o.env, run)
}

func (o *runOptions) print(printer *output.Printer, run *api.FlowRunResponse) error {
	if !printer.Structured() {
		o.env.Sayf("Created flow run %q. `usher flow-run watch %s` watches it.", run.Name, run.ID)
	}
	text := func(name string, value func(r *api.FlowRunResponse) string) output.Column[*api.FlowRunResponse] {
		return output.Column[*api.FlowRunResponse]{Name: name, Value: value}
	}
	return output.Detail(printer, run, []output.Column[*api.FlowRunResponse]{
		{Name: "UUID", Value: func(r *api.FlowRunResponse) string { return r.ID.String() }, Whole: true},
		text("Name", func(r *api.FlowRunResponse) string { return r.Name }),
		text("Parameters", func(r *api.FlowRunResponse) string { return output.Compact(r.Parameters) }),
		text("Job variables", func(r *api.FlowRunResponse) string { return output.Compact(r.JobVariables) }),
		{
			Name: "Scheduled start time", Value: func(r *api.FlowRunResponse) string { return output.Stamp(r.NextScheduledStartTime) },
			Human: func(r *api.FlowRunResponse, now time.Time) string { return startText(r, now) },
		},
		{Name: "URL", Value: func(r *api.FlowRunResponse) string { return find.Page(o.env, "/runs/flow-run/"+r.ID.String()) }, Whole: true},
	})
}

func startText(r *api.FlowRunResponse, now time.Time) string {
	if r.NextScheduledStartTime == nil {
		return ""
	}
	return output.TimePtr(now, r.NextScheduledStartTime) + " (" + output.AgoPtr(now, r.NextScheduledStartTime) + ")"
}
