package deployment

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/output"
)

type versionsOptions struct {
	env    *cli.Env
	name   string
	limit  int
	output output.Options
}

// versionRow is a version as it is listed.
type versionRow struct {
	api.DeploymentVersionResponse

	present bool
}

func newVersionsCmd(env *cli.Env) *cobra.Command {
	opts := &versionsOptions{env: env}
	cmd := &cobra.Command{
		Use:     "versions",
		Short:   "list what a deployment was after each deploy",
		Long:    "Each deploy makes a version, with the commit it was made of where that is known. The first one listed is what the deployment is now.",
		Example: "usher deployment versions etl/nightly\nusher deployment versions etl/nightly --jq '.[].version_info.commit_sha'",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd, nameArgument(env, &opts.name, true))
	cmd.Flags().IntVar(&opts.limit, "limit", 0, "show at most this many; 0 for all")
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[api.DeploymentVersionResponse]())
	return cmd
}

func (o *versionsOptions) run(ctx context.Context) error {
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	d, err := find.Deployment(ctx, c, o.name)
	if err != nil {
		return err
	}
	list, err := versionsOf(ctx, c, d.ID)
	if err != nil {
		return err
	}
	if o.limit > 0 {
		list = list[:min(o.limit, len(list))]
	}
	rows := func(page []api.DeploymentVersionResponse) ([]versionRow, error) {
		out := make([]versionRow, len(page))
		for i, v := range page {
			out[i] = versionRow{v, v.ID == list[0].ID}
		}
		return out, nil
	}
	all := func(offset, limit int) ([]api.DeploymentVersionResponse, error) {
		return list[min(offset, len(list)):min(offset+limit, len(list))], nil
	}
	return find.ListAs(o.env, o.output, versionColumns(), rows, "The deployment has no versions: it was never deployed from a file.", 0, all)
}

func versionColumns() []output.Column[versionRow] {
	source := func(name string) func(versionRow) string {
		return func(r versionRow) string { return sourceOf(&r.VersionInfo, name) }
	}
	return []output.Column[versionRow]{
		{Name: "Version", Value: func(r versionRow) string { return r.VersionInfo.Version }, Tone: func(versionRow) output.Tone { return output.Strong }, Whole: true},
		{Name: "Now", Value: func(r versionRow) string { return map[bool]string{true: "yes"}[r.present] }},
		{Name: "ID", Value: func(r versionRow) string { return r.ID.String() }, Whole: true, Rank: 3},
		{Name: "From", Value: func(r versionRow) string { return r.VersionInfo.Type }, Rank: 2},
		{Name: "Branch", Value: source("branch"), Rank: 2},
		{Name: "Message", Value: source("message"), Rank: 4},
		{
			Name: "Made", Value: func(r versionRow) string { return output.Stamp(r.Created) }, Rank: 1,
			Human: func(r versionRow, now time.Time) string { return output.TimePtr(now, r.Created) },
		},
	}
}

// sourceOf is a member of what a version tells of its source, "" without one.
func sourceOf(v *api.VersionInfo, name string) string {
	var members map[string]any
	if len(v.More) == 0 || json.Unmarshal(v.More, &members) != nil {
		return ""
	}
	text, _ := members[name].(string)
	return text
}

// versionsOf reads all versions of a deployment, the one that was the present one last first.
func versionsOf(ctx context.Context, c *client.Client, id uuid.UUID) ([]api.DeploymentVersionResponse, error) {
	all := []api.DeploymentVersionResponse{}
	for page := 1; ; page++ {
		got, err := c.PaginateDeploymentVersions(ctx, id, &api.PaginateDeploymentVersionsRequest{Page: api.Some(page)})
		if err != nil {
			return nil, err
		}
		all = append(all, got.Results...)
		if page >= got.Pages {
			return all, nil
		}
	}
}

// chosenVersion is the version of a deployment that a word means: its id, the beginning of
// that, or the latest of a version's own name.
func chosenVersion(ctx context.Context, c *client.Client, d *api.DeploymentResponse, word string) (*api.DeploymentVersionResponse, error) {
	list, err := versionsOf(ctx, c, d.ID)
	if err != nil {
		return nil, err
	}
	return versionIn(list, d, word)
}

func versionIn(list []api.DeploymentVersionResponse, d *api.DeploymentResponse, word string) (*api.DeploymentVersionResponse, error) {
	if i := slices.IndexFunc(list, func(v api.DeploymentVersionResponse) bool { return v.VersionInfo.Version == word }); i >= 0 {
		return &list[i], nil
	}
	var found []api.DeploymentVersionResponse
	for _, v := range list {
		if word != "" && strings.HasPrefix(v.ID.String(), strings.ToLower(word)) {
			found = append(found, v)
		}
	}
	switch len(found) {
	case 1:
		return &found[0], nil
	case 0:
		return nil, api.Errorf(api.CodeNotFound, "deployment %q has no version %q", d.Name, word)
	}
	return nil, cli.Usagef("%d versions begin with %q: say more of the id", len(found), word)
}

