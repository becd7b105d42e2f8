package deploy

import (
	"context"
	"fmt"
	"strings"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/deploy"
	"github.com/usherhq/usher/internal/output"
)

// planFields are what --json can show of a plan.
func planFields() []output.Column[deploy.Planned] {
	return []output.Column[deploy.Planned]{
		{Name: "Deployment", Value: deploy.Planned.FullName},
		{Name: "Would", Value: func(p deploy.Planned) string { return string(p.Action) }, Tone: func(p deploy.Planned) output.Tone {
			if p.Action == deploy.Keep {
				return output.Plain
			}
			return output.Warn
		}},
		{Name: "Work pool", Value: func(p deploy.Planned) string { return p.WorkPool }, Rank: 1},
		{Name: "Changes", Value: changes, Rank: 1},
	}
}

const longValue = 60

// changes are the fields that would change, with their values where they are short.
func changes(p deploy.Planned) string {
	var parts []string
	for _, c := range p.Changes {
		from, to := string(c.From), string(c.To)
		switch {
		case p.Action == deploy.Create && len(to) <= longValue:
			parts = append(parts, c.Field+"="+to)
		case p.Action == deploy.Update && len(from)+len(to) <= longValue:
			parts = append(parts, c.Field+": "+from+" → "+to)
		default:
			parts = append(parts, c.Field)
		}
	}
	return strings.Join(parts, ", ")
}

// foresee finds out what deploying would do, of all that are chosen, and tells all mistakes
// together.
func (o *deployOptions) foresee(ctx context.Context, d *deploy.Deployer, file *deploy.File, configs []deploy.Config) error {
	d.Say, d.Warn = func(string) {}, func(text string) { o.env.Warn(text) }
	var plans []deploy.Planned
	var wrong []error
	for _, c := range configs {
		p, err := d.Plan(ctx, file, c, o.flags)
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		plans = append(plans, p)
	}
	if o.check && len(wrong) == 0 {
		o.env.Sayf("%s is valid: %d deployments.", o.file, len(plans))
		return nil
	}
	if !o.check && (len(plans) > 0 || o.output.Structured()) {
		if err := output.List(o.env.Printer(o.output), plans, planFields()); err != nil {
			return err
		}
		for _, p := range plans {
			if len(p.Steps) > 0 {
				o.env.Sayf("%s: these steps would run first, and what they leave is not known yet: %s", p.FullName(), strings.Join(p.Steps, ", "))
			}
		}
	}
	return o.verdict(plans, wrong)
}

// verdict is the exit code of a plan: 0 if all is as the file says, 1 if something differs.
func (o *deployOptions) verdict(plans []deploy.Planned, wrong []error) error {
	switch len(wrong) {
	case 0:
	case 1:
		return wrong[0]
	default:
		lines := make([]string, len(wrong))
		for i, err := range wrong {
			message, _ := cli.Report(err)
			lines[i] = "  " + strings.TrimSpace(message)
		}
		return cli.Fail(cli.Failure, fmt.Sprintf("%d deployments are not valid:\n%s", len(wrong), strings.Join(lines, "\n")), "")
	}
	for _, p := range plans {
		if p.Action != deploy.Keep {
			return cli.Quiet(cli.Failure)
		}
	}
	return nil
}
