package globallimit

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/output"
)

type inspectOptions struct {
	env    *cli.Env
	output output.Options
	web    bool
	name   string
	file   string
}

func newInspectCmd(env *cli.Env) *cobra.Command {
	opts := &inspectOptions{env: env}
	cmd := &cobra.Command{
		Use:     "inspect",
		Aliases: []string{"view"},
		Short:   "show a global concurrency limit and who holds its slots",
		Example: "usher gcl inspect database\nusher gcl inspect database -o json --file database.json",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd, nameArgument(env, &opts.name))
	cmd.Flags().StringVarP(&opts.file, "file", "f", "", "write the JSON to this `file`")
	cli.WebFlag(cmd, &opts.web)
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[inspected]())
	return cmd
}

func (o *inspectOptions) run(ctx context.Context) error {
	if o.file != "" && !o.output.Structured() {
		return cli.Usagef("--file needs --output json")
	}
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	limit, err := read(ctx, c, o.name)
	if err != nil {
		return err
	}
	if o.web {
		return find.Browse(o.env, "/concurrency-limits")
	}
	holders, err := c.ReadLimitHolders(ctx, key(o.name))
	if err != nil && api.CodeOf(err) != api.CodeNotFound {
		return err
	}
	found := inspected{limit, holders}
	if o.file == "" {
		return output.Detail(o.env.Printer(o.output), found, inspectedColumns())
	}
	return o.write(found)
}

// inspected is a limit with who holds its slots, which only usher's servers tell.
type inspected struct {
	api.GlobalConcurrencyLimitResponse

	Holders []api.LimitHolder `json:"holders,omitempty"`
}

func inspectedColumns() []output.Column[inspected] {
	var all []output.Column[inspected]
	for _, c := range columns() {
		all = append(all, output.Of(c, func(l inspected) api.GlobalConcurrencyLimitResponse { return l.GlobalConcurrencyLimitResponse }))
	}
	return append(all, output.Column[inspected]{Name: "Held by", Value: heldBy, Whole: true})
}

// heldBy names the holders, with the slots of those that have several.
func heldBy(l inspected) string {
	names := make([]string, len(l.Holders))
	for i, h := range l.Holders {
		names[i] = holderName(&h)
		if h.Slots > 1 {
			names[i] += fmt.Sprintf(" (%d slots)", h.Slots)
		}
	}
	return strings.Join(names, ", ")
}

func holderName(h *api.LimitHolder) string {
	switch {
	case h.Type == nil || h.ID == nil:
		return "lease " + h.LeaseID.String()
	case h.Name == nil:
		return strings.ReplaceAll(*h.Type, "_", " ") + " " + h.ID.String() + ", which is gone"
	}
	return strings.ReplaceAll(*h.Type, "_", " ") + " " + *h.Name
}

func (o *inspectOptions) write(limit inspected) error {
	var text bytes.Buffer
	streams := *o.env.Streams
	streams.Out = &text
	if err := output.New(&streams, o.env.Now, o.output).Value(limit); err != nil {
		return err
	}
	if err := os.WriteFile(o.file, text.Bytes(), 0o644); err != nil { //nolint:gosec // it holds no secrets
		return fmt.Errorf("write the limit: %w", err)
	}
	o.env.Sayf("Wrote %s.", o.file)
	return nil
}
