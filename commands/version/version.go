// Package version is the command that says which usher this is and what it talks
// to.
package version

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/build"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/output"
)

type options struct {
	env    *cli.Env
	output output.Options
}

// report is what the command prints.
type report struct {
	build.Info
	Profile    string         `json:"profile"`
	ServerType string         `json:"server_type"`
	APIURL     string         `json:"api_url"`
	Modules    []build.Module `json:"modules"`
}

// NewCmd makes usher version.
func NewCmd(env *cli.Env) *cobra.Command {
	opts := &options{env: env}
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "say which usher this is, and what it talks to",
		Example: "usher version\nusher version --json version,git_commit\nusher version --jq '.modules | length'",
		RunE:    func(*cobra.Command, []string) error { return opts.run() },
	}
	var omitIntegrations bool // usher has none; the flag is the reference's
	cmd.Flags().BoolVar(&omitIntegrations, "omit-integrations", false, "leave out integrations: usher has none to list")
	cli.Positionals(cmd)
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[report]())
	return cmd
}

func (o *options) run() error {
	settings, err := o.env.Settings()
	if err != nil {
		return err
	}
	r := report{
		Info:       build.Read(),
		Profile:    settings.Active.Name,
		ServerType: string(settings.ServerType()),
		APIURL:     settings.APIAddress(),
	}
	printer := o.env.Printer(o.output)
	if printer.Structured() {
		r.Modules = build.Modules()
	}
	return output.Detail(printer, r, properties())
}

func properties() []output.Column[report] {
	text := func(name string, value func(report) string) output.Column[report] {
		return output.Column[report]{Name: name, Value: value}
	}
	return []output.Column[report]{
		text("Version", func(r report) string { return r.Version }),
		text("API version", func(r report) string { return r.APIVersion }),
		text("Follows", func(r report) string { return "Prefect " + r.Reference }),
		text("Git commit", func(r report) string { return short(r.Commit) }),
		{
			Name:  "Built",
			Value: func(r report) string { return r.Built },
			Human: func(r report, now time.Time) string { return builtAt(r.Built, now) },
		},
		text("OS/Arch", func(r report) string { return r.Platform }),
		text("Profile", func(r report) string { return r.Profile }),
		text("Server type", func(r report) string { return r.ServerType }),
		text("API URL", func(r report) string { return r.APIURL }),
	}
}

const shortCommit = 8

func short(commit string) string { return commit[:min(len(commit), shortCommit)] }

func builtAt(text string, now time.Time) string {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return text
	}
	return output.Time(now, t) + " (" + output.Ago(now, t) + ")"
}
