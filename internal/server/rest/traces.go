package rest

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
)

var traceRoutes = []route{
	{api.OpReadSpans, "see_flows", small, readSpans},
	{api.OpReadSpanContext, "see_flows", small, readSpanContext},
	{api.OpReadTraceObservedStates, "see_flows", small, traceStates},
	{api.OpReadTraceObservedTags, "see_flows", small, observedTags("Trace", "trace_id")},
	{api.OpReadTraceObservedLoggers, "see_flows", small, traceLoggers},
	{api.OpReadSingleSpan, "see_flows", small, readSpan},
	{api.OpReadSpansByIDs, "see_flows", small, readSpansByID},
	{api.OpLookupSpanByRunID, "see_flows", small, lookupSpan},
	{api.OpReadSpanObservedTags, "see_flows", small, observedTags("Span", "span_id")},
	{api.OpReadWorkspaceObservedStates, "see_flows", small, workspaceStates},
	{api.OpReadWorkspaceObservedLoggers, "see_flows", small, workspaceLoggers},
}

// The bounds of pages of spans and of texts that are looked for.
const (
	spanPage      = 100
	mostSpans     = 1000
	spanNeighbors = 10
	mostNeighbors = 100
	longestText   = 200
	longestName   = 100
)

// spanCursor says where a page of spans begins: behind a span, in the order of the list or
// against it.
type spanCursor struct {
	Begin api.Time  `json:"begin"`
	ID    uuid.UUID `json:"id"`
	Back  bool      `json:"back,omitzero"`
}

func readSpans(c *core.Core, r *request) (answer, error) {
	trace, err := r.id("trace_id")
	if err != nil {
		return answer{}, err
	}
	var below *uuid.UUID
	if r.URL.Query().Get("parent_span_id") != "" {
		id, err := r.queryID("parent_span_id")
		if err != nil {
			return answer{}, err
		}
		below = &id
	}
	q, isDown, err := r.spanQuery()
	if err != nil {
		return answer{}, err
	}
	var at spanCursor
	limit, err := r.cursor(&at, spanPage, mostSpans)
	if err != nil {
		return answer{}, err
	}
	q.LatestDown = isDown != at.Back
	if at.ID != uuid.Nil {
		q.Behind = &core.SpanPlace{Begin: at.Begin, ID: at.ID}
	}
	list, more, err := c.Spans(r.Context(), r.who, trace, below, q, limit)
	if err != nil {
		return answer{}, err
	}
	if at.Back {
		for i, k := 0, len(list)-1; i < k; i, k = i+1, k-1 {
			list[i], list[k] = list[k], list[i]
		}
	}
	before, behind := at.ID != uuid.Nil, more
	if at.Back {
		before, behind = more, true
	}
	page, err := spansPage(c, trace, list, before, behind)
	return give(http.StatusOK, page, err)
}

// spansPage is a page of spans with its cursors.
func spansPage(c *core.Core, trace uuid.UUID, list []core.Span, before, behind bool) (page api.SpansResponse, err error) {
	if page.Spans, err = spansOf(c, trace, list); err != nil || len(list) == 0 {
		return page, err
	}
	if first := &list[0]; before {
		if page.PrevCursor, err = cursorAt(spanCursor{first.Begin, first.ID, true}); err != nil {
			return page, err
		}
	}
	if last := &list[len(list)-1]; behind {
		page.NextCursor, err = cursorAt(spanCursor{last.Begin, last.ID, false})
	}
	return page, err
}

func (r *request) spanQuery() (q core.SpanQuery, isDown bool, err error) {
	query := r.URL.Query()
	if q.Depth, err = r.queryInt("depth", -1, 0, math.MaxInt32); err != nil {
		return q, false, err
	}
	for _, entity := range query["entities"] {
		q.Types = append(q.Types, strings.ReplaceAll(entity, "_", "-"))
	}
	q.StateTypes, q.StateNames, q.Tags = query["state_types"], query["state_names"], query["tags"]
	if q.Text, err = r.shortText("query", longestText); err != nil {
		return q, false, err
	}
	direction, err := r.queryChoice("direction", "asc", "desc")
	return q, direction == "desc", err
}

// shortText reads a query parameter that has at most so many characters.
func (r *request) shortText(name string, most int) (string, error) {
	text := r.URL.Query().Get(name)
	if utf8.RuneCountInString(text) > most {
		return "", badQuery(name, "string_too_long", "String should have at most "+strconv.Itoa(most)+" characters", text)
	}
	return text, nil
}

func spansOf(c *core.Core, trace uuid.UUID, list []core.Span) ([]api.SpanResponse, error) {
	out := make([]api.SpanResponse, len(list))
	for i := range list {
		s, err := spanOf(c, trace, &list[i])
		if err != nil {
			return nil, err
		}
		out[i] = s
	}
	return out, nil
}

