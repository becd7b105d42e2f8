package shell

import (
	"context"
	_ "embed"

	"github.com/go-json-experiment/json"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/sdk"
)

// serveProgram takes the place of the SDK's own command, which forgets the limit.
//
//go:embed serve.py
var serveProgram string

// serving is what the program is told.
type serving struct {
	Command      string   `json:"command"`
	LogOutput    bool     `json:"log_output"`
	StreamStdout bool     `json:"stream_stdout"`
	Flow         string   `json:"flow"`
	Deployment   string   `json:"deployment"`
	Tags         []string `json:"tags"`
	Cron         string   `json:"cron"`
	Timezone     *string  `json:"timezone"`
	Limit        *int     `json:"limit"`
	RunOnce      bool     `json:"run_once"`
}

func newServeCmd(env *cli.Env) *cobra.Command {
	var s serving
	var timezone string
	var limit int
	cmd := &cobra.Command{
		Use:     "serve",
		Short:   "deploy a command and run it here, in the foreground",
		Example: "usher shell serve 'df -h /data' --flow-name disk-space --cron-schedule '0 * * * *'",
	}
	cli.Positionals(cmd, cli.Positional{Name: "command", Value: &s.Command, Required: true})
	handover := sdk.Define(cmd, env)
	flags := cmd.Flags()
	flags.StringVar(&s.Flow, "flow-name", "", "the `name` of the flow")
	flags.StringVar(&s.Deployment, "deployment-name", "CLI Runner Deployment", "the `name` of the deployment")
	flags.StringArrayVar(&s.Tags, "tag", []string{}, "a `tag` of the deployment; repeatable")
	flags.BoolVar(&s.LogOutput, "log-output", true, "send what it prints to the runs' logs")
	flags.BoolVar(&s.StreamStdout, "stream-stdout", true, "print what it prints here too")
	flags.StringVar(&s.Cron, "cron-schedule", "", "run by a cron `expression`")
	flags.StringVar(&timezone, "timezone", "", "the time `zone` of the schedule")
	flags.IntVar(&limit, "concurrency-limit", 0, "how many runs may go on at once")
	flags.BoolVar(&s.RunOnce, "run-once", false, "run it once and end")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if timezone != "" {
			s.Timezone = &timezone
		}
		if flags.Changed("concurrency-limit") {
			s.Limit = &limit
		}
		return serve(cmd.Context(), handover, s)
	}
	return cmd
}

func serve(ctx context.Context, handover *sdk.Handover, s serving) error {
	if s.Flow == "" {
		return cli.Usagef("usher shell serve needs --flow-name")
	}
	if s.Limit != nil && *s.Limit < 1 {
		return cli.Usagef("--concurrency-limit %d: at least one run has to be allowed", *s.Limit)
	}
	what, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return handover.RunProgram(ctx, serveProgram, string(what))
}
