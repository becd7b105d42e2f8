package core

import (
	"context"
	"math"
	"time"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

// History is what a history is asked about.
type History struct {
	Start, End api.Time
	Interval   api.Float // seconds
	Filters
}

// mostSteps is how many intervals a history has at most.
const mostSteps = 500

func (h *History) steps() (store.Steps, error) {
	step := int64(math.Round(float64(h.Interval) * 1e6))
	if step < 1e6 {
		return store.Steps{}, api.Errorf(api.CodeInvalid, "History interval must not be less than 1 second.")
	}
	span := max(1, h.End.UnixMicro()-h.Start.UnixMicro()) // there is always a first interval
	return store.Steps{Start: h.Start, Step: step, Count: int(min(mostSteps, (span+step-1)/step))}, nil
}

// FlowRunHistory counts flow runs by state and by when they were expected to start.
func (c *Core) FlowRunHistory(ctx context.Context, who Caller, h *History) ([]api.HistoryResponse, error) {
	return c.history(ctx, who, h, (*store.Tx).FlowRunHistory)
}

// TaskRunHistory counts task runs by state and by when they were expected to start.
func (c *Core) TaskRunHistory(ctx context.Context, who Caller, h *History) ([]api.HistoryResponse, error) {
	return c.history(ctx, who, h, (*store.Tx).TaskRunHistory)
}

type historyQuery func(*store.Tx, store.Filters, store.Steps, api.Time) ([]store.HistoryGroup, error)

func (c *Core) history(ctx context.Context, who Caller, h *History, query historyQuery) ([]api.HistoryResponse, error) {
	steps, err := h.steps()
	if err != nil {
		return nil, err
	}
	groups, err := value(ctx, c, who, func(tx *store.Tx) ([]store.HistoryGroup, error) { return query(tx, h.Filters, steps, c.now()) })
	if err != nil {
		return nil, err
	}
	out := make([]api.HistoryResponse, steps.Count)
	step := time.Duration(steps.Step) * time.Microsecond
	for i := range out {
		start := steps.Start.Add(time.Duration(i) * step)
		out[i] = api.HistoryResponse{IntervalStart: api.At(start), IntervalEnd: api.At(start.Add(step)), States: []api.HistoryResponseState{}}
	}
	for _, g := range groups {
		out[g.Step].States = append(out[g.Step].States, api.HistoryResponseState{
			StateType: g.Type, StateName: g.Name, CountRuns: g.Runs,
			SumEstimatedRunTime: api.Float(g.RunTime), SumEstimatedLateness: api.Float(g.Lateness),
		})
	}
	return out, nil
}

// AverageLateness is the mean lateness of flow runs in seconds, nil when there are none.
func (c *Core) AverageLateness(ctx context.Context, who Caller, f Filters) (*api.Float, error) {
	seconds, err := value(ctx, c, who, func(tx *store.Tx) (*float64, error) { return tx.AverageLateness(f, c.now()) })
	return (*api.Float)(seconds), err
}
