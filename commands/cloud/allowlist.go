package cloud

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/output"
)

// The paths below an account.
const (
	settingsPath  = "/settings"
	allowlistPath = "/ip_allowlist"
)

// allowlist are the addresses that an account lets in.
type allowlist struct {
	Entries []allowed `json:"entries"`
}

type allowed struct {
	Network     string  `json:"ip_network"`
	Enabled     bool    `json:"enabled"`
	Description *string `json:"description"`
	LastSeen    *string `json:"last_seen"`
}

func newAllowlistCmd(env *cli.Env) *cobra.Command {
	cmd := cli.Group("ip-allowlist", "say from which addresses the account may be reached", []string{"ip-allowlists"}, func() []*cobra.Command {
		return []*cobra.Command{
			newAllowlistListCmd(env),
			newAllowlistEnableCmd(env),
			newAllowlistDisableCmd(env),
			newAllowlistAddCmd(env),
			newAllowlistRemoveCmd(env),
			newAllowlistToggleCmd(env),
		}
	})
	cmd.Example = "usher cloud ip-allowlist ls"
	return cmd
}

// guarded is the client of an account that can have an allowlist, and whether it is enforced.
func guarded(ctx context.Context, env *cli.Env) (c *client.Client, enforced bool, err error) {
	if c, err = account(env); err != nil {
		return nil, false, err
	}
	settings, err := client.Ask[struct {
		Enforce *bool `json:"enforce_ip_allowlist"`
	}](ctx, c, "GET", settingsPath, nil)
	if err != nil {
		return nil, false, err
	}
	if settings.Enforce == nil {
		return nil, false, cli.Fail(cli.Refused, "this account can have no allowlist of addresses", "the plan of the account decides that")
	}
	return c, *settings.Enforce, nil
}

func newAllowlistListCmd(env *cli.Env) *cobra.Command {
	var options output.Options
	cmd := &cobra.Command{
		Use:     "ls",
		Aliases: []string{"list"},
		Short:   "list the addresses that may reach the account",
		Example: "usher cloud ip-allowlist ls",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, enforced, err := guarded(cmd.Context(), env)
			if err != nil {
				return err
			}
			return showAllowlist(cmd.Context(), env, c, enforced, options)
		},
	}
	cli.Positionals(cmd)
	cli.OutputFlags(cmd, &options, output.FieldsOf[allowed]())
	return cmd
}

func showAllowlist(ctx context.Context, env *cli.Env, c *client.Client, enforced bool, options output.Options) error {
	list, err := client.Ask[allowlist](ctx, c, "GET", allowlistPath, nil)
	if err != nil {
		return err
	}
	if !enforced {
		env.Say("The list is not enforced: every address may reach the account. `usher cloud ip-allowlist enable` changes that.")
	}
	return output.List(env.Printer(options), list.Entries, []output.Column[allowed]{
		{Name: "Address", Value: func(a allowed) string { return a.Network }, Whole: true},
		{Name: "Description", Value: func(a allowed) string { return output.Text(a.Description) }, Rank: 2},
		output.SwitchColumn("Enabled", func(a allowed) bool { return a.Enabled }),
		{
			Name: "Last seen", Value: func(a allowed) string { return output.Text(a.LastSeen) }, Rank: 1,
			Human: func(a allowed, _ time.Time) string {
				if a.LastSeen == nil {
					return "never"
				}
				return *a.LastSeen
			},
		},
	})
}

// network reads an address or a range of them.
func network(text string) (string, error) {
	if address, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(address, address.BitLen()).String(), nil
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return "", cli.Usagef("%q is neither an address nor a range; they look like 192.0.2.7 and 192.0.2.0/24", text)
	}
	if prefix != prefix.Masked() {
		return "", cli.Usagef("%q is no range; did you mean %s?", text, prefix.Masked())
	}
	return prefix.String(), nil
}

// same compares networks whichever way they are written.
func same(written, canonical string) bool {
	other, err := network(written)
	return err == nil && other == canonical
}

// save writes the whole list, as Prefect Cloud wants it.
func (l *allowlist) save(ctx context.Context, c *client.Client) error {
	err := c.Tell(ctx, "PUT", allowlistPath, l)
	if api.CodeOf(err) == api.CodeInvalid {
		return cli.Fail(cli.Refused, "Prefect Cloud does not take the list: "+err.Error(), "")
	}
	return err
}

func (l *allowlist) find(canonical string) int {
	return slices.IndexFunc(l.Entries, func(a allowed) bool { return same(a.Network, canonical) })
}
