// Package experimental holds the commands that the reference has not settled yet.
package experimental

import (
	"context"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/commands/plugins"
	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/output"
)

// NewCmd makes usher experimental.
func NewCmd(env *cli.Env) *cobra.Command {
	storage := cli.Group("result-storage", "choose where results are kept when flows don't say", nil, func() []*cobra.Command {
		return []*cobra.Command{newInspectCmd(env), newSetCmd(env), newClearCmd(env)}
	})
	storage.Example = "usher experimental result-storage inspect"
	cmd := cli.Group("experimental", "use what may still change", nil, func() []*cobra.Command {
		return []*cobra.Command{storage, plugins.NewCmd(env)}
	})
	cmd.Example = "usher experimental result-storage inspect"
	return cmd
}

// defaultStorage is the server's choice with its block, as the reference prints it.
type defaultStorage struct {
	ID    *uuid.UUID         `json:"default_result_storage_block_id"`
	Block *api.BlockDocument `json:"block"`
}

func newInspectCmd(env *cli.Env) *cobra.Command {
	var options output.Options
	cmd := &cobra.Command{
		Use:     "inspect",
		Aliases: []string{"view"},
		Short:   "show the block that keeps results",
		Example: "usher experimental result-storage inspect",
		RunE:    func(cmd *cobra.Command, _ []string) error { return inspect(cmd.Context(), env, options) },
	}
	cli.Positionals(cmd)
	cli.OutputFlags(cmd, &options, output.FieldsOf[defaultStorage]())
	return cmd
}

func inspect(ctx context.Context, env *cli.Env, options output.Options) error {
	c, err := env.Client()
	if err != nil {
		return err
	}
	storage, err := c.ReadServerDefaultResultStorage(ctx)
	if err != nil {
		return err
	}
	shown := defaultStorage{ID: storage.DefaultResultStorageBlockID}
	if shown.ID != nil {
		block, err := c.ReadBlockDocumentByID(ctx, *shown.ID, nil)
		if err != nil {
			return err
		}
		shown.Block = &block
	}
	printer := env.Printer(options)
	if shown.ID == nil && !printer.Structured() {
		env.Say("No block is set: results stay where each flow runs.")
		return nil
	}
	return output.Detail(printer, shown, []output.Column[defaultStorage]{
		{Name: "Block", Value: func(s defaultStorage) string { return find.BlockSlug(s.Block) }},
		{Name: "ID", Value: func(s defaultStorage) string { return s.ID.String() }, Whole: true},
	})
}

type setOptions struct {
	env   *cli.Env
	block string
	id    uuid.UUID

	output output.Options
}

func newSetCmd(env *cli.Env) *cobra.Command {
	opts := &setOptions{env: env}
	cmd := &cobra.Command{
		Use:     "set",
		Short:   "let a block keep results",
		Example: "usher experimental result-storage set local-file-system/results",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd, cli.Positional{Name: "block", Value: &opts.block, Complete: env.Complete(find.Blocks)})
	cli.UUIDVar(cmd.Flags(), &opts.id, "id", "the block with this `id`")
	cli.ResultFlags(cmd, &opts.output, output.FieldsOf[defaultStorage]())
	return cmd
}

func (o *setOptions) run(ctx context.Context) error {
	if (o.block == "") == (o.id == uuid.Nil) {
		return cli.Usagef("say either a block, as type/name, or --id")
	}
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	if o.block == "" {
		o.block = o.id.String()
	}
	block, err := find.Block(ctx, c, o.block)
	if err != nil {
		return err
	}
	if _, err := c.UpdateServerDefaultResultStorage(ctx, &api.ServerDefaultResultStorageUpdate{DefaultResultStorageBlockID: block.ID}); err != nil {
		return err
	}
	return cli.Result(o.env, o.output, defaultStorage{ID: &block.ID, Block: &block}, "Results are kept by block %q.", find.BlockSlug(&block))
}

func newClearCmd(env *cli.Env) *cobra.Command {
	var options output.Options
	cmd := &cobra.Command{
		Use:     "clear",
		Short:   "keep results where each flow runs again",
		Example: "usher experimental result-storage clear",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := env.Client()
			if err != nil {
				return err
			}
			if err := c.ClearServerDefaultResultStorage(cmd.Context()); err != nil {
				return err
			}
			return cli.Result(env, options, defaultStorage{}, "Results stay where each flow runs.")
		},
	}
	cli.Positionals(cmd)
	cli.ResultFlags(cmd, &options, output.FieldsOf[defaultStorage]())
	return cmd
}
