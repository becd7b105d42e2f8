package workpool

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/find"
)

func newProvisionCmd(env *cli.Env) *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:     "provision-infrastructure",
		Aliases: []string{"provision-infra"},
		Short:   "say what sets up the cloud service behind a push pool",
		Long: "Roles, registries and credentials are made with the tools of the cloud they are in: usher stores no copy of that\n" +
			"knowledge and changes nothing in your account. The command says what to use instead.",
		Example: "usher work-pool provision-infrastructure ecs-push || true",
		RunE:    func(cmd *cobra.Command, _ []string) error { return refuseProvision(cmd.Context(), env, name) },
	}
	cli.Positionals(cmd, nameArgument(env, &name, true))
	return cmd
}

// refuseProvision looks the pool up all the same: a wrong name is the nearer fault.
func refuseProvision(ctx context.Context, env *cli.Env, name string) error {
	c, err := env.Client()
	if err != nil {
		return err
	}
	pool, err := find.WorkPool(ctx, c, name)
	if err != nil {
		return err
	}
	return provisionRefusal(pool.Name, pool.Type)
}

// provisionRefusal says what does what usher does not.
func provisionRefusal(name, kind string) error {
	return cli.Fail(cli.Refused, "usher does not set up cloud services, and work pool "+name+" is of type "+kind,
		"Prefect's own `prefect work-pool provision-infrastructure %s` does for push pools; `usher work-pool update %s --base-job-template` takes what your own tools made", name, name)
}
