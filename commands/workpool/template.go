package workpool

import (
	"context"
	"fmt"
	"os"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/output"
)

type templateOptions struct {
	env  *cli.Env
	kind string
	file string

	output output.Options
}

func newTemplateCmd(env *cli.Env) *cobra.Command {
	opts := &templateOptions{env: env}
	cmd := &cobra.Command{
		Use:     "get-default-base-job-template",
		Short:   "show the template that a type of work pool begins with",
		Example: "usher work-pool get-default-base-job-template --type process --file template.json",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd)
	cmd.Flags().StringVarP(&opts.kind, "type", "t", "", "the `type` of work pool")
	cmd.Flags().StringVarP(&opts.file, "file", "f", "", "write it to this `file`")
	cli.ResultFlags(cmd, &opts.output, nil)
	return cmd
}

func (o *templateOptions) run(ctx context.Context) error {
	if o.kind == "" {
		return cli.Usagef("say which type of work pool: --type process")
	}
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	found, err := kinds(ctx, c)
	if err != nil {
		return err
	}
	k, err := kindOf(found, o.kind)
	if err != nil {
		return err
	}
	if o.file == "" {
		return o.env.Printer(o.output).Value(k.Template)
	}
	text := k.Template.Clone()
	if err := text.Indent(jsontext.WithIndent("  ")); err != nil {
		return fmt.Errorf("indent the template: %w", err)
	}
	if err := os.WriteFile(o.file, append(text, '\n'), 0o644); err != nil { //nolint:gosec // it holds no secrets
		return fmt.Errorf("write the template: %w", err)
	}
	o.env.Sayf("Wrote %s.", o.file)
	return nil
}
