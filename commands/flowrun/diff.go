package flowrun

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/output"
)

// pair is what two runs have in one respect.
type pair struct {
	What string `json:"what"`
	A    string `json:"a"`
	B    string `json:"b"`
}

type diffOptions struct {
	env    *cli.Env
	output output.Options
	a, b   string
	all    bool
}

func newDiffCmd(env *cli.Env) *cobra.Command {
	opts := &diffOptions{env: env}
	cmd := &cobra.Command{
		Use:     "diff",
		Short:   "compare two flow runs: parameters, versions, states, and how long each task took",
		Example: "usher flow-run diff curious-badger sly-otter",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	a, b := runArgument(env, &opts.a), runArgument(env, &opts.b)
	a.Name, b.Name = "run-a", "run-b"
	cli.Positionals(cmd, a, b)
	cmd.Flags().BoolVar(&opts.all, "all", false, "show what is the same, too")
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[pair]())
	return cmd
}

func (o *diffOptions) run(ctx context.Context) error {
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	var sides [2][][2]string
	var runs [2]*api.FlowRunResponse
	for i, id := range []string{o.a, o.b} {
		if runs[i], err = find.FlowRun(ctx, c, id); err != nil {
			return err
		}
		if sides[i], err = o.facts(ctx, c, runs[i]); err != nil {
			return err
		}
	}
	pairs := match(sides[0], sides[1])
	if !o.all {
		pairs = slices.DeleteFunc(pairs, func(p pair) bool { return p.A == p.B })
	}
	printer := o.env.Printer(o.output)
	if len(pairs) == 0 && !printer.Structured() {
		o.env.Say("The runs do not differ.")
	}
	return output.List(printer, pairs, pairColumns())
}

// facts are what there is to compare of a run, in order.
func (o *diffOptions) facts(ctx context.Context, c *client.Client, run *api.FlowRunResponse) ([][2]string, error) {
	list, err := rows(ctx, c, []api.FlowRunResponse{*run})
	if err != nil {
		return nil, err
	}
	now := o.env.Now()
	facts := [][2]string{
		{"name", run.Name},
		{"flow", list[0].flow},
		{"code version", output.Text(run.FlowVersion)},
		{"deployment version", output.Text(run.DeploymentVersion)},
		{"work pool", output.Text(run.WorkPoolName)},
		{"tags", strings.Join(slices.Sorted(slices.Values(run.Tags)), ", ")},
		{"state", output.Text(run.StateName)},
		{"took", took(list[0], now)},
		{"attempts", output.Number(&run.RunCount)},
	}
	facts = append(facts, members("parameter ", run.Parameters)...)
	facts = append(facts, members("job variable ", run.JobVariables)...)
	steps, err := readSteps(ctx, c, run)
	if err != nil {
		return nil, err
	}
	for _, s := range steps[1:] {
		facts = append(facts, [2]string{s.Kind + " " + s.title(), strings.TrimSpace(s.took(now) + " " + output.Text(s.StateName))})
	}
	return facts, nil
}

// title is what a step is called in every run of its flow. A run of a subflow has a new name each
// time, and the SDK ends the names of task runs with letters by chance: steps of one title are
// matched in their order.
func (s *step) title() string {
	if s.Kind == "flow" {
		return "below"
	}
	return s.base
}

func members(prefix string, object jsontext.Value) [][2]string {
	var values map[string]jsontext.Value
	if json.Unmarshal(object, &values) != nil {
		return nil
	}
	var facts [][2]string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		facts = append(facts, [2]string{prefix + name, output.Compact(values[name])})
	}
	return facts
}

// match puts the facts of two runs side by side: those of the first in their order, then
// what only the second has.
func match(a, b [][2]string) []pair {
	var pairs []pair
	rest := slices.Clone(b)
	for _, fact := range a {
		p := pair{What: fact[0], A: fact[1]}
		if i := slices.IndexFunc(rest, func(other [2]string) bool { return other[0] == fact[0] }); i >= 0 {
			p.B = rest[i][1]
			rest = slices.Delete(rest, i, i+1)
		}
		pairs = append(pairs, p)
	}
	for _, fact := range rest {
		pairs = append(pairs, pair{What: fact[0], B: fact[1]})
	}
	return pairs
}

func pairColumns() []output.Column[pair] {
	return []output.Column[pair]{
		{Name: "What", Value: func(p pair) string { return p.What }, Tone: func(pair) output.Tone { return output.Strong }},
		{Name: "A", Value: func(p pair) string { return p.A }},
		{Name: "B", Value: func(p pair) string { return p.B }},
	}
}
