// Package doctor holds the command that finds what keeps runs from running, and says what
// to do about it.
package doctor

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/output"
	"github.com/usherhq/usher/internal/profile"
)

// grade says how bad a finding is.
type grade string

const (
	good    grade = "ok"
	warning grade = "warning"
	bad     grade = "error"
)

// finding is what one look has found.
type finding struct {
	Status  grade  `json:"status"`
	Check   string `json:"check"`
	Message string `json:"message"`
	Fix     string `json:"fix"`
}

type doctor struct {
	env      *cli.Env
	output   output.Options
	settings *profile.Settings
	client   *client.Client
	findings []finding
}

// NewCmd makes usher doctor.
func NewCmd(env *cli.Env) *cobra.Command {
	d := &doctor{env: env}
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "find what keeps runs from running, and say what to do about it",
		Long: "Looks at the settings, the login, the way to the API, its version, clock and database, the work pools, queues and workers,\n" +
			"and the runs that wait. It changes nothing. The exit code is 1 if there is an error; warnings alone give 0.",
		Example: "usher doctor\nusher doctor --json status,message,fix",
		RunE:    func(cmd *cobra.Command, _ []string) error { return d.run(cmd.Context()) },
	}
	cli.Positionals(cmd)
	cli.OutputFlags(cmd, &d.output, output.FieldsOf[finding]())
	return cmd
}

func (d *doctor) run(ctx context.Context) error {
	stop := d.env.Streams.Spin("Looking")
	if d.checkSettings() && d.checkLogin(ctx) && d.checkAPI(ctx) {
		d.checkDatabase(ctx)
		d.checkPools(ctx)
		d.checkPaused(ctx)
	}
	stop()
	if err := d.print(); err != nil {
		return err
	}
	for _, f := range d.findings {
		if f.Status == bad {
			return cli.Quiet(cli.Failure)
		}
	}
	return nil
}

func (d *doctor) tell(status grade, check, message, fix string) {
	d.findings = append(d.findings, finding{status, check, message, fix})
}

// fail tells an error with the advice that comes with it.
func (d *doctor) fail(check string, err error) {
	message, hint := cli.Report(err)
	d.tell(bad, check, message, hint)
}

func (d *doctor) print() error {
	printer := d.env.Printer(d.output)
	if !printer.ForPeople() {
		return output.List(printer, d.findings, columns())
	}
	for _, f := range d.findings {
		sign, tone := look(f.Status)
		if err := printer.Line(d.env.Streams.WrapOut(printer.Paint(sign, tone)+" "+f.Message, 0)); err != nil {
			return err
		}
		if f.Fix == "" {
			continue
		}
		for line := range strings.SplitSeq(d.env.Streams.WrapOut("  → "+f.Fix, 0), "\n") {
			if err := printer.Line(printer.Paint(line, output.Dim)); err != nil {
				return err
			}
		}
	}
	return nil
}

func look(status grade) (sign string, tone output.Tone) {
	switch status {
	case warning:
		return "!", output.Warn
	case bad:
		return "✗", output.Bad
	case good:
	}
	return "✓", output.Good
}

func columns() []output.Column[finding] {
	return []output.Column[finding]{
		{
			Name: "Status", Value: func(f finding) string { return string(f.Status) },
			Tone: func(f finding) output.Tone { _, tone := look(f.Status); return tone },
		},
		{Name: "Check", Value: func(f finding) string { return f.Check }, Rank: 1},
		{Name: "Message", Value: func(f finding) string { return f.Message }},
		{Name: "Fix", Value: func(f finding) string { return f.Fix }},
	}
}

// patience is how long one answer is waited for.
const patience = 10 * time.Second
