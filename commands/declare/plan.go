package declare

import (
	"context"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/declare"
	"github.com/usherhq/usher/internal/output"
)

// planOptions are what diff and apply share.
type planOptions struct {
	env    *cli.Env
	output output.Options
	files  []string
	prune  bool
}

func (o *planOptions) define(cmd *cobra.Command) {
	cli.Positionals(cmd)
	cmd.Flags().StringArrayVarP(&o.files, "file", "f", nil, "a YAML or JSON `file` or a directory of them; - reads standard input; repeatable")
	cmd.Flags().BoolVar(&o.prune, "prune", false, "delete what the server has of the declared kinds and no document declares")
	cli.OutputFlags(cmd, &o.output, output.FieldsOf[declare.Change]())
}

func (o *planOptions) plan(ctx context.Context, c *client.Client) ([]declare.Change, error) {
	if len(o.files) == 0 {
		return nil, cli.Usagef("say where the documents are: --file")
	}
	objects, err := declare.ReadFiles(o.files, o.env.Streams.In)
	if err != nil {
		return nil, err
	}
	return declare.Plan(ctx, c, objects, o.prune)
}

// show prints what is to happen; what stays as it is is only counted.
func (o *planOptions) show(plan []declare.Change) error {
	printer := o.env.Printer(o.output)
	if printer.Structured() {
		return printer.Value(plan)
	}
	for _, change := range plan {
		sign, tone := look(change.Action)
		if sign == "" {
			continue
		}
		if err := printer.Line(printer.Paint(sign+" "+string(change.Action)+" "+change.Kind+" "+change.Name, tone)); err != nil {
			return err
		}
		for _, d := range change.Differences {
			if err := printer.Line("    " + wording(change.Action, d)); err != nil {
				return err
			}
		}
	}
	counts := count(plan)
	o.env.Sayf("%d to create, %d to change, %d to delete, %d unchanged.",
		counts[declare.Create], counts[declare.Update], counts[declare.Delete], counts[declare.Unchanged])
	return nil
}

func look(action declare.Action) (sign string, tone output.Tone) {
	switch action {
	case declare.Create:
		return "+", output.Good
	case declare.Update:
		return "~", output.Warn
	case declare.Delete:
		return "-", output.Bad
	case declare.Unchanged:
	}
	return "", output.Plain
}

// wording is a difference on one line.
func wording(action declare.Action, d declare.Difference) string {
	switch {
	case d.Secret && action == declare.Create:
		return d.Path + ": (secret)"
	case d.Secret:
		return d.Path + ": (secret, changed)"
	case action == declare.Create:
		return d.Path + ": " + short(d.To)
	}
	return d.Path + ": " + short(d.From) + " → " + short(d.To)
}

// longest is how much of a value a plan shows.
const longest = 200

func short(value jsontext.Value) string {
	text := strings.TrimSpace(string(value))
	if text == "" {
		return "(nothing)"
	}
	if runes := []rune(text); len(runes) > longest {
		return string(runes[:longest]) + "…"
	}
	return text
}

func count(plan []declare.Change) map[declare.Action]int {
	counts := map[declare.Action]int{}
	for _, change := range plan {
		counts[change.Action]++
	}
	return counts
}

// isDone says that nothing is left to do.
func isDone(plan []declare.Change) bool { return count(plan)[declare.Unchanged] == len(plan) }