// spanOf is a run in the form of a span. Attributes are named as the SDK names them.
func spanOf(c *core.Core, trace uuid.UUID, s *core.Span) (out api.SpanResponse, err error) {
	text := func(id uuid.UUID) *string { t := id.String(); return &t }
	moment := func(at *api.Time) *string {
		if at == nil {
			return nil
		}
		t := at.UTC().Format(time.RFC3339Nano)
		return &t
	}
	out = api.SpanResponse{
		SpanID: text(s.ID), TraceID: text(trace), Path: make([]string, len(s.Path)), StartTime: moment(s.Start), EndTime: moment(s.End), Published: moment(&s.Updated),
		Name: s.Name, SpanType: s.Type, StateType: s.StateType, StateName: s.StateName, Version: s.RunCount, Tags: s.Tags,
	}
	if s.Parent != nil && s.ID != trace {
		out.ParentSpanID = text(*s.Parent)
	}
	for i, id := range s.Path {
		out.Path[i] = id.String()
	}
	if s.Start != nil {
		end := c.Clock()
		if s.End != nil {
			end = s.End.Time
		}
		seconds := strconv.FormatFloat(max(end.Sub(s.Start.Time), 0).Seconds(), 'f', -1, 64)
		out.RunningTime = &seconds
	}
	about := "prefect.task.key"
	if s.Type == core.FlowSpan {
		about = "prefect.flow.name"
	}
	attributes := map[string]string{"prefect.run.id": s.ID.String(), "prefect.run.name": s.Name, "prefect.run.type": strings.TrimSuffix(s.Type, "-run"), about: s.About}
	if out.Attributes, err = json.Marshal(attributes, json.Deterministic(true)); err != nil {
		return out, err
	}
	for _, states := range s.Children {
		for _, n := range states {
			out.ChildCount += n
		}
	}
	out.HasChildren = out.ChildCount > 0
	children := s.Children
	if children == nil {
		children = map[string]map[string]int{}
	}
	out.ChildStateCounts, err = json.Marshal(children, json.Deterministic(true))
	return out, err
}

func readSpanContext(c *core.Core, r *request) (answer, error) {
	trace, span, err := r.traceAndSpan()
	if err != nil {
		return answer{}, err
	}
	size, err := r.queryInt("context_size", spanNeighbors, 1, mostNeighbors)
	if err != nil {
		return answer{}, err
	}
	list, before, behind, err := c.SpanContext(r.Context(), r.who, trace, span, size)
	if err != nil {
		return answer{}, err
	}
	page, err := spansPage(c, trace, list, before, behind)
	return give(http.StatusOK, page, err)
}

func (r *request) traceAndSpan() (trace, span uuid.UUID, err error) {
	if trace, err = r.id("trace_id"); err != nil {
		return trace, span, err
	}
	span, err = r.id("span_id")
	return trace, span, err
}

func readSpan(c *core.Core, r *request) (answer, error) {
	trace, id, err := r.traceAndSpan()
	if err != nil {
		return answer{}, err
	}
	s, err := c.Span(r.Context(), r.who, trace, id)
	if err != nil {
		return answer{}, err
	}
	out, err := spanOf(c, trace, s)
	return give(http.StatusOK, out, err)
}

func readSpansByID(c *core.Core, r *request) (answer, error) {
	trace, err := r.id("trace_id")
	if err != nil {
		return answer{}, err
	}
	var ids []uuid.UUID
	for _, text := range r.URL.Query()["ids"] {
		id, err := uuid.Parse(text)
		if err != nil || len(ids) == mostSpans {
			return answer{}, badQuery("ids", "uuid_parsing", "Input should be up to "+strconv.Itoa(mostSpans)+" valid UUIDs", text)
		}
		ids = append(ids, id)
	}
	list, err := c.SpansByID(r.Context(), r.who, trace, ids)
	if err != nil {
		return answer{}, err
	}
	out, err := spansOf(c, trace, list)
	return give(http.StatusOK, out, err)
}

func lookupSpan(c *core.Core, r *request) (answer, error) {
	id, err := r.id("run_id")
	if err != nil {
		return answer{}, err
	}
	trace, span, err := c.SpanOf(r.Context(), r.who, id)
	return give(http.StatusOK, api.SpanIdentifierResponse{TraceID: trace, SpanID: span}, err)
}

func observedTags(what, parameter string) handler {
	return func(c *core.Core, r *request) (answer, error) {
		id, err := r.id(parameter)
		if err != nil {
			return answer{}, err
		}
		text, err := r.shortText("query", longestName)
		if err != nil {
			return answer{}, err
		}
		list, err := c.ObservedTags(r.Context(), r.who, what, id, text)
		return give(http.StatusOK, list, err)
	}
}

// observation reads what is to be observed.
func (r *request) observation(usual, most int) (o core.Observation, err error) {
	if o.Text, err = r.shortText("query", longestName); err != nil {
		return o, err
	}
	order, err := r.queryChoice("order_by", "LAST_SEEN_DESC", "NAME_ASC")
	if err != nil {
		return o, err
	}
	o.ByName = order == "NAME_ASC"
	o.Limit, err = r.queryInt("limit", usual, 1, most)
	return o, err
}

func traceStates(c *core.Core, r *request) (answer, error) {
	trace, err := r.id("trace_id")
	if err != nil {
		return answer{}, err
	}
	o, err := r.observation(100, 500)
	if err != nil {
		return answer{}, err
	}
	list, err := c.ObservedStates(r.Context(), r.who, &trace, o)
	return give(http.StatusOK, list, err)
}

func traceLoggers(c *core.Core, r *request) (answer, error) {
	trace, err := r.id("trace_id")
	if err != nil {
		return answer{}, err
	}
	o, err := r.observation(100, 200)
	if err != nil {
		return answer{}, err
	}
	list, err := c.ObservedLoggers(r.Context(), r.who, &trace, o)
	return give(http.StatusOK, list, err)
}

func workspaceStates(c *core.Core, r *request) (answer, error) {
	o, err := r.observation(200, 200)
	if err != nil {
		return answer{}, err
	}
	list, err := c.ObservedStates(r.Context(), r.who, nil, o)
	return give(http.StatusOK, list, err)
}

func workspaceLoggers(c *core.Core, r *request) (answer, error) {
	o, err := r.observation(200, 200)
	if err != nil {
		return answer{}, err
	}
	list, err := c.ObservedLoggers(r.Context(), r.who, nil, o)
	return give(http.StatusOK, list, err)
}
