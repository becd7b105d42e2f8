package flowrun

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/output"
)

// step is one run in a timeline: the flow run, a task run in it, or a subflow.
type step struct {
	Kind      string         `json:"kind"`
	ID        uuid.UUID      `json:"id"`
	Name      string         `json:"name"`
	Depth     int            `json:"depth"`
	StateType *api.StateType `json:"state_type"`
	StateName *string        `json:"state_name"`
	StartTime *api.Time      `json:"start_time"`
	EndTime   *api.Time      `json:"end_time"`

	parent uuid.UUID
	base   string // of a task: its name without the letters by chance
}

type timelineOptions struct {
	env    *cli.Env
	output output.Options
	id     string
}

func newTimelineCmd(env *cli.Env) *cobra.Command {
	opts := &timelineOptions{env: env}
	cmd := &cobra.Command{
		Use:     "timeline",
		Short:   "draw when the tasks and subflows of a flow run went on",
		Example: "usher flow-run timeline curious-badger",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd, runArgument(env, &opts.id))
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[step]())
	return cmd
}

func (o *timelineOptions) run(ctx context.Context) error {
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	run, err := find.FlowRun(ctx, c, o.id)
	if err != nil {
		return err
	}
	steps, err := readSteps(ctx, c, run)
	if err != nil {
		return err
	}
	printer := o.env.Printer(o.output)
	if !printer.ForPeople() {
		return output.List(printer, steps, stepColumns())
	}
	now := o.env.Now()
	bars := make([]output.Bar, len(steps))
	for i := range steps {
		bars[i] = steps[i].bar(now)
	}
	return output.Chart(printer, bars)
}

// readSteps reads a run with all below it, each above what it called, in the order in
// which they began. Each level of subflows is two requests.
func readSteps(ctx context.Context, c *client.Client, run *api.FlowRunResponse) ([]step, error) {
	below := map[uuid.UUID][]step{}
	for level := []uuid.UUID{run.ID}; len(level) > 0; {
		subflows, callers, err := readSubflows(ctx, c, level, below)
		if err != nil {
			return nil, err
		}
		if err := readTasks(ctx, c, level, callers, below); err != nil {
			return nil, err
		}
		level = subflows
	}
	return unfold(flowStep(run), below, 0), nil
}

// readSubflows adds the flow runs that those of a level called. The server keeps a task
// run for each call: callers are those.
func readSubflows(ctx context.Context, c *client.Client, level []uuid.UUID, below map[uuid.UUID][]step) (ids, callers []uuid.UUID, err error) {
	runs, err := find.Pages(0, func(offset, limit int) ([]api.FlowRunResponse, error) {
		return c.ReadFlowRuns(ctx, &api.ReadFlowRunsRequest{
			FlowRuns: &api.FlowRunFilter{ParentFlowRunID: &api.FlowRunFilterParentFlowRunId{Any: level}},
			Sort:     api.Some(api.FlowRunSortIDDesc), Offset: api.Some(offset), Limit: api.Some(limit),
		})
	})
	if err != nil || len(runs) == 0 {
		return nil, nil, err
	}
	for i := range runs {
		if runs[i].ParentTaskRunID != nil {
			callers = append(callers, *runs[i].ParentTaskRunID)
		}
	}
	tasks, err := c.ReadTaskRuns(ctx, &api.ReadTaskRunsRequest{TaskRuns: &api.TaskRunFilter{ID: &api.Match[uuid.UUID]{Any: callers}}, Limit: api.Some(find.PageSize)})
	if err != nil {
		return nil, nil, err
	}
	parents := map[uuid.UUID]uuid.UUID{}
	for _, task := range tasks {
		if task.FlowRunID != nil {
			parents[task.ID] = *task.FlowRunID
		}
	}
	for i := range runs {
		s := flowStep(&runs[i])
		if runs[i].ParentTaskRunID != nil {
			s.parent = parents[*runs[i].ParentTaskRunID]
		}
		below[s.parent] = append(below[s.parent], s)
		ids = append(ids, s.ID)
	}
	return ids, callers, nil
}

