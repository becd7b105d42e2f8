package cloud

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/output"
)

type allowlistOptions struct {
	env         *cli.Env
	address     string
	description string
	yes         bool
	output      output.Options
}

// enforcement is whether the list of addresses counts.
type enforcement struct {
	Enforced bool `json:"enforced"`
}

func newAllowlistEnableCmd(env *cli.Env) *cobra.Command {
	opts := &allowlistOptions{env: env}
	cmd := &cobra.Command{
		Use:     "enable",
		Short:   "let only the listed addresses reach the account",
		Example: "usher cloud ip-allowlist enable --yes",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.enable(cmd.Context()) },
	}
	cli.Positionals(cmd)
	cli.YesFlag(cmd, &opts.yes)
	cli.ResultFlags(cmd, &opts.output, output.FieldsOf[enforcement]())
	return cmd
}

func (o *allowlistOptions) enable(ctx context.Context) error {
	c, enforced, err := guarded(ctx, o.env)
	if err != nil {
		return err
	}
	if enforced {
		return cli.Result(o.env, o.output, enforcement{true}, "The list is enforced already.")
	}
	access, err := client.Ask[struct {
		Allowed bool   `json:"allowed"`
		Detail  string `json:"detail"`
	}](ctx, c, "GET", allowlistPath+"/my_access", nil)
	if err != nil {
		return err
	}
	if !access.Allowed {
		return cli.Fail(cli.Refused, "that would lock you out: "+access.Detail, "`usher cloud ip-allowlist add` adds your address")
	}
	if err := o.env.ConfirmAlways(ctx, o.yes, "Let only the listed addresses reach the account? %s", access.Detail); err != nil {
		return err
	}
	if err := c.Tell(ctx, "PATCH", settingsPath, map[string]any{"enforce_ip_allowlist": true}); err != nil {
		return err
	}
	return cli.Result(o.env, o.output, enforcement{true}, "Only the listed addresses reach the account now.")
}

func newAllowlistDisableCmd(env *cli.Env) *cobra.Command {
	var options output.Options
	cmd := &cobra.Command{
		Use:     "disable",
		Short:   "let every address reach the account",
		Example: "usher cloud ip-allowlist disable",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, _, err := guarded(cmd.Context(), env)
			if err != nil {
				return err
			}
			if err := c.Tell(cmd.Context(), "PATCH", settingsPath, map[string]any{"enforce_ip_allowlist": false}); err != nil {
				return err
			}
			return cli.Result(env, options, enforcement{false}, "Every address reaches the account now.")
		},
	}
	cli.Positionals(cmd)
	cli.ResultFlags(cmd, &options, output.FieldsOf[enforcement]())
	return cmd
}

// changing makes a verb that changes the list at one address.
func (o *allowlistOptions) changing(verb, short, example string, change func(ctx context.Context, list *allowlist, canonical string) error) *cobra.Command {
	cmd := &cobra.Command{
		Use:     verb,
		Short:   short,
		Example: example,
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.change(cmd.Context(), change) },
	}
	cli.Positionals(cmd, cli.Positional{Name: "ip_address_or_range", Value: &o.address, Required: true})
	cli.OutputFlags(cmd, &o.output, output.FieldsOf[allowed]())
	return cmd
}

// change reads the list, changes it, writes the whole of it and shows what became of it.
func (o *allowlistOptions) change(ctx context.Context, change func(context.Context, *allowlist, string) error) error {
	canonical, err := network(o.address)
	if err != nil {
		return err
	}
	c, enforced, err := guarded(ctx, o.env)
	if err != nil {
		return err
	}
	list, err := client.Ask[allowlist](ctx, c, "GET", allowlistPath, nil)
	if err != nil {
		return err
	}
	if err := change(ctx, &list, canonical); err != nil {
		return err
	}
	if err := list.save(ctx, c); err != nil {
		return err
	}
	return showAllowlist(ctx, o.env, c, enforced, o.output)
}

func newAllowlistAddCmd(env *cli.Env) *cobra.Command {
	opts := &allowlistOptions{env: env}
	cmd := opts.changing("add", "let an address or a range reach the account", "usher cloud ip-allowlist add 192.0.2.0/24 --description office --yes",
		func(ctx context.Context, list *allowlist, canonical string) error {
			entry := allowed{Network: canonical, Enabled: true}
			if opts.description != "" {
				entry.Description = &opts.description
			}
			i := list.find(canonical)
			if i < 0 {
				list.Entries = append(list.Entries, entry)
				return nil
			}
			list.Entries[i] = entry
			return env.ConfirmAlways(ctx, opts.yes, "Write the entry of %s, which is listed already, anew?", canonical)
		})
	cmd.Flags().StringVarP(&opts.description, "description", "d", "", "whose address it is")
	cli.YesFlag(cmd, &opts.yes)
	return cmd
}

func newAllowlistRemoveCmd(env *cli.Env) *cobra.Command {
	opts := &allowlistOptions{env: env}
	return opts.changing("remove", "take an address or a range off the list", "usher cloud ip-allowlist remove 192.0.2.0/24",
		func(_ context.Context, list *allowlist, canonical string) error {
			list.Entries = slices.DeleteFunc(list.Entries, func(a allowed) bool { return same(a.Network, canonical) })
			return nil
		})
}

func newAllowlistToggleCmd(env *cli.Env) *cobra.Command {
	opts := &allowlistOptions{env: env}
	return opts.changing("toggle", "switch an entry of the list on or off", "usher cloud ip-allowlist toggle 192.0.2.0/24",
		func(_ context.Context, list *allowlist, canonical string) error {
			i := list.find(canonical)
			if i < 0 {
				return api.Errorf(api.CodeNotFound, "%s is not on the list", canonical)
			}
			list.Entries[i].Enabled = !list.Entries[i].Enabled
			return nil
		})
}
