package deploy

import (
	"slices"
	"strings"

	"github.com/usherhq/usher/internal/deploy"
	"github.com/usherhq/usher/internal/output"
	"github.com/usherhq/usher/internal/profile"
)

func columns() []output.Column[deploy.Deployed] {
	return []output.Column[deploy.Deployed]{
		{Name: "Deployment", Value: deploy.Deployed.FullName},
		{Name: "Result", Value: result, Tone: func(deploy.Deployed) output.Tone { return output.Good }},
		{Name: "Work pool", Value: func(d deploy.Deployed) string { return d.WorkPool }, Rank: 1},
		{Name: "ID", Value: func(d deploy.Deployed) string { return d.ID.String() }, Rank: 2, Whole: true},
	}
}

func result(d deploy.Deployed) string {
	if d.Created {
		return "created"
	}
	return "updated"
}

// show prints what was made, and says what can be done with it.
func (o *deployOptions) show(done []deploy.Deployed, settings *profile.Settings) error {
	if len(done) == 0 && !o.output.Structured() {
		return nil
	}
	if err := output.List(o.env.Printer(o.output), done, columns()); err != nil || len(done) == 0 {
		return err
	}
	for _, pool := range idlePools(done) {
		o.env.Sayf("No worker takes the runs of work pool %q yet: `usher worker start --pool %s` starts one.", pool, word(pool))
	}
	if len(done) > 1 {
		return nil
	}
	o.env.Sayf("`usher deployment run %s` runs it now.", word(done[0].FullName()))
	if settings.ServerType() == profile.Cloud {
		o.env.Say("It is shown at " + settings.UIURL() + "/deployments/deployment/" + done[0].ID.String())
	}
	return nil
}

// idlePools are the pools that nobody takes runs of.
func idlePools(done []deploy.Deployed) []string {
	var pools []string
	for _, d := range done {
		if d.NeedsWorker && !slices.Contains(pools, d.WorkPool) {
			pools = append(pools, d.WorkPool)
		}
	}
	return pools
}

// word is a name as it has to be typed.
func word(name string) string {
	if strings.ContainsAny(name, " \t\"'`$\\&|;<>()*?!#~") {
		return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
	}
	return name
}
