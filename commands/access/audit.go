package access

import (
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/output"
)

// entry is one of the audit log: who did what to what.
type entry struct {
	Seq   int64  `json:"seq"`
	Hash  string `json:"hash"`
	Event struct {
		Occurred api.Time                  `json:"occurred"`
		Event    string                    `json:"event"`
		Resource map[string]string         `json:"resource"`
		Payload  jsontext.Value            `json:"payload"`
		Related  []map[string]string       `json:"related"`
		ID       string                    `json:"id"`
		Rest     map[string]jsontext.Value `json:",embed"`
	} `json:"event"`
}

// actor is who did it.
func (e entry) actor() string {
	for _, r := range e.Event.Related {
		if r["prefect.resource.role"] == "actor" {
			if name := r["prefect.resource.name"]; name != "" {
				return name
			}
			return r["prefect.resource.id"]
		}
	}
	return ""
}

// NewAuditCmd makes usher audit.
func NewAuditCmd(env *cli.Env) *cobra.Command {
	cmd := cli.Group("audit", "read the audit log and check that nobody changed it", nil, func() []*cobra.Command {
		return []*cobra.Command{newAuditListCmd(env), newVerifyCmd(env)}
	})
	cmd.Example = "usher audit ls"
	return cmd
}

func newAuditListCmd(env *cli.Env) *cobra.Command {
	var options output.Options
	var after int64
	var limit int
	cmd := &cobra.Command{
		Use:     "ls",
		Aliases: []string{"list"},
		Short:   "list what was done in the account, the oldest first",
		Example: "usher audit ls\nusher audit ls --after 1200 -o json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if after < 0 || limit < 1 {
				return cli.Usagef("--after is the number of an entry, and --limit is 1 or more")
			}
			c, err := inAccount(env)
			if err != nil {
				return err
			}
			list := []entry{}
			for len(list) < limit {
				got, err := client.Ask[[]entry](cmd.Context(), c, "GET",
					"/audit?after="+strconv.FormatInt(after, 10)+"&limit="+strconv.Itoa(min(page, limit-len(list))), nil)
				if err != nil {
					return err
				}
				if len(got) == 0 {
					break
				}
				list, after = append(list, got...), got[len(got)-1].Seq
			}
			return output.List(env.Printer(options), list, []output.Column[entry]{
				{Name: "Number", Value: func(e entry) string { return strconv.FormatInt(e.Seq, 10) }},
				{Name: "When", Value: func(e entry) string { return e.Event.Occurred.UTC().Format(time.RFC3339) }, Rank: 1},
				{Name: "Who", Value: entry.actor, Rank: 2},
				{Name: "What", Value: func(e entry) string { return e.Event.Event }, Tone: func(entry) output.Tone { return output.Strong }},
				{Name: "Of", Value: func(e entry) string { return e.Event.Resource["prefect.resource.id"] }, Rank: 3},
			})
		},
	}
	cli.Positionals(cmd)
	cmd.Flags().Int64Var(&after, "after", 0, "begin behind the entry of this `number`")
	cmd.Flags().IntVar(&limit, "limit", 200, "show at most this many")
	cli.OutputFlags(cmd, &options, output.FieldsOf[entry]())
	return cmd
}

// verdict says whether the log is as it was written.
type verdict struct {
	Entries int64  `json:"entries"`
	Intact  bool   `json:"intact"`
	Problem string `json:"problem"`
}

func newVerifyCmd(env *cli.Env) *cobra.Command {
	var options output.Options
	cmd := &cobra.Command{
		Use:     "verify",
		Short:   "check the chain of the audit log; exit code 1 if it was changed",
		Example: "usher audit verify",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := inAccount(env)
			if err != nil {
				return err
			}
			v, err := client.Ask[verdict](cmd.Context(), c, "GET", "/audit/verify", nil)
			if err != nil {
				return err
			}
			err = output.Detail(env.Printer(options), v, []output.Column[verdict]{
				{Name: "Intact", Value: func(v verdict) string { return strconv.FormatBool(v.Intact) }},
				{Name: "Entries", Value: func(v verdict) string { return strconv.FormatInt(v.Entries, 10) }},
				{Name: "Problem", Value: func(v verdict) string { return v.Problem }, Tone: func(verdict) output.Tone { return output.Bad }},
			})
			if err == nil && !v.Intact {
				return cli.Fail(cli.Failure, "the audit log was changed: "+v.Problem, "a copy that was exported before tells what it said")
			}
			return err
		},
	}
	cli.Positionals(cmd)
	cli.OutputFlags(cmd, &options, output.FieldsOf[verdict]())
	return cmd
}
