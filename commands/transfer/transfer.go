// Package transfer holds the command that copies what is set up on one server to another.
package transfer

import (
	"context"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/output"
	"github.com/usherhq/usher/internal/profile"
)

type options struct {
	env      *cli.Env
	output   output.Options
	from, to string
	dryRun   bool
	yes      bool
}

// NewCmd makes usher transfer.
func NewCmd(env *cli.Env) *cobra.Command {
	opts := &options{env: env}
	cmd := &cobra.Command{
		Use:   "transfer",
		Short: "copy what is set up on one server to another",
		Long: "Copies blocks with their types, variables, global limits, work pools, queues, flows, deployments and automations from the\n" +
			"server of one profile to that of another; runs stay. What the other server has already is left as it is.",
		Example: "usher transfer --from staging --to prod --dry-run\nusher transfer --from staging --to prod --json",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd)
	flags := cmd.Flags()
	flags.StringVar(&opts.from, "from", "", "the `profile` of the server to copy from")
	flags.StringVar(&opts.to, "to", "", "the `profile` of the server to copy to")
	flags.BoolVar(&opts.dryRun, "dry-run", false, "say what would be copied, and copy nothing")
	cli.YesFlag(cmd, &opts.yes)
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[result]())
	for _, name := range []string{"from", "to"} {
		_ = cmd.RegisterFlagCompletionFunc(name, opts.completeProfiles) // the flag is there
	}
	return cmd
}

func (o *options) completeProfiles(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	profiles, err := o.profiles()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return profiles.Names(), cobra.ShellCompDirectiveNoFileComp
}

func (o *options) profiles() (*profile.Profiles, error) {
	settings, err := o.env.RawSettings()
	if err != nil {
		return nil, err
	}
	return profile.Open(settings.Paths)
}

func (o *options) run(ctx context.Context) error {
	source, target, err := o.connect()
	if err != nil {
		return err
	}
	stop := o.env.Streams.Spin("Reading both servers")
	plan, err := makePlan(ctx, source, target)
	stop()
	if err != nil {
		return err
	}
	due := plan.due()
	if o.dryRun || due == 0 {
		o.env.Sayf("%d to copy from %s to %s, %d to leave.", due, o.from, o.to, len(plan.items)-due)
		return o.show(plan)
	}
	if err := o.env.Confirm(ctx, o.yes, "Copy %d objects from %q to %q?", due, o.from, o.to); err != nil {
		return err
	}
	if err := o.carryOut(ctx, plan, target); err != nil {
		return err
	}
	if err := o.show(plan); err != nil {
		return err
	}
	if failed := plan.count(Failed); failed > 0 {
		return cli.Fail(cli.Failure, fmt.Sprintf("%d objects could not be copied", failed), "run the command again when the cause is mended: what is there is left as it is")
	}
	return nil
}

// carryOut copies, and tells the target's other users that it begins and has ended.
func (o *options) carryOut(ctx context.Context, plan *plan, target *client.Client) error {
	resource := api.Resource{
		"prefect.resource.id":   "prefect.workspace.transfer." + uuid.NewString(),
		"prefect.resource.name": o.from + " -> " + o.to + " transfer",
		"prefect.resource.role": "transfer",
	}
	tell := func(what string) error {
		payload, err := encode(map[string]any{
			"source_profile": o.from, "target_profile": o.to, "total_resources": len(plan.items),
			"succeeded": plan.count(Copied), "failed": plan.count(Failed), "skipped": plan.count(Left),
		})
		if err != nil {
			return err
		}
		return target.CreateEvents(ctx, []api.Event{{
			ID: uuid.Must(uuid.NewV7()), Event: "prefect.workspace.transfer." + what, Occurred: api.At(o.env.Now()),
			Resource: resource, Related: api.Some([]api.RelatedResource{}), Payload: api.Some(jsontext.Value(payload)),
		}})
	}
	if err := tell("started"); err != nil {
		return err
	}
	show, stop := o.env.Streams.Bar()
	err := plan.carryOut(ctx, func(done int, what string) { show(what, int64(done), int64(len(plan.items))) })
	stop()
	if err != nil {
		return err
	}
	return tell("completed")
}

// connect makes the clients of both profiles.
func (o *options) connect() (source, target *client.Client, err error) {
	if o.from == "" || o.to == "" {
		return nil, nil, cli.Usagef("say both profiles: --from and --to")
	}
	if o.from == o.to {
		return nil, nil, cli.Usagef("--from and --to are the same profile")
	}
	profiles, err := o.profiles()
	if err != nil {
		return nil, nil, err
	}
	if source, err = o.clientOf(profiles, o.from); err != nil {
		return nil, nil, err
	}
	if target, err = o.clientOf(profiles, o.to); err != nil {
		return nil, nil, err
	}
	if source.BaseURL() == target.BaseURL() {
		return nil, nil, cli.Usagef("profiles %s and %s lead to the same server, %s", o.from, o.to, source.BaseURL())
	}
	return source, target, nil
}

// show prints what became of everything, or would.
func (o *options) show(plan *plan) error {
	return output.List(o.env.Printer(o.output), plan.results(), []output.Column[result]{
		{Name: "Kind", Value: func(r result) string { return r.Kind }},
		{Name: "Name", Value: func(r result) string { return r.Name }, Tone: func(result) output.Tone { return output.Strong }},
		{Name: "Status", Value: func(r result) string { return string(r.Status) }, Tone: func(r result) output.Tone { return r.Status.tone() }},
		{Name: "Details", Value: func(r result) string { return r.Details }},
	})
}
