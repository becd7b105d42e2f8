// Package deploy is the verb that makes deployments of a prefect.yaml file or of the command
// line's flags.
package deploy

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/commands/project"
	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/deploy"
	"github.com/usherhq/usher/internal/output"
)

type deployOptions struct {
	env       *cli.Env
	output    output.Options
	selection deploy.Selection
	flags     deploy.Options
	file      string
	python    string
	inspect   string
	limit     int
	enforce   bool
	plan      bool
	check     bool
	asked     bool // a person was asked for what neither file nor flags say
}

// NewCmd makes usher deploy.
func NewCmd(env *cli.Env) *cobra.Command {
	opts := &deployOptions{env: env}
	cmd := &cobra.Command{
		Use:   "deploy",
		Short: "make deployments of a prefect.yaml file, or of one flow",
		Long: "Without flags a prefect.yaml with one deployment is enough. Deployments that exist are changed to what the file says. " +
			"Python flows are read from their source, and imported with the nearest Python that has prefect where that does not tell all;\n" +
			"programs (key usher in the file) need none.\n" +
			"Flags say the same of every deployment that is made; a name or an entrypoint is for one. With --plan nothing is done, and the exit code is\n" +
			"0 if the server has all as the file says and 1 if something differs.",
		Example: "usher deploy --all\nusher deploy -n nightly -n 'etl-*'\nusher deploy flows.py:etl -n hourly -p default --cron '0 * * * *'\nusher deploy --all --json id,name\nusher deploy --all --plan\nusher deploy --all --check",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd) },
	}
	cli.Positionals(cmd, cli.Positional{Name: "entrypoint", Value: &opts.flags.Entrypoint})
	opts.define(cmd)
	cmd.MarkFlagsMutuallyExclusive("plan", "check")
	cmd.AddCommand(project.NewInitCmd(env))
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[deploy.Deployed]())
	return cmd
}

// define adds the flags, in the words of the reference.
func (o *deployOptions) define(cmd *cobra.Command) {
	flags, f := cmd.Flags(), &o.flags
	flags.StringArrayVarP(&o.selection.Names, "name", "n", nil, "the `deployment` of the file, flow/deployment, a pattern with *, or a new one's name; repeatable")
	flags.BoolVar(&o.selection.All, "all", false, "every deployment of the file")
	flags.BoolVar(&o.plan, "plan", false, "show what would change on the server, and change nothing")
	flags.BoolVar(&o.check, "check", false, "say what is wrong with the deployments, all of it, and change nothing")
	flags.StringVar(&o.file, "prefect-file", "prefect.yaml", "the `file` with the deployments")
	flags.StringVarP(&f.WorkPool, "pool", "p", "", "the work pool that executes the runs")
	flags.StringVarP(&f.WorkQueue, "work-queue", "q", "", "the queue of the work pool; made if there is none")
	flags.StringArrayVar(&f.JobVariables, "job-variable", nil, "a job variable as `key=value`, or several as a JSON object; repeatable")
	flags.StringArrayVar(&f.Param, "param", nil, "a parameter as `key=value`, the value as JSON if it can be read so; repeatable")
	flags.StringVar(&f.Params, "params", "", "all parameters as a `JSON` object")
	flags.StringArrayVar(&f.Cron, "cron", nil, "run by a cron `expression`; repeatable")
	flags.IntSliceVar(&f.Interval, "interval", nil, "run every so many `seconds`; repeatable")
	flags.StringArrayVar(&f.RRule, "rrule", nil, "run by an iCalendar `rule`; repeatable")
	flags.StringVar(&f.AnchorDate, "anchor-date", "", "what intervals are counted from")
	flags.StringVar(&f.Timezone, "timezone", "", "the time `zone` of all schedules, such as Europe/Berlin")
	flags.StringArrayVar(&f.Triggers, "trigger", nil, "run on events: `JSON`, or a .yaml or .json file; repeatable")
	flags.IntVar(&o.limit, "concurrency-limit", 0, "how many runs may go on at once")
	flags.StringVar(&f.CollisionStrategy, "collision-strategy", "", "what becomes of a run above the limit: ENQUEUE or CANCEL_NEW")
	flags.StringVarP(&f.Description, "description", "d", "", "what the deployment is for (default: the flow's)")
	flags.StringArrayVarP(&f.Tags, "tag", "t", nil, "a tag; repeatable")
	flags.StringVar(&f.Version, "version", "", "the version (default: the flow's)")
	flags.StringVar(&f.VersionType, "version-type", "", "where the version comes from, such as vcs:git")
	flags.BoolVar(&o.enforce, "enforce-parameter-schema", true, "refuse runs whose parameters don't fit the flow")
	flags.StringArrayVar(&f.SLA, "sla", nil, "a service level agreement (Prefect Cloud): `JSON`, or a file; repeatable")
	flags.StringVar(&o.python, "python", "", "the `interpreter` that loads flows (default: the nearest one that has prefect)")
	flags.StringVar(&o.inspect, "inspect", string(deploy.Auto), "`how` to find out about a flow: source reads it, import runs its file, auto imports where the source does not tell all")
	_ = cmd.RegisterFlagCompletionFunc("inspect", cobra.FixedCompletions([]string{string(deploy.Auto), string(deploy.Source), string(deploy.Import)}, cobra.ShellCompDirectiveNoFileComp)) // the flag is there
	_ = cmd.RegisterFlagCompletionFunc("pool", o.env.Complete(poolNames))                                                                                                                  // the flag is there
	_ = cmd.RegisterFlagCompletionFunc("name", o.completeNames)                                                                                                                            // likewise
}

func poolNames(ctx context.Context, c *client.Client) ([]string, error) {
	pools, err := c.ReadWorkPools(ctx, &api.ReadWorkPoolsRequest{})
	names := make([]string, len(pools))
	for i, p := range pools {
		names[i] = p.Name
	}
	return names, err
}

func (o *deployOptions) completeNames(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	file, err := deploy.Load(o.file)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return names(file.Deployments), cobra.ShellCompDirectiveNoFileComp
}

func names(configs []deploy.Config) []string {
	var list []string
	for _, c := range configs {
		if c.Name() != "" {
			list = append(list, c.Name())
		}
	}
	return list
}
