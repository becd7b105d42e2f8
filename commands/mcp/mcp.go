// Package mcp holds the command that lets an assistant look at runs.
package mcp

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/build"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/mcp"
)

type options struct {
	env         *cli.Env
	allowWrites bool
}

// NewCmd makes usher mcp.
func NewCmd(env *cli.Env) *cobra.Command {
	opts := &options{env: env}
	cmd := &cobra.Command{
		Use:   "mcp",
		Short: "let an assistant look at runs, logs, deployments, pools and events",
		Long: "Speaks the Model Context Protocol on standard input and output: name `usher mcp` as the command of a server in\n" +
			"your assistant's settings. It only reads, unless --allow-writes lets it run deployments and cancel runs.",
		Example: "usher mcp < requests.jsonl",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd)
	cmd.Flags().BoolVar(&opts.allowWrites, "allow-writes", false, "let the assistant run deployments and cancel runs")
	return cmd
}

func (o *options) run(ctx context.Context) error {
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	t := tools{env: o.env, client: c}
	list := t.reading()
	if o.allowWrites {
		list = append(list, t.writing()...)
	}
	for i := range list {
		list[i].Call = advised(list[i].Call)
	}
	server := mcp.Server{Name: "usher", Version: build.Version(), Tools: list}
	return server.Serve(ctx, o.env.Streams.In, o.env.Streams.Out)
}

type call = func(context.Context, mcp.Values) (any, error)

// advised adds to an error what can be done about it.
func advised(do call) call {
	return func(ctx context.Context, v mcp.Values) (any, error) {
		result, err := do(ctx, v)
		if err == nil {
			return result, nil
		}
		message, hint := cli.Report(err)
		return nil, errors.New(strings.TrimSpace(message + "\n" + hint))
	}
}
