package core

import (
	"context"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/filter"
	"github.com/usherhq/usher/internal/rules/metric"
	"github.com/usherhq/usher/internal/store"
)

// mostBins bounds the points of a series.
const mostBins = 10_000

// MetricSeries answers what a metric was, bin by bin.
func (c *Core) MetricSeries(ctx context.Context, who Caller, m api.PrefectMetric, in *api.TimeseriesMetricQueryInput, body jsontext.Value) (*api.TimeseriesMetricResponse, error) {
	q, err := c.readMetricQuery(m, in.After, in.Before, in.Timezone, in.Resource, in.Related, in.Aggregates, body)
	if err != nil {
		return nil, err
	}
	window, ok := metric.Binned(q.after.Time, q.before.Time, in.Resolution, q.zone, mostBins)
	if !ok {
		return nil, q.wrong(body, "resolution", "so much time has more than 10000 points at that resolution")
	}
	bins := make([]metric.Parts, len(window.Bins))
	err = c.read(ctx, who, func(tx *store.Tx) error {
		series, err := q.series(tx)
		if err != nil {
			return err
		}
		return q.each(tx, window, seriesIDs(series), func(r *store.Rollup) { add(&bins[window.BinOf(r.Minute)], r) })
	})
	if err != nil {
		return nil, err
	}
	out := &api.TimeseriesMetricResponse{Metric: m, Series: make([][]jsontext.Value, len(bins)), Query: api.TimeseriesMetricQueryOutput{
		After: q.after, Before: q.before, Timezone: q.zone.String(), Resource: q.resource, Related: q.related, Aggregates: in.Aggregates, Resolution: in.Resolution,
	}}
	total := metric.Parts{}
	for i, bin := range bins {
		for part, d := range bin {
			if total[part] == nil {
				total[part] = &metric.Digest{}
			}
			total[part].Merge(d)
		}
		at, err := json.Marshal(api.At(window.Bins[i]))
		if err != nil {
			return nil, err
		}
		figures, err := json.Marshal(q.figures(bin))
		if err != nil {
			return nil, err
		}
		out.Series[i] = []jsontext.Value{at, figures}
	}
	for _, figure := range q.figures(total) {
		text, err := json.Marshal(figure, json.Deterministic(true))
		if err != nil {
			return nil, err
		}
		out.Rollup = append(out.Rollup, text)
	}
	return out, nil
}

// MetricGroups answers what a metric was for each flow, deployment, work pool or tag, and
// for the runs that have none.
func (c *Core) MetricGroups(ctx context.Context, who Caller, m api.PrefectMetric, in *api.GroupedMetricQueryInput, body jsontext.Value) (*api.GroupedMetricResponse, error) {
	q, err := c.readMetricQuery(m, in.After, in.Before, in.Timezone, in.Resource, in.Related, in.Aggregates, body)
	if err != nil {
		return nil, err
	}
	order := slices.Clone(in.OrderBy.Or([]api.Ordering{}))
	for i := range order {
		if order[i].Direction == "" {
			order[i].Direction = "DESC"
		}
		if order[i].Aggregate < 0 || order[i].Aggregate >= len(q.aggregates) || order[i].Direction != "DESC" && order[i].Direction != "ASC" {
			return nil, q.wrong(body, "order_by", "it names one of the aggregates by its number, and ASC or DESC")
		}
	}
	q.byGroup = true
	groups := map[string]*metricGroup{}
	window := metric.Whole(q.after.Time, q.before.Time)
	err = c.read(ctx, who, func(tx *store.Tx) error {
		series, err := q.series(tx)
		if err != nil {
			return err
		}
		of := map[uuid.UUID][]*metricGroup{}
		for _, s := range series {
			of[s.ID] = groupsOf(groups, s.Related, in.GroupBy)
		}
		return q.each(tx, window, seriesIDs(series), func(r *store.Rollup) {
			for _, g := range of[r.Series] {
				add(&g.parts, r)
			}
		})
	})
	if err != nil {
		return nil, err
	}
	out := &api.GroupedMetricResponse{Metric: m, Results: [][]jsontext.Value{}, Query: api.GroupedMetricQueryOutput{
		After: q.after, Before: q.before, Timezone: q.zone.String(), Resource: q.resource, Related: q.related, Aggregates: in.Aggregates, GroupBy: in.GroupBy, OrderBy: order,
	}}
	var list []*metricGroup
	for _, g := range groups {
		if len(g.parts) > 0 {
			g.figures = q.figures(g.parts)
			list = append(list, g)
		}
	}
	slices.SortFunc(list, func(a, b *metricGroup) int { return a.compare(b, order) })
	for _, g := range list {
		about, err := json.Marshal(g.about, json.Deterministic(true))
		if err != nil {
			return nil, err
		}
		if g.about == nil {
			about = []byte("null")
		}
		figures, err := json.Marshal(g.figures, json.Deterministic(true))
		if err != nil {
			return nil, err
		}
		out.Results = append(out.Results, []jsontext.Value{about, figures})
	}
	return out, nil
}

// metricGroup is what is measured of the runs of one resource; of those without, about is
// nil.
type metricGroup struct {
	about   api.RelatedResource
	parts   metric.Parts
	figures []any
}

