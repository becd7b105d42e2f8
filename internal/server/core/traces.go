package core

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

// Span is a run as a part of a trace, with what is below it.
type Span struct {
	store.Span
	Path     []uuid.UUID // the flow runs that it ran in, from the root of the trace, and itself
	Children map[string]map[string]int
}

// FlowSpan is the type of the spans of flow runs.
const FlowSpan = store.FlowSpan

// SpanQuery says which spans of a trace are asked for.
type SpanQuery = store.SpanQuery

// SpanPlace is where a span stands in the order of spans.
type SpanPlace = store.SpanPlace

// Observation asks what was seen.
type Observation = store.Observation

// Spans lists up to limit spans of the trace of a flow run: of what ran in it or, if below is
// named, in a flow run of it. more says that there are others.
func (c *Core) Spans(ctx context.Context, who Caller, trace uuid.UUID, below *uuid.UUID, q SpanQuery, limit int) (list []Span, more bool, err error) {
	err = c.read(ctx, who, func(tx *store.Tx) error {
		if err := isThere(tx, FlowRunKind, "Trace", trace); err != nil {
			return err
		}
		q.Root, q.WithRoot = trace, below == nil
		if below != nil {
			q.Root = *below
		}
		spans, err := tx.Spans(&q, limit+1)
		if err != nil {
			return err
		}
		if more = len(spans) > limit; more {
			spans = spans[:limit]
		}
		list, err = withChildren(tx, trace, spans)
		return err
	})
	return list, more, err
}

// withChildren completes spans: in two queries, however many there are.
func withChildren(tx *store.Tx, trace uuid.UUID, spans []store.Span) ([]Span, error) {
	var flows, runs []uuid.UUID
	for i := range spans {
		if s := &spans[i]; s.Type == store.FlowSpan {
			flows = append(flows, s.ID)
			runs = append(runs, s.ID)
		} else if s.Parent != nil {
			runs = append(runs, *s.Parent)
		}
	}
	children, err := tx.SpanChildren(flows)
	if err != nil {
		return nil, err
	}
	above, err := tx.FlowRunsAbove(runs)
	if err != nil {
		return nil, err
	}
	out := make([]Span, len(spans))
	for i := range spans {
		s := Span{Span: spans[i], Children: children[spans[i].ID]}
		if up, inside := above[s.ID]; inside && s.ID != trace {
			s.Parent = &up
		}
		s.Path = []uuid.UUID{s.ID}
		for at, ok := s.Parent, s.Parent != nil && s.ID != trace; ok && len(s.Path) < len(above)+2; {
			s.Path = append(s.Path, *at)
			up := above[*at]
			ok = *at != trace && up != uuid.Nil
			at = &up
		}
		slices.Reverse(s.Path)
		out[i] = s
	}
	return out, nil
}

// SpansByID lists those of some spans that are of the trace of a flow run.
func (c *Core) SpansByID(ctx context.Context, who Caller, trace uuid.UUID, ids []uuid.UUID) ([]Span, error) {
	if len(ids) == 0 {
		return []Span{}, nil
	}
	list, _, err := c.Spans(ctx, who, trace, nil, SpanQuery{Depth: -1, IDs: ids}, len(ids))
	return list, err
}

// Span returns a span of the trace of a flow run.
func (c *Core) Span(ctx context.Context, who Caller, trace, id uuid.UUID) (*Span, error) {
	list, err := c.SpansByID(ctx, who, trace, []uuid.UUID{id})
	if err == nil && len(list) == 0 {
		err = api.NotFound("Span")
	}
	if err != nil {
		return nil, err
	}
	return &list[0], nil
}

