package security

import (
	"context"
	"os"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
)

func newEvidenceCmd(env *cli.Env) *cobra.Command {
	var verify string
	cmd := &cobra.Command{
		Use:   "evidence",
		Short: "print how the account stands, for auditors, or check such a file",
		Long: "It prints JSON: the report about security, what the database holds, who has access and keys, reviews, changes by two people, ages of keys that seal secrets, and the end of the audit log, " +
			"with hashes. The audit log gets an entry with the hash of all, so that its chain vouches for the file. With --verify a file is compared with its hashes and with that entry.",
		Example: "usher security evidence > evidence.json\nusher security evidence --verify evidence.json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := connect(env)
			if err != nil {
				return err
			}
			if verify != "" {
				return verifyEvidence(cmd.Context(), env, c, verify)
			}
			got, err := client.Ask[api.Evidence](cmd.Context(), c, "POST", "/security/evidence", nil)
			if err != nil {
				return err
			}
			text, err := json.Marshal(got, jsontext.WithIndent("  "))
			if err == nil {
				_, err = env.Streams.Out.Write(append(text, '\n'))
			}
			return err
		},
	}
	cli.Positionals(cmd)
	cmd.Flags().StringVar(&verify, "verify", "", "check this `file` instead")
	return cmd
}

func verifyEvidence(ctx context.Context, env *cli.Env, c *client.Client, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return cli.Usagef("the evidence can't be read: %v", err)
	}
	var e api.Evidence
	if err := json.Unmarshal(text, &e); err != nil {
		return cli.Usagef("%s is no evidence that usher security evidence has printed", file)
	}
	if err := e.Check(); err != nil {
		return err
	}
	entries, err := client.Ask[[]struct {
		Event struct {
			Event   string         `json:"event"`
			Payload jsontext.Value `json:"payload"`
		} `json:"event"`
	}](ctx, c, "GET", "/audit?limit=1&after="+strconv.FormatInt(e.AuditSeq, 10), nil)
	if err != nil {
		return err
	}
	if len(entries) == 0 || entries[0].Event.Event != "prefect-cloud.evidence.collected" || !strings.Contains(string(entries[0].Event.Payload), e.SHA256) {
		return api.Errorf(api.CodeConflict, "the audit log of this account does not know this evidence")
	}
	env.Sayf("It is as it was collected on %s: %d parts; the audit log has its hash. usher audit verify checks the log.", e.Collected.UTC().Format("2 January 2006, 15:04 UTC"), len(e.Parts))
	return nil
}
