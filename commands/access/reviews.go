package access

import (
	"context"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/output"
)

const accessReviews = "/access_reviews/"

func newReviewCmd(env *cli.Env) *cobra.Command {
	cmd := cli.Group("review", "look at who has access to the account, and decide who keeps it", []string{"reviews"}, func() []*cobra.Command {
		return []*cobra.Command{newReviewCreateCmd(env), newReviewListCmd(env), newReviewShowCmd(env), newReviewCompleteCmd(env)}
	})
	cmd.Example = "usher access review ls"
	return cmd
}

func reviews(ctx context.Context, env *cli.Env) (*client.Client, []api.AccessReview, error) {
	c, err := inAccount(env)
	if err != nil {
		return nil, nil, err
	}
	list, err := client.Ask[[]api.AccessReview](ctx, c, "GET", accessReviews, nil)
	return c, list, err
}

func findReview(ctx context.Context, env *cli.Env, id string) (*client.Client, api.AccessReview, error) {
	c, list, err := reviews(ctx, env)
	if err != nil {
		return nil, api.AccessReview{}, err
	}
	r, err := one("review", id, list, func(r api.AccessReview) []string { return []string{r.ID.String()} })
	return c, r, err
}

func newReviewCreateCmd(env *cli.Env) *cobra.Command {
	var days int
	var options output.Options
	cmd := &cobra.Command{
		Use:     "create",
		Short:   "write down who has access now, to be decided about",
		Example: "usher access review create --days 14",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := inAccount(env)
			if err != nil {
				return err
			}
			made, err := client.Ask[api.AccessReview](cmd.Context(), c, "POST", accessReviews, map[string]any{"days": days})
			if err != nil {
				return err
			}
			return cli.Result(env, options, made, "Review %s has %d items: usher access review show %s lists them.", made.ID, len(made.Items), made.ID)
		},
	}
	cli.Positionals(cmd)
	cmd.Flags().IntVar(&days, "days", 14, "in how many days it is due")
	cli.ResultFlags(cmd, &options, output.FieldsOf[api.AccessReview]())
	return cmd
}

func newReviewListCmd(env *cli.Env) *cobra.Command {
	var options output.Options
	cmd := &cobra.Command{
		Use:     "ls",
		Aliases: []string{"list"},
		Short:   "list the reviews of the account",
		Example: "usher access review ls",
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, list, err := reviews(cmd.Context(), env)
			if err != nil {
				return err
			}
			return output.List(env.Printer(options), list, []output.Column[api.AccessReview]{
				{Name: "ID", Value: func(r api.AccessReview) string { return r.ID.String() }, Whole: true},
				{Name: "Begun", Value: func(r api.AccessReview) string { return ended(&r.Created) }, Rank: 2},
				{Name: "Due", Value: func(r api.AccessReview) string { return ended(&r.Due) }, Rank: 1},
				{Name: "Completed", Value: func(r api.AccessReview) string { return ended(r.Completed) }},
				{Name: "Overdue", Value: func(r api.AccessReview) string { return strconv.FormatBool(r.Overdue) }},
				{Name: "Items", Value: func(r api.AccessReview) string { return strconv.Itoa(len(r.Items)) }, Right: true, Rank: 3},
			})
		},
	}
	cli.Positionals(cmd)
	cli.OutputFlags(cmd, &options, output.FieldsOf[api.AccessReview]())
	return cmd
}

func newReviewShowCmd(env *cli.Env) *cobra.Command {
	var id string
	var options output.Options
	cmd := &cobra.Command{
		Use:     "show",
		Short:   "list who had what when a review began, and what was decided",
		Example: "usher access review show 0198f0c0-0000-7000-8000-000000000001",
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, r, err := findReview(cmd.Context(), env, id)
			if err != nil {
				return err
			}
			return output.List(env.Printer(options), r.Items, []output.Column[api.AccessReviewItem]{
				{Name: "ID", Value: func(i api.AccessReviewItem) string { return i.ID.String() }, Whole: true},
				{Name: "Kind", Value: func(i api.AccessReviewItem) string { return i.Kind }},
				{Name: "Who", Value: func(i api.AccessReviewItem) string { return i.Who }, Tone: func(api.AccessReviewItem) output.Tone { return output.Strong }},
				{Name: "What", Value: func(i api.AccessReviewItem) string { return i.What }},
				{Name: "Last used", Value: func(i api.AccessReviewItem) string { return ended(i.LastUsed) }, Rank: 2},
				{Name: "Ends", Value: func(i api.AccessReviewItem) string { return ended(i.Expires) }, Rank: 3},
				{Name: "Decision", Value: func(i api.AccessReviewItem) string { return i.Decision }, Rank: 1},
			})
		},
	}
	cli.Positionals(cmd, cli.Positional{Name: "id", Value: &id, Required: true})
	cli.OutputFlags(cmd, &options, output.FieldsOf[api.AccessReviewItem]())
	return cmd
}

func newReviewCompleteCmd(env *cli.Env) *cobra.Command {
	var id string
	var revoke []string
	var yes bool
	var options output.Options
	cmd := &cobra.Command{
		Use:     "complete",
		Short:   "take away what you name, and put on record that the rest stays",
		Long:    "Members are deactivated, access and keys end at once. All of it happens or nothing.",
		Example: "usher access review complete 0198f0c0-0000-7000-8000-000000000001 --revoke 0198f0c0-0000-7000-8000-000000000002 --yes",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, r, err := findReview(cmd.Context(), env, id)
			if err != nil {
				return err
			}
			if err := env.ConfirmAlways(cmd.Context(), yes, "Keep %d of %d items and revoke %d?", len(r.Items)-len(revoke), len(r.Items), len(revoke)); err != nil {
				return err
			}
			if revoke == nil {
				revoke = []string{}
			}
			done, err := client.Ask[api.AccessReview](cmd.Context(), c, "POST", accessReviews+r.ID.String()+"/complete", map[string]any{"revoke": revoke})
			if err != nil {
				return err
			}
			return cli.Result(env, options, done, "Completed; revoked: %s.", strings.Join(append(revoke, ""), " "))
		},
	}
	cli.Positionals(cmd, cli.Positional{Name: "id", Value: &id, Required: true})
	cmd.Flags().StringArrayVar(&revoke, "revoke", nil, "the `id` of an item to take away; may be said several times")
	cli.YesFlag(cmd, &yes)
	cli.ResultFlags(cmd, &options, output.FieldsOf[api.AccessReview]())
	return cmd
}