// SpanContext lists a span with up to size spans of its trace before it and behind it.
func (c *Core) SpanContext(ctx context.Context, who Caller, trace, id uuid.UUID, size int) (list []Span, before, behind bool, err error) {
	at, err := c.Span(ctx, who, trace, id)
	if err != nil {
		return nil, false, false, err
	}
	place := &SpanPlace{Begin: at.Begin, ID: at.ID}
	earlier, before, err := c.Spans(ctx, who, trace, nil, SpanQuery{Depth: -1, Behind: place, LatestDown: true}, size)
	if err != nil {
		return nil, false, false, err
	}
	later, behind, err := c.Spans(ctx, who, trace, nil, SpanQuery{Depth: -1, Behind: place}, size)
	slices.Reverse(earlier)
	return slices.Concat(earlier, []Span{*at}, later), before, behind, err
}

// SpanOf finds the trace and the span of a flow run or task run.
func (c *Core) SpanOf(ctx context.Context, who Caller, run uuid.UUID) (trace, span uuid.UUID, err error) {
	err = c.read(ctx, who, func(tx *store.Tx) error {
		var in *uuid.UUID
		if span, in, err = tx.SpanRun(run); err != nil {
			return err
		}
		if trace = span; in != nil {
			trace = *in
		}
		above, err := tx.FlowRunsAbove([]uuid.UUID{trace})
		for range above {
			if up, inside := above[trace]; inside {
				trace = up
			}
		}
		return err
	})
	if errors.Is(err, store.ErrNoRows) {
		err = api.NotFound("Span")
	}
	return trace, span, err
}

// ObservedStates lists the states of the runs of the trace of a flow run or, for nil, of the
// flow runs of the workspace.
func (c *Core) ObservedStates(ctx context.Context, who Caller, trace *uuid.UUID, o Observation) ([]api.ObservedState, error) {
	return observed(ctx, c, who, trace, &o, (*store.Tx).SpanStates, (*store.Tx).ObservedStates)
}

// ObservedLoggers lists who has written into the logs of the trace of a flow run or, for nil,
// into those of the workspace lately.
func (c *Core) ObservedLoggers(ctx context.Context, who Caller, trace *uuid.UUID, o Observation) ([]api.ObservedLogger, error) {
	return observed(ctx, c, who, trace, &o, (*store.Tx).SpanLoggers, (*store.Tx).ObservedLoggers)
}

func observed[T any](ctx context.Context, c *Core, who Caller, trace *uuid.UUID, o *Observation, of func(*store.Tx, uuid.UUID, *Observation) ([]T, error), all func(*store.Tx, *Observation) ([]T, error)) ([]T, error) {
	return value(ctx, c, who, func(tx *store.Tx) ([]T, error) {
		if trace == nil {
			return all(tx, o)
		}
		if err := isThere(tx, FlowRunKind, "Trace", *trace); err != nil {
			return nil, err
		}
		return of(tx, *trace, o)
	})
}

// ObservedTags counts the tags of a run and of those that ran in it, the most frequent first;
// a text, if it is not empty, has to be in them. what is how a missing run is called.
func (c *Core) ObservedTags(ctx context.Context, who Caller, what string, run uuid.UUID, text string) ([]api.ObservedTag, error) {
	return value(ctx, c, who, func(tx *store.Tx) ([]api.ObservedTag, error) {
		span, in, err := tx.SpanRun(run)
		if errors.Is(err, store.ErrNoRows) || err == nil && what == "Trace" && in != nil {
			return nil, api.NotFound(what)
		}
		if err != nil {
			return nil, err
		}
		counts, err := tx.SpanTags(span)
		if in != nil && err == nil {
			counts, err = tx.TaskRunTags(span)
		}
		tags := []api.ObservedTag{}
		for _, tag := range slices.Sorted(maps.Keys(counts)) {
			if strings.Contains(strings.ToLower(tag), strings.ToLower(text)) {
				tags = append(tags, api.ObservedTag{Tag: tag, Count: counts[tag]})
			}
		}
		slices.SortStableFunc(tags, func(a, b api.ObservedTag) int { return cmp.Compare(b.Count, a.Count) })
		return tags, err
	})
}
