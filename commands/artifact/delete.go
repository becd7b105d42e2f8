package artifact

import (
	"context"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/output"
)

type deleteOptions struct {
	env *cli.Env
	key string
	id  uuid.UUID
	yes bool

	output output.Options
}

func newDeleteCmd(env *cli.Env) *cobra.Command {
	opts := &deleteOptions{env: env}
	cmd := &cobra.Command{
		Use:     "delete",
		Aliases: []string{"rm"},
		Short:   "remove all versions of an artifact, or one of them",
		Example: "usher artifact delete sales-report",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd, keyArgument(env, &opts.key, false))
	cli.UUIDVar(cmd.Flags(), &opts.id, "id", "remove only the version with this `id`")
	cli.YesFlag(cmd, &opts.yes)
	cli.ResultFlags(cmd, &opts.output, output.FieldsOf[api.Artifact]())
	return cmd
}

func (o *deleteOptions) run(ctx context.Context) error {
	if (o.key == "") == (o.id == uuid.Nil) {
		return cli.Usagef("say either a key or --id")
	}
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	if o.id != uuid.Nil {
		return o.deleteOne(ctx, c)
	}
	list, err := versions(ctx, c, o.key, 0)
	if err != nil {
		return err
	}
	if err := o.env.Confirm(ctx, o.yes, "Delete %d versions of artifact %q?", len(list), o.key); err != nil {
		return err
	}
	for _, a := range list {
		if err := c.DeleteArtifact(ctx, a.ID); err != nil && api.CodeOf(err) != api.CodeNotFound {
			return err
		}
	}
	return cli.Results(o.env, o.output, list, "Deleted %d versions of artifact %q.", len(list), o.key)
}

func (o *deleteOptions) deleteOne(ctx context.Context, c *client.Client) error {
	list, err := versions(ctx, c, o.id.String(), 1)
	if err != nil {
		return err
	}
	if err := o.env.Confirm(ctx, o.yes, "Delete artifact %s?", o.id); err != nil {
		return err
	}
	if err := c.DeleteArtifact(ctx, o.id); err != nil && api.CodeOf(err) != api.CodeNotFound {
		return err
	}
	return cli.Results(o.env, o.output, list, "Deleted artifact %s.", o.id)
}
