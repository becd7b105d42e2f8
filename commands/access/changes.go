package access

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/output"
)

const changes = "/changes/"

// NewChangeCmd makes usher change.
func NewChangeCmd(env *cli.Env) *cobra.Command {
	cmd := cli.Group("change", "changes of who may use the account that wait for a second person", []string{"changes"},
		newChangeListCmd(env), newChangeShowCmd(env), newApproveChangeCmd(env),
		newDropChangeCmd(env, "reject", "refuse a change that somebody else has proposed", "%s %s of %s is not made."),
		newDropChangeCmd(env, "withdraw", "take back a change that you have proposed", "%s %s of %s is taken back."), newRequireCmd(env))
	cmd.Example = "usher change ls"
	return cmd
}

func findChange(ctx context.Context, env *cli.Env, id string) (*client.Client, api.AccountChange, error) {
	c, err := inAccount(env)
	if err != nil {
		return nil, api.AccountChange{}, err
	}
	list, err := client.Ask[[]api.AccountChange](ctx, c, "GET", changes, nil)
	if err != nil {
		return nil, api.AccountChange{}, err
	}
	found, err := one("change", id, list, func(c api.AccountChange) []string { return []string{c.ID.String()} })
	return c, found, err
}

func newChangeListCmd(env *cli.Env) *cobra.Command {
	var options output.Options
	cmd := &cobra.Command{
		Use:     "ls",
		Aliases: []string{"list"},
		Short:   "list changes: your own, and those that you may decide on",
		Example: "usher change ls",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := inAccount(env)
			if err != nil {
				return err
			}
			list, err := client.Ask[[]api.AccountChange](cmd.Context(), c, "GET", changes, nil)
			if err != nil {
				return err
			}
			return output.List(env.Printer(options), list, []output.Column[api.AccountChange]{
				{Name: "ID", Value: func(c api.AccountChange) string { return c.ID.String() }, Whole: true},
				{Name: "Who", Value: func(c api.AccountChange) string { return c.Actor }, Tone: func(api.AccountChange) output.Tone { return output.Strong }},
				{Name: "What", Value: func(c api.AccountChange) string { return c.Method + " " + c.Path }, Rank: 2},
				{Name: "Status", Value: func(c api.AccountChange) string { return c.Status }},
				{Name: "Until", Value: func(c api.AccountChange) string { return ended(&c.Expires) }, Rank: 3},
			})
		},
	}
	cli.Positionals(cmd)
	cli.OutputFlags(cmd, &options, output.FieldsOf[api.AccountChange]())
	return cmd
}

func newChangeShowCmd(env *cli.Env) *cobra.Command {
	var id string
	var options output.Options
	cmd := &cobra.Command{
		Use:     "show",
		Short:   "print a change, with what it asks for",
		Example: "usher change show 0198f0c0-0000-7000-8000-000000000001",
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, c, err := findChange(cmd.Context(), env, id)
			if err != nil {
				return err
			}
			return cli.Result(env, options, c, "%s asks for %s %s\n%s", c.Actor, c.Method, c.Path, c.Body)
		},
	}
	cli.Positionals(cmd, cli.Positional{Name: "id", Value: &id, Required: true})
	cli.ResultFlags(cmd, &options, output.FieldsOf[api.AccountChange]())
	return cmd
}

func newApproveChangeCmd(env *cli.Env) *cobra.Command {
	var id string
	cmd := &cobra.Command{
		Use:     "approve",
		Short:   "make a change that somebody else has proposed",
		Long:    "You must be allowed to make it yourself. It is made as it was asked for; look at it first with usher change show.",
		Example: "usher change approve 0198f0c0-0000-7000-8000-000000000001",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, change, err := findChange(cmd.Context(), env, id)
			if err != nil {
				return err
			}
			if err := c.Tell(cmd.Context(), "POST", changes+change.ID.String()+"/approve", nil); err != nil {
				return err
			}
			env.Sayf("%s %s of %s is made.", change.Method, change.Path, change.Actor)
			return nil
		},
	}
	cli.Positionals(cmd, cli.Positional{Name: "id", Value: &id, Required: true})
	return cmd
}

func newDropChangeCmd(env *cli.Env, verb, short, words string) *cobra.Command {
	var id string
	cmd := &cobra.Command{
		Use:     verb,
		Short:   short,
		Example: "usher change " + verb + " 0198f0c0-0000-7000-8000-000000000001",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, change, err := findChange(cmd.Context(), env, id)
			if err != nil {
				return err
			}
			if err := c.Tell(cmd.Context(), "POST", changes+change.ID.String()+"/"+verb, nil); err != nil {
				return err
			}
			env.Sayf(words, change.Method, change.Path, change.Actor)
			return nil
		},
	}
	cli.Positionals(cmd, cli.Positional{Name: "id", Value: &id, Required: true})
	return cmd
}

func newRequireCmd(env *cli.Env) *cobra.Command {
	var off bool
	var waits time.Duration
	cmd := &cobra.Command{
		Use:     "require",
		Short:   "let changes of who may use the account wait for a second person, or no more",
		Long:    "It takes two people who may change the account. That they wait no more is such a change itself.",
		Example: "usher change require --for 72h",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if waits%time.Hour != 0 || waits < time.Hour || waits > 720*time.Hour {
				return cli.Usagef("--for is 1h to 720h in whole hours, not %s", waits)
			}
			c, err := inAccount(env)
			if err != nil {
				return err
			}
			if err := c.Tell(cmd.Context(), "PUT", "/change_control", api.ChangeControl{Required: !off, Hours: api.Some(int(waits / time.Hour))}); err != nil {
				return err
			}
			if off {
				env.Say("Changes are made at once.")
			} else {
				env.Sayf("Changes wait for a second person, for %s.", waits)
			}
			return nil
		},
	}
	cli.Positionals(cmd)
	cmd.Flags().BoolVar(&off, "off", false, "make changes at once")
	cmd.Flags().DurationVar(&waits, "for", 72*time.Hour, "how long a change waits")
	return cmd
}
