package deployment

import (
	"context"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/output"
)

// pauseOptions are those of pause and resume, disable and enable.
type pauseOptions struct {
	env  *cli.Env
	name string
	set  func(*client.Client, context.Context, uuid.UUID) (jsontext.Value, error)
	done string

	output output.Options
}

func newPauseCmd(env *cli.Env) *cobra.Command {
	opts := &pauseOptions{env: env, set: (*client.Client).PauseDeployment, done: "Paused deployment %q: its schedules make no more runs."}
	return opts.command("pause", "keep a deployment from making runs on schedule")
}

func newResumeCmd(env *cli.Env) *cobra.Command {
	opts := &pauseOptions{env: env, set: (*client.Client).ResumeDeployment, done: "Resumed deployment %q."}
	return opts.command("resume", "let a deployment make runs on schedule again")
}

func newDisableCmd(env *cli.Env) *cobra.Command {
	opts := &pauseOptions{env: env, set: (*client.Client).DisableDeployment, done: "Disabled deployment %q: nobody can make runs of it."}
	return opts.command("disable", "keep anybody from running a deployment")
}

func newEnableCmd(env *cli.Env) *cobra.Command {
	opts := &pauseOptions{env: env, set: (*client.Client).EnableDeployment, done: "Enabled deployment %q."}
	return opts.command("enable", "let a deployment be run again")
}

func (o *pauseOptions) command(verb, short string) *cobra.Command {
	cmd := &cobra.Command{
		Use:     verb,
		Short:   short,
		Example: "usher deployment " + verb + " etl/nightly",
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	cli.Positionals(cmd, nameArgument(o.env, &o.name, true))
	cli.ResultFlags(cmd, &o.output, output.FieldsOf[api.DeploymentResponse]())
	return cmd
}

func (o *pauseOptions) run(ctx context.Context) error {
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	d, err := find.Deployment(ctx, c, o.name)
	if err != nil {
		return err
	}
	if _, err := o.set(c, ctx, d.ID); err != nil {
		return err
	}
	return cli.ResultOf(o.env, o.output, func() (api.DeploymentResponse, error) { return c.ReadDeployment(ctx, d.ID) }, o.done, d.Name)
}
