package access

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/output"
)

// key is an API key; its text is there only when it was made just now.
type key struct {
	ID         string    `json:"id"`
	Created    *api.Time `json:"created"`
	Name       string    `json:"name"`
	Expiration *api.Time `json:"expiration"`
	Masked     *string   `json:"masked_key,omitempty"`
	Key        string    `json:"key,omitempty"`
}

func keyColumns() []output.Column[key] {
	return []output.Column[key]{
		{Name: "Name", Value: func(k key) string { return k.Name }, Tone: func(key) output.Tone { return output.Strong }, Whole: true},
		{Name: "ID", Value: func(k key) string { return k.ID }, Whole: true},
		{Name: "Key", Value: func(k key) string { return output.Text(k.Masked) }, Rank: 1},
		{Name: "Expires", Value: func(k key) string { return ended(k.Expiration) }, Rank: 2},
	}
}

// NewKeyCmd makes usher api-key.
func NewKeyCmd(env *cli.Env) *cobra.Command {
	cmd := cli.Group("api-key", "make and end your API keys", []string{"api-keys"}, func() []*cobra.Command {
		return []*cobra.Command{newKeyListCmd(env), newKeyCreateCmd(env), newKeyRevokeCmd(env)}
	})
	cmd.Example = "usher api-key ls"
	return cmd
}

func newKeyListCmd(env *cli.Env) *cobra.Command {
	var options output.Options
	cmd := &cobra.Command{
		Use:     "ls",
		Aliases: []string{"list"},
		Short:   "list your API keys",
		Example: "usher api-key ls\nusher api-key ls --json name,expiration",
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, list, err := myKeys(cmd.Context(), env)
			if err != nil {
				return err
			}
			return output.List(env.Printer(options), list, keyColumns())
		},
	}
	cli.Positionals(cmd)
	cli.OutputFlags(cmd, &options, output.FieldsOf[key]())
	return cmd
}

func myKeys(ctx context.Context, env *cli.Env) (place, []key, error) {
	p, err := where(env)
	if err != nil {
		return p, nil, err
	}
	list, err := client.Ask[[]key](ctx, p.root, "GET", "/me/api_keys", nil)
	return p, list, err
}

// me is the id of who asks.
func me(ctx context.Context, p place) (string, error) {
	who, err := client.Ask[struct {
		ID string `json:"id"`
	}](ctx, p.root, "GET", "/me/", nil)
	return who.ID, err
}

func newKeyCreateCmd(env *cli.Env) *cobra.Command {
	var name string
	var options output.Options
	expires := lifetime{"90d"}
	cmd := &cobra.Command{
		Use:     "create",
		Short:   "make an API key and print it; it is not shown again",
		Example: "usher api-key create laptop\nusher api-key create ci --expires 30d -o json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			at, err := expires.at(env.Now())
			if err != nil {
				return err
			}
			p, err := where(env)
			if err != nil {
				return err
			}
			id, err := me(cmd.Context(), p)
			if err != nil {
				return err
			}
			made, err := client.Ask[key](cmd.Context(), p.root, "POST", "/users/"+id+"/api_keys", map[string]any{"name": name, "expiration": at})
			if err != nil {
				return err
			}
			return showKey(env, options, made, made)
		},
	}
	cli.Positionals(cmd, cli.Positional{Name: "name", Value: &name, Required: true})
	cmd.Flags().StringVar(&expires.text, "expires", "90d", "when it ends: a `time` from now, a date, or never")
	keyFlags(cmd, &options, output.FieldsOf[key]())
	return cmd
}

// keyFlags are those of a verb that makes a key, which is what --quiet prints.
func keyFlags(cmd *cobra.Command, options *output.Options, fields []string) {
	cli.ResultFlags(cmd, options, fields)
	cmd.Flags().Lookup("quiet").Usage = "print nothing but the key"
}

// showKey prints a new key: alone on standard output, or within what was made as JSON.
func showKey(env *cli.Env, options output.Options, made key, whole any) error {
	if !options.Quiet {
		env.Say("Keep the key now: it is not shown again.")
		if made.Expiration != nil {
			env.Sayf("It ends on %s.", ended(made.Expiration))
		}
	}
	if printer := env.Printer(options); printer.Structured() && !options.Quiet {
		return printer.Value(whole)
	}
	_, err := fmt.Fprintln(env.Streams.Out, made.Key)
	return err
}

func newKeyRevokeCmd(env *cli.Env) *cobra.Command {
	var name string
	var yes bool
	var options output.Options
	cmd := &cobra.Command{
		Use:     "revoke",
		Aliases: []string{"delete"},
		Short:   "end an API key",
		Example: "usher api-key revoke laptop --yes",
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, list, err := myKeys(cmd.Context(), env)
			if err != nil {
				return err
			}
			k, err := one("API key", name, list, func(k key) []string { return []string{k.ID, k.Name} })
			if err != nil {
				return err
			}
			if err := env.Confirm(cmd.Context(), yes, "End the key %q? Who uses it is refused from then on.", k.Name); err != nil {
				return err
			}
			id, err := me(cmd.Context(), p)
			if err != nil {
				return err
			}
			if err := p.root.Tell(cmd.Context(), "DELETE", "/users/"+id+"/api_keys/"+k.ID, nil); err != nil {
				return err
			}
			return cli.Result(env, options, k, "Ended the key %q.", k.Name)
		},
	}
	cli.Positionals(cmd, cli.Positional{Name: "name", Value: &name, Required: true})
	cli.YesFlag(cmd, &yes)
	cli.ResultFlags(cmd, &options, output.FieldsOf[key]())
	return cmd
}