func groupsOf(groups map[string]*metricGroup, related []api.RelatedResource, role string) (out []*metricGroup) {
	group := func(id string, about api.RelatedResource) {
		if groups[id] == nil {
			groups[id] = &metricGroup{}
		}
		groups[id].about = about
		out = append(out, groups[id])
	}
	for _, r := range related {
		if r[roleLabel] == role {
			group(r["prefect.resource.id"], r)
		}
	}
	if len(out) == 0 {
		group("", nil)
	}
	return out
}

func (g *metricGroup) compare(o *metricGroup, order []api.Ordering) int {
	for _, by := range order {
		c := metric.Compare(g.figures[by.Aggregate], o.figures[by.Aggregate])
		if by.Direction == "DESC" {
			c = -c
		}
		if c != 0 {
			return c
		}
	}
	return slices.Compare([]string{g.about["prefect.resource.id"]}, []string{o.about["prefect.resource.id"]})
}

// metricQuery is a question about a metric.
type metricQuery struct {
	metric            api.PrefectMetric
	after, before     api.Time
	zone              *time.Location
	resource, related jsontext.Value
	wants             []filter.Labels
	aggregates        []metric.Aggregate
	byGroup           bool
}

func (*metricQuery) wrong(body jsontext.Value, member, problem string) error {
	return api.Invalid(body, api.Violation{Type: "value_error", Loc: []any{"body", member}, Msg: "Value error, " + problem})
}

func (c *Core) readMetricQuery(m api.PrefectMetric, after api.Time, before api.Opt[api.Time], zone api.Opt[string], resource, related api.Opt[jsontext.Value], aggregates []jsontext.Value, body jsontext.Value) (*metricQuery, error) {
	q := &metricQuery{metric: m, after: after, before: before.Or(c.now()), resource: resource.Or(jsontext.Value("{}")), related: related.Or(jsontext.Value("{}"))}
	var err error
	if q.zone, err = time.LoadLocation(zone.Or("Etc/UTC")); err != nil {
		return nil, q.wrong(body, "timezone", "there is no such time zone")
	}
	if !q.after.Before(q.before.Time) {
		return nil, q.wrong(body, "before", "it must be later than after")
	}
	if !everyFlowRun(q.resource) {
		return nil, q.wrong(body, "resource", "figures are kept by what flow runs belong to, not by run; select them by related")
	}
	if q.wants, err = relatedWants(q.related); err != nil {
		return nil, q.wrong(body, "related", err.Error())
	}
	var found []api.Violation
	if q.aggregates, found = metric.ReadAggregates(aggregates, m); len(found) > 0 {
		return nil, api.Invalid(body, found...)
	}
	return q, nil
}

// everyFlowRun says that a selection of resources leaves no flow run out.
func everyFlowRun(raw jsontext.Value) bool {
	labels, err := filter.ParseLabels(raw)
	if err != nil {
		return false
	}
	ids, byID := labels["prefect.resource.id"]
	return len(labels) == 0 || len(labels) == 1 && byID && slices.Contains(ids, "prefect.flow-run.*")
}

func relatedWants(raw jsontext.Value) (out []filter.Labels, err error) {
	list := []jsontext.Value{raw}
	if raw.Kind() == '[' {
		list = nil
		if err := json.Unmarshal(raw, &list); err != nil {
			return nil, err
		}
	}
	for _, one := range list {
		labels, err := filter.ParseLabels(one)
		if err != nil {
			return nil, err
		}
		if len(labels) > 0 {
			out = append(out, labels)
		}
	}
	return out, nil
}

// series are those that a question is about: the one of all runs if that answers it.
func (q *metricQuery) series(tx *store.Tx) ([]metric.Series, error) {
	if len(q.wants) == 0 && !q.byGroup {
		return []metric.Series{{}}, nil
	}
	list, err := tx.MetricSeries()
	return slices.DeleteFunc(list, func(s metric.Series) bool {
		return slices.ContainsFunc(q.wants, func(want filter.Labels) bool {
			return !slices.ContainsFunc(s.Related, func(r api.RelatedResource) bool { return want.Matches(r) })
		})
	}), err
}

func seriesIDs(list []metric.Series) []uuid.UUID {
	out := make([]uuid.UUID, len(list))
	for i := range list {
		out[i] = list[i].ID
	}
	return out
}

func (q *metricQuery) each(tx *store.Tx, window *metric.Window, series []uuid.UUID, each func(*store.Rollup)) error {
	for _, span := range window.Ranges {
		err := tx.EachRollup(metric.Stored(q.metric), span, series, func(r *store.Rollup) error {
			each(r)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// add adds a stored digest to the part that it is of.
func add(p *metric.Parts, r *store.Rollup) {
	if *p == nil {
		*p = metric.Parts{}
	}
	part := metric.PartOf(r.Metric)
	if (*p)[part] == nil {
		(*p)[part] = &metric.Digest{}
	}
	(*p)[part].Merge(&r.Digest)
}

func (q *metricQuery) figures(p metric.Parts) []any {
	out := make([]any, len(q.aggregates))
	for i := range q.aggregates {
		out[i] = q.aggregates[i].Figure(p)
	}
	return out
}

// level is what triggers compare with their threshold: how many, of what is counted, else
// the mean, nil when nothing was measured.
func (q *metricQuery) level(tx *store.Tx, after, before time.Time) (*float64, error) {
	series, err := q.series(tx)
	if err != nil {
		return nil, err
	}
	var parts metric.Parts
	if err := q.each(tx, metric.Whole(after, before), seriesIDs(series), func(r *store.Rollup) { add(&parts, r) }); err != nil {
		return nil, err
	}
	return metric.Level(q.metric, parts), nil
}
