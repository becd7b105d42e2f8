package profile

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/output"
	"github.com/usherhq/usher/internal/profile"
)

// connectPatience is how long the new profile's API may take to answer.
const connectPatience = 10 * time.Second

type useOptions struct {
	env  *cli.Env
	name string

	output output.Options
}

func newUseCmd(env *cli.Env) *cobra.Command {
	opts := &useOptions{env: env}
	cmd := &cobra.Command{
		Use:     "use",
		Short:   "switch to a profile and see whether its API answers",
		Example: "usher profile use prod",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd, nameArgument(env, &opts.name, true))
	resultFlags(cmd, &opts.output)
	return cmd
}

// run switches first and looks then, like the reference: an API that is down
// today must not keep anyone from choosing its profile.
func (o *useOptions) run(ctx context.Context) error {
	err := edit(o.env, func(p *profile.Profiles) error {
		if _, err := find(p, o.name); err != nil {
			return err
		}
		return p.Activate(o.name)
	})
	if err != nil {
		return err
	}
	if o.output.Structured() {
		said, err := o.check(ctx)
		if err != nil {
			return err
		}
		return cli.Result(o.env, o.output, row{Name: o.name, Active: true}, "%s", said)
	}
	o.env.Sayf("Switched to profile %q.", o.name)
	said, err := o.check(ctx)
	if err == nil {
		o.env.Say(said)
	}
	return err
}

// check talks to the API as the next command will: what the environment sets is
// stronger than the profile. It returns what there is to say about it.
func (o *useOptions) check(ctx context.Context) (string, error) {
	where := o.env.Where
	where.Profile = o.name
	settings, err := profile.Load(where)
	if err != nil {
		return "", err
	}
	switch settings.ServerType() {
	case profile.Ephemeral:
		return "It names no API: commands talk to the server of this machine, " + settings.APIAddress() + ".", nil
	case profile.Unconfigured:
		return "", cli.Fail(cli.Failure, "the profile has no API URL", "`usher config set PREFECT_API_URL=%s` sets it", profile.DefaultAPIURL)
	case profile.Server, profile.Cloud:
	}
	return o.connect(ctx, settings)
}

func (o *useOptions) connect(ctx context.Context, settings *profile.Settings) (string, error) {
	stop := o.env.Streams.Spin("Looking whether " + settings.APIAddress() + " answers")
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, connectPatience)
	defer cancel()
	if err := o.knock(ctx, settings); err != nil {
		return "", cli.WithHint(api.Errorf(codeOf(err), "the profile is in use, but %w", explain(err)), "%s", hintFor(err, settings))
	}
	return settings.APIAddress() + " answers.", nil
}

// knock asks for something that only a known caller is told.
func (o *useOptions) knock(ctx context.Context, settings *profile.Settings) error {
	if settings.ServerType() == profile.Cloud {
		client, err := o.env.ConnectTo(settings, settings.Value("PREFECT_CLOUD_API_URL").Text)
		if err != nil {
			return err
		}
		_, err = client.Do(ctx, "GET", "/me/workspaces", nil)
		return err
	}
	client, err := o.env.Connect(settings)
	if err != nil {
		return err
	}
	if _, err := client.HealthCheck(ctx); err != nil {
		return err
	}
	_, err = client.ReadVersion(ctx)
	return err
}

// explain says of an error that does not say it that nobody answered.
func explain(err error) error {
	if code := api.CodeOf(err); code == api.CodeUnauthenticated || code == api.CodeForbidden {
		return err
	}
	return fmt.Errorf("its API does not answer: %w", err)
}

// codeOf counts an answer that did not come in time as no answer.
func codeOf(err error) api.Code {
	if code := api.CodeOf(err); code != api.CodeInternal {
		return code
	}
	return api.CodeUnavailable
}

func hintFor(err error, settings *profile.Settings) string {
	code := api.CodeOf(err)
	switch {
	case settings.ServerType() == profile.Cloud:
		return "check PREFECT_API_URL and PREFECT_API_KEY in the profile"
	case code == api.CodeUnauthenticated || code == api.CodeForbidden:
		return "`usher config set PREFECT_API_AUTH_STRING=user:password` says who you are"
	}
	return "`usher server start` starts a server here; `usher config set PREFECT_API_URL=…` names another"
}
