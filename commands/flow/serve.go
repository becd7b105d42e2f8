package flow

import (
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/sdk"
)

func newServeCmd(env *cli.Env) *cobra.Command {
	var entrypoint string
	cmd := &cobra.Command{
		Use:     "serve",
		Short:   "deploy a Python flow and run it here, in the foreground",
		Example: "usher flow serve flows.py:etl --name nightly --cron '0 3 * * *'",
	}
	cli.Positionals(cmd, cli.Positional{Name: "entrypoint", Value: &entrypoint, Required: true})
	handover := sdk.Define(cmd, env)
	flags := cmd.Flags()
	flags.StringP("name", "n", "", "the `name` of the deployment")
	flags.StringP("description", "d", "", "what it is for; the flow's own by default")
	flags.StringP("version", "v", "", "a `version` of the deployment")
	flags.StringArrayP("tag", "t", nil, "a `tag` of its runs; repeatable")
	flags.String("cron", "", "run by a cron `expression`")
	flags.Int("interval", 0, "run every so many `seconds`")
	flags.String("anchor-date", "", "what intervals are counted from")
	flags.String("rrule", "", "run by an iCalendar `rule`")
	flags.String("timezone", "", "the time `zone` of the schedule, such as Europe/Berlin")
	flags.Bool("pause-on-shutdown", true, "pause the schedules when it ends")
	flags.Int("limit", 0, "how many runs may go on here at once")
	flags.Int("global-limit", 0, "how many runs of it may go on anywhere at once")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return handover.Run(cmd.Context(), cmd, entrypoint, entrypoint)
	}
	return cmd
}