func readTasks(ctx context.Context, c *client.Client, level, callers []uuid.UUID, below map[uuid.UUID][]step) error {
	tasks, err := find.Pages(0, func(offset, limit int) ([]api.TaskRun, error) {
		return c.ReadTaskRuns(ctx, &api.ReadTaskRunsRequest{
			TaskRuns: &api.TaskRunFilter{FlowRunID: &api.TaskRunFilterFlowRunId{Any: level}},
			Sort:     api.Some(api.TaskRunSortIDDesc), Offset: api.Some(offset), Limit: api.Some(limit),
		})
	})
	for i := range tasks {
		t := &tasks[i]
		if t.FlowRunID == nil || slices.Contains(callers, t.ID) {
			continue
		}
		below[*t.FlowRunID] = append(below[*t.FlowRunID], step{
			Kind: "task", ID: t.ID, Name: t.Name, StateType: t.StateType, StateName: t.StateName,
			StartTime: t.StartTime, EndTime: t.EndTime, base: baseName(t),
		})
	}
	return err
}

// chance is how many letters of a task run's dynamic key the SDK puts behind its name.
const chance = 3

func baseName(t *api.TaskRun) string {
	return strings.TrimSuffix(t.Name, "-"+t.DynamicKey[:min(chance, len(t.DynamicKey))])
}

func flowStep(run *api.FlowRunResponse) step {
	return step{
		Kind: "flow", ID: run.ID, Name: run.Name, StateType: run.StateType, StateName: run.StateName,
		StartTime: run.StartTime, EndTime: run.EndTime,
	}
}

// unfold lists a step and what is below it.
func unfold(s step, below map[uuid.UUID][]step, depth int) []step {
	s.Depth = depth
	list := []step{s}
	children := below[s.ID]
	slices.SortStableFunc(children, func(a, b step) int {
		return cmp.Or(byStart(a.StartTime, b.StartTime), cmp.Compare(a.Name, b.Name))
	})
	for _, child := range children {
		list = append(list, unfold(child, below, depth+1)...)
	}
	return list
}

// byStart puts what has not begun last.
func byStart(a, b *api.Time) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return 1
	case b == nil:
		return -1
	}
	return a.Compare(b.Time)
}

func (s *step) bar(now time.Time) output.Bar {
	bar := output.Bar{Label: strings.Repeat("  ", s.Depth) + s.Name, Tone: output.Plain}
	if s.StateType != nil {
		bar.Tone = output.StateTone(*s.StateType)
	}
	if s.StartTime != nil {
		bar.Start = s.StartTime.Time
	}
	if s.EndTime != nil && s.StartTime != nil {
		bar.End = s.EndTime.Time
	}
	bar.Note = strings.TrimSpace(s.took(now) + " " + output.StateText(s.StateType, s.StateName))
	return bar
}

// took is how long a step took, or goes on by now.
func (s *step) took(now time.Time) string {
	switch {
	case s.StartTime == nil:
		return ""
	case s.EndTime != nil:
		now = s.EndTime.Time
	}
	return output.Duration(now.Sub(s.StartTime.Time))
}

func stepColumns() []output.Column[step] {
	return []output.Column[step]{
		{Name: "Kind", Value: func(s step) string { return s.Kind }},
		{Name: "ID", Value: func(s step) string { return s.ID.String() }, Whole: true},
		{Name: "Name", Value: func(s step) string { return s.Name }},
		{Name: "State", Value: func(s step) string { return output.Text(s.StateName) }},
		{Name: "Started", Value: func(s step) string { return output.Stamp(s.StartTime) }},
		{Name: "Ended", Value: func(s step) string { return output.Stamp(s.EndTime) }},
	}
}
