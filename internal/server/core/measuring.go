package core

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/metric"
	"github.com/usherhq/usher/internal/store"
)

const (
	// metricsReader names the cursor of who makes figures of events.
	metricsReader = "metrics"
	// mostSeries bounds the series of a workspace: tags of runs beyond that are left out.
	mostSeries = 20_000
	// measuredAtOnce is how many events become figures in one transaction.
	measuredAtOnce = 500
)

// Measure makes figures of the events that were stored since it was last called, each once,
// whichever server does it.
func (c *Core) Measure(ctx context.Context, who Caller) error {
	for {
		more, err := c.measureSome(ctx, who)
		if err != nil || !more {
			return err
		}
	}
}

func (c *Core) measureSome(ctx context.Context, who Caller) (more bool, err error) {
	var from, to store.Place
	var events []*api.ReceivedEvent
	times := map[uuid.UUID]*metric.Run{}
	err = c.read(ctx, who, func(tx *store.Tx) error {
		if from, err = tx.Cursor(metricsReader); err != nil {
			return err
		}
		heads, err := tx.EventHeads(from, headBatch)
		if err != nil {
			return err
		}
		to = from
		var wanted []uuid.UUID
		for _, h := range heads {
			if len(wanted) == measuredAtOnce {
				more = true
				break
			}
			to = h.Place
			if metric.MayMatter(h.Event) {
				wanted = append(wanted, h.ID)
			}
		}
		more = more || len(heads) == headBatch
		if len(wanted) == 0 {
			return nil
		}
		byID, err := tx.EventsByID(wanted)
		if err != nil {
			return err
		}
		var runs []uuid.UUID
		for _, id := range wanted { // in the order in which they were stored
			e := byID[id]
			if e == nil {
				continue
			}
			events = append(events, e)
			if run, ok := idOfKind(e.Resource["prefect.resource.id"], "flow-run"); ok {
				runs = append(runs, run)
			}
		}
		slices.SortFunc(runs, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
		times, err = tx.RunTimes(slices.Compact(runs))
		return err
	})
	if errors.Is(err, store.ErrNoRows) {
		return false, c.write(ctx, who, func(w *work) error { return w.StartCursor(metricsReader, w.now) })
	}
	if err != nil || to == from {
		return false, err
	}
	err = c.write(ctx, who, func(w *work) error {
		moved, err := w.MoveCursor(metricsReader, from, to, w.now)
		if err != nil || !moved {
			return err // who has moved it has counted them
		}
		return w.measure(events, times)
	})
	return more, err
}

// measure adds what events tell to the figures.
func (w *work) measure(events []*api.ReceivedEvent, times map[uuid.UUID]*metric.Run) error {
	series := map[uuid.UUID]metric.Series{}
	var ids []uuid.UUID
	for _, e := range events {
		s := metric.SeriesOf(e.Related, true)
		if _, known := series[s.ID]; !known {
			series[s.ID], ids = s, append(ids, s.ID)
		}
	}
	unknown, stored, err := w.UnknownSeries(ids)
	if err != nil {
		return err
	}
	for i, id := range unknown {
		s := series[id]
		if stored+i >= mostSeries {
			s = metric.SeriesOf(s.Related, false)
			series[id] = s
		}
		if err := w.AddSeries(s); err != nil {
			return err
		}
	}
	fresh := map[store.RollupKey]*metric.Digest{}
	for _, e := range events {
		run, _ := idOfKind(e.Resource["prefect.resource.id"], "flow-run")
		of := series[metric.SeriesOf(e.Related, true).ID].ID
		for _, sample := range metric.Measure(e, times[run]) {
			for _, level := range metric.Levels {
				for _, s := range []uuid.UUID{{}, of} {
					key := store.RollupKey{Metric: sample.Metric, Level: level, Series: s, Minute: metric.Slot(sample.At, level)}
					if fresh[key] == nil {
						fresh[key] = &metric.Digest{}
					}
					fresh[key].Add(sample.Value)
				}
			}
		}
	}
	return w.AddToRollups(fresh)
}

// metricsKept is how long digests of a level are kept.
var metricsKept = map[int64]time.Duration{1: 14 * 24 * time.Hour, 15: 90 * 24 * time.Hour, 60: 2 * 365 * 24 * time.Hour, 1440: 2 * 365 * 24 * time.Hour}

// dropOldMetrics removes the figures that are not to be kept any more.
func (c *Core) dropOldMetrics(ctx context.Context, who Caller) error {
	series, err := value(ctx, c, who, (*store.Tx).MetricSeries)
	if err != nil || len(series) == 0 {
		return err
	}
	ids := []uuid.UUID{{}}
	for _, s := range series {
		ids = append(ids, s.ID)
	}
	var names []string
	for _, m := range api.PrefectMetric("").Values() {
		names = append(names, metric.Stored(api.PrefectMetric(m))...)
	}
	slices.Sort(names)
	for _, level := range metric.Levels {
		before := metric.Slot(c.Clock().Add(-metricsKept[level]), level)
		for some := range slices.Chunk(ids, 100) {
			if err := c.write(ctx, who, func(w *work) error { return w.DeleteRollups(slices.Compact(names), level, before, some) }); err != nil {
				return err
			}
		}
	}
	return nil
}
