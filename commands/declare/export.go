// Package declare holds the commands that keep a server in line with documents: export,
// diff and apply.
package declare

import (
	"bytes"
	"context"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/declare"
	"github.com/usherhq/usher/internal/document"
	"github.com/usherhq/usher/internal/output"
)

type exportOptions struct {
	env    *cli.Env
	output output.Options
	kinds  []string
}

// NewExportCmd makes usher export.
func NewExportCmd(env *cli.Env) *cobra.Command {
	opts := &exportOptions{env: env}
	cmd := &cobra.Command{
		Use:   "export",
		Short: "write what the server has as documents that `usher apply` takes",
		Long: "Without a kind all are written. Names stand for objects, never ids. A secret is not written; in its place stands\n" +
			"the variable of the environment that has to hold it when the documents are applied.",
		Example: "usher export > objects.yaml\nusher export work-pool variable",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd, cli.Positional{Name: "kind", Values: &opts.kinds, Complete: cobra.FixedCompletions(declare.Kinds(), cobra.ShellCompDirectiveNoFileComp)})
	cli.OutputFlags(cmd, &opts.output, nil)
	return cmd
}

func (o *exportOptions) run(ctx context.Context) error {
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	objects, err := declare.Export(ctx, c, o.kinds)
	if err != nil {
		return err
	}
	printer := o.env.Printer(o.output)
	documents := make([]jsontext.Value, len(objects))
	for i, object := range objects {
		if documents[i], err = object.Document(); err != nil {
			return err
		}
	}
	if printer.Structured() {
		return printer.Value(documents)
	}
	var text bytes.Buffer
	for i, doc := range documents {
		if i > 0 {
			text.WriteString("---\n")
		}
		if err := document.WriteYAML(&text, doc); err != nil {
			return err
		}
	}
	_, err = text.WriteTo(o.env.Streams.Out)
	return err
}
