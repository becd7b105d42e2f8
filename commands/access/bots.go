package access

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/output"
)

// bot is a service account.
type bot struct {
	ID      string `json:"id"`
	ActorID string `json:"actor_id"`
	Name    string `json:"name"`
	Role    string `json:"account_role_name"`
	Key     key    `json:"api_key"`
}

// NewServiceAccountCmd makes usher service-account.
func NewServiceAccountCmd(env *cli.Env) *cobra.Command {
	cmd := cli.Group("service-account", "look after what programs log in as", []string{"service-accounts", "bot", "bots"}, func() []*cobra.Command {
		return []*cobra.Command{newBotListCmd(env), newBotCreateCmd(env), newBotRotateCmd(env), newBotDeleteCmd(env)}
	})
	cmd.Example = "usher service-account ls"
	return cmd
}

func bots(ctx context.Context, env *cli.Env) (*client.Client, []bot, error) {
	c, err := inAccount(env)
	if err != nil {
		return nil, nil, err
	}
	list, err := all[bot](ctx, c, "/bots/filter")
	return c, list, err
}

func findBot(ctx context.Context, env *cli.Env, name string) (*client.Client, bot, error) {
	c, list, err := bots(ctx, env)
	if err != nil {
		return nil, bot{}, err
	}
	b, err := one("service account", name, list, func(b bot) []string { return []string{b.ID, b.Name} })
	return c, b, err
}

func newBotListCmd(env *cli.Env) *cobra.Command {
	var options output.Options
	cmd := &cobra.Command{
		Use:     "ls",
		Aliases: []string{"list"},
		Short:   "list the service accounts of the account",
		Example: "usher service-account ls",
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, list, err := bots(cmd.Context(), env)
			if err != nil {
				return err
			}
			return output.List(env.Printer(options), list, []output.Column[bot]{
				{Name: "Name", Value: func(b bot) string { return b.Name }, Tone: func(bot) output.Tone { return output.Strong }, Whole: true},
				{Name: "ID", Value: func(b bot) string { return b.ID }, Whole: true, Rank: 3},
				{Name: "Role", Value: func(b bot) string { return b.Role }, Rank: 1},
				{Name: "Key", Value: func(b bot) string { return output.Text(b.Key.Masked) }, Rank: 2},
				{Name: "Expires", Value: func(b bot) string { return ended(b.Key.Expiration) }, Rank: 4},
			})
		},
	}
	cli.Positionals(cmd)
	cli.OutputFlags(cmd, &options, output.FieldsOf[bot]())
	return cmd
}

func newBotCreateCmd(env *cli.Env) *cobra.Command {
	var name, role string
	var options output.Options
	expires := lifetime{"365d"}
	cmd := &cobra.Command{
		Use:     "create",
		Short:   "make a service account and print its API key; it is not shown again",
		Long:    "It opens no workspace yet: `usher access grant` lets it into the one in use.",
		Example: "usher service-account create ci\nusher service-account create worker --expires 30d -o json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			at, err := expires.at(env.Now())
			if err != nil {
				return err
			}
			c, err := inAccount(env)
			if err != nil {
				return err
			}
			body := map[string]any{"name": name, "api_key_expiration": at}
			if role != "" {
				if body["account_role_id"], err = roleID(cmd.Context(), c, accountRoles, role); err != nil {
					return err
				}
			}
			made, err := client.Ask[bot](cmd.Context(), c, "POST", "/bots/", body)
			if err != nil {
				return err
			}
			return showKey(env, options, made.Key, made)
		},
	}
	cli.Positionals(cmd, cli.Positional{Name: "name", Value: &name, Required: true})
	cmd.Flags().StringVar(&role, "role", "", "its `role` in the account")
	cmd.Flags().StringVar(&expires.text, "expires", "365d", "when the key ends: a `time` from now, a date, or never")
	keyFlags(cmd, &options, output.FieldsOf[bot]())
	return cmd
}

func newBotRotateCmd(env *cli.Env) *cobra.Command {
	var name string
	var overlap int
	var options output.Options
	expires := lifetime{"365d"}
	cmd := &cobra.Command{
		Use:     "rotate",
		Short:   "give a service account a new API key and print it",
		Example: "usher service-account rotate ci --overlap 3600",
		RunE: func(cmd *cobra.Command, _ []string) error {
			at, err := expires.at(env.Now())
			if err != nil {
				return err
			}
			c, b, err := findBot(cmd.Context(), env, name)
			if err != nil {
				return err
			}
			made, err := client.Ask[bot](cmd.Context(), c, "POST", "/bots/"+b.ID+"/rotate_api_key",
				map[string]any{"api_key_expiration": at, "old_key_expires_in_seconds": overlap})
			if err != nil {
				return err
			}
			return showKey(env, options, made.Key, made)
		},
	}
	cli.Positionals(cmd, cli.Positional{Name: "name", Value: &name, Required: true})
	cmd.Flags().IntVar(&overlap, "overlap", 0, "keep the old key valid for this many `seconds`")
	cmd.Flags().StringVar(&expires.text, "expires", "365d", "when the new key ends: a `time` from now, a date, or never")
	keyFlags(cmd, &options, output.FieldsOf[bot]())
	return cmd
}

func newBotDeleteCmd(env *cli.Env) *cobra.Command {
	var name string
	var yes bool
	var options output.Options
	cmd := &cobra.Command{
		Use:     "delete",
		Aliases: []string{"rm"},
		Short:   "remove a service account and end its keys",
		Example: "usher service-account delete ci --yes",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, b, err := findBot(cmd.Context(), env, name)
			if err != nil {
				return err
			}
			if err := env.Confirm(cmd.Context(), yes, "Remove the service account %q?", b.Name); err != nil {
				return err
			}
			if err := c.Tell(cmd.Context(), "DELETE", "/bots/"+b.ID, nil); err != nil {
				return err
			}
			return cli.Result(env, options, b, "Removed the service account %q.", b.Name)
		},
	}
	cli.Positionals(cmd, cli.Positional{Name: "name", Value: &name, Required: true})
	cli.YesFlag(cmd, &yes)
	cli.ResultFlags(cmd, &options, output.FieldsOf[bot]())
	return cmd
}
