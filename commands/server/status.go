package server

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/output"
)

type statusOptions struct {
	env     *cli.Env
	output  output.Options
	wait    bool
	timeout int
}

// status is what the command prints.
type status struct {
	Status  string `json:"status"`
	APIURL  string `json:"api_url"`
	Version string `json:"server_version,omitzero"`
	Error   string `json:"error,omitzero"`
	Timeout int    `json:"timeout,omitzero"`
}

func newStatusCmd(env *cli.Env) *cobra.Command {
	opts := &statusOptions{env: env}
	cmd := &cobra.Command{
		Use:     "status",
		Short:   "ask whether the server answers",
		Example: "usher server status\nusher server status --wait --timeout 30",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd)
	cmd.Flags().BoolVar(&opts.wait, "wait", false, "wait until it answers")
	cmd.Flags().IntVarP(&opts.timeout, "timeout", "t", 0, "wait at most this many seconds; 0 waits for ever")
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[status]())
	return cmd
}

func (o *statusOptions) run(ctx context.Context) error {
	settings, err := o.env.Settings()
	if err != nil {
		return err
	}
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	if o.wait && o.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(o.timeout)*time.Second)
		defer cancel()
	}
	s, code := status{Status: "available", APIURL: settings.APIAddress()}, cli.Failure
	err = o.ask(ctx, c, &s)
	if err != nil {
		s.Status, s.Error = "unavailable", err.Error()
		if o.wait && ctx.Err() != nil {
			s.Status, s.Timeout, code = "timed_out", o.timeout, cli.TimedOut
		}
	}
	if printErr := output.Detail(o.env.Printer(o.output), s, statusProperties()); printErr != nil {
		return printErr
	}
	if err != nil {
		return cli.Quiet(code)
	}
	return nil
}

// ask reads the server's version, again every second while it is to be waited for.
func (o *statusOptions) ask(ctx context.Context, c *client.Client, s *status) (err error) {
	for {
		if s.Version, err = c.ReadVersion(ctx); err == nil || !o.wait {
			return err
		}
		timer := time.NewTimer(time.Second)
		select {
		case <-ctx.Done():
			timer.Stop()
			return err
		case <-timer.C:
		}
	}
}

func statusProperties() []output.Column[status] {
	return []output.Column[status]{
		{Name: "Status", Value: func(s status) string { return s.Status }},
		{Name: "API URL", Value: func(s status) string { return s.APIURL }},
		{Name: "Version", Value: func(s status) string { return s.Version }},
		{Name: "Error", Value: func(s status) string { return s.Error }},
	}
}
