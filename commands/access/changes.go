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
	cmd := cli.Group("change", "changes of who may use the account that wait for a second person", []string{"changes"}, func() []*cobra.Command {
		return []*cobra.Command{
			newChangeListCmd(env),
			newChangeShowCmd(env),
			newApproveChangeCmd(env),
			newVerdictCmd(env, "reject", "refuse a change that somebody else has proposed", "%s %s of %s is not made."),
			newVerdictCmd(env, "withdraw", "take back a change that you have proposed", "%s %s of %s is taken back."),
			newRequireCmd(env),
		}
	})
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

// decide decides on a change and prints what became of it.
func decide(ctx context.Context, env *cli.Env, options output.Options, id, verb, words string) error {
	c, change, err := findChange(ctx, env, id)
	if err != nil {
		return err
	}
	if err := c.Tell(ctx, "POST", changes+change.ID.String()+"/"+verb, nil); err != nil {
		return err
	}
	again := func() (api.AccountChange, error) {
		_, change, err := findChange(ctx, env, change.ID.String())
		return change, err
	}
	return cli.ResultOf(env, options, again, words, change.Method, change.Path, change.Actor)
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
	cmd := newVerdictCmd(env, "approve", "make a change that somebody else has proposed", "%s %s of %s is made.")
	cmd.Long = "You must be allowed to make it yourself. It is made as it was asked for; look at it first with usher change show."
	return cmd
}

func newVerdictCmd(env *cli.Env, verb, short, words string) *cobra.Command {
	var id string
	var options output.Options
	cmd := &cobra.Command{
		Use:     verb,
		Short:   short,
		Example: "usher change " + verb + " 0198f0c0-0000-7000-8000-000000000001",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return decide(cmd.Context(), env, options, id, verb, words)
		},
	}
	cli.Positionals(cmd, cli.Positional{Name: "id", Value: &id, Required: true})
	cli.ResultFlags(cmd, &options, output.FieldsOf[api.AccountChange]())
	return cmd
}

func newRequireCmd(env *cli.Env) *cobra.Command {
	var off bool
	var waits time.Duration
	var options output.Options
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
			wanted := api.ChangeControl{Required: !off, Hours: api.Some(int(waits / time.Hour))}
			if err := c.Tell(cmd.Context(), "PUT", "/change_control", wanted); err != nil {
				return err
			}
			if off {
				return cli.Result(env, options, wanted, "Changes are made at once.")
			}
			return cli.Result(env, options, wanted, "Changes wait for a second person, for %s.", waits)
		},
	}
	cli.Positionals(cmd)
	cli.ResultFlags(cmd, &options, output.FieldsOf[api.ChangeControl]())
	cmd.Flags().BoolVar(&off, "off", false, "make changes at once")
	cmd.Flags().DurationVar(&waits, "for", 72*time.Hour, "how long a change waits")
	return cmd
}