type promoteOptions struct {
	env     *cli.Env
	name    string
	version string
	reason  string
	output  output.Options
}

func newPromoteCmd(env *cli.Env) *cobra.Command {
	opts := &promoteOptions{env: env}
	cmd := &cobra.Command{
		Use:     "promote",
		Short:   "make a deployment what it was in one of its versions",
		Long:    "Code, parameters, job variables, tags and the queue come back; schedules and limits stay. A version is named by its id, the beginning of that, or what it is called.",
		Example: "usher deployment promote etl/nightly 1.0 --reason '1.1 loses rows'",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd, nameArgument(env, &opts.name, true), cli.Positional{Name: "version", Value: &opts.version, Required: true})
	cmd.Flags().StringVar(&opts.reason, "reason", "", "why, for the event about it")
	cli.ResultFlags(cmd, &opts.output, output.FieldsOf[api.DeploymentResponse]())
	return cmd
}

func (o *promoteOptions) run(ctx context.Context) error {
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	d, err := find.Deployment(ctx, c, o.name)
	if err != nil {
		return err
	}
	v, err := chosenVersion(ctx, c, d, o.version)
	if err != nil {
		return err
	}
	request := &api.PromoteDeploymentVersionRequest{}
	if o.reason != "" {
		request.Reason = api.Some(o.reason)
	}
	moved, err := c.PromoteDeploymentVersion(ctx, d.ID, v.ID, request)
	if err != nil {
		return err
	}
	words := "Deployment %q is version %q (%s) now."
	if !moved {
		words = "Deployment %q was version %q (%s) already; what was changed since is undone."
	}
	return cli.ResultOf(o.env, o.output, func() (api.DeploymentResponse, error) { return c.ReadDeployment(ctx, d.ID) }, words, d.Name, v.VersionInfo.Version, v.ID)
}

type diffOptions struct {
	env      *cli.Env
	name     string
	versions []string
	output   output.Options
}

// difference is a field that two versions have differently.
type difference struct {
	Field  string `json:"field"`
	Before any    `json:"before"`
	After  any    `json:"after"`
}

func newDiffCmd(env *cli.Env) *cobra.Command {
	opts := &diffOptions{env: env}
	cmd := &cobra.Command{
		Use:     "diff",
		Short:   "show what differs between two versions of a deployment",
		Long:    "With one version it is compared with what the deployment is now.",
		Example: "usher deployment diff etl/nightly 1.0\nusher deployment diff etl/nightly 1.0 1.1 -o json",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd, nameArgument(env, &opts.name, true), cli.Positional{Name: "version", Values: &opts.versions, Required: true})
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[difference]())
	return cmd
}

func (o *diffOptions) run(ctx context.Context) error {
	if len(o.versions) > 2 {
		return cli.Usagef("say one version or two")
	}
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	d, err := find.Deployment(ctx, c, o.name)
	if err != nil {
		return err
	}
	versions, err := versionsOf(ctx, c, d.ID)
	if err != nil {
		return err
	}
	sides := []any{}
	for _, word := range o.versions {
		v, err := versionIn(versions, d, word)
		if err != nil {
			return err
		}
		sides = append(sides, v)
	}
	if len(sides) == 1 {
		d.VersionInfo = &versions[0].VersionInfo // not every server tells it of the deployment
		sides = append(sides, d)
	}
	list, err := differences(sides[0], sides[1])
	if err != nil {
		return err
	}
	columns := []output.Column[difference]{
		{Name: "Field", Value: func(x difference) string { return x.Field }, Tone: func(difference) output.Tone { return output.Strong }, Whole: true},
		{Name: "Before", Value: func(x difference) string { return inWords(x.Before) }},
		{Name: "After", Value: func(x difference) string { return inWords(x.After) }},
	}
	return find.List(o.env, o.output, columns, "They are the same.", 0, func(offset, limit int) ([]difference, error) {
		return list[min(offset, len(list)):min(offset+limit, len(list))], nil
	})
}

// compared are the fields in which versions are compared.
var compared = []string{
	"version_info", "description", "tags", "entrypoint", "path", "pull_steps", "parameters", "parameter_openapi_schema", "enforce_parameter_schema",
	"job_variables", "work_pool_name", "work_queue_name",
}

func differences(a, b any) ([]difference, error) {
	before, err := fields(a)
	if err != nil {
		return nil, err
	}
	after, err := fields(b)
	if err != nil {
		return nil, err
	}
	list := []difference{}
	for _, name := range compared {
		x, y := inWords(before[name]), inWords(after[name])
		if x != y {
			list = append(list, difference{name, before[name], after[name]})
		}
	}
	return list, nil
}

func fields(v any) (out map[string]any, err error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return out, json.Unmarshal(text, &out)
}

// inWords is a value as people read it: a text bare, anything else as JSON with sorted names.
func inWords(v any) string {
	if text, isText := v.(string); isText {
		return text
	}
	if v == nil {
		return ""
	}
	text, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return err.Error()
	}
	return string(text)
}
