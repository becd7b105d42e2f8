package core

import (
	"context"
	"slices"
	"strconv"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/otlp"
	"github.com/usherhq/usher/internal/store"
)

// The bounds of what is kept of a flow run. When a metric has so many measurements, every
// other one is removed, and from then on every other one is kept of those that come.
const (
	mostRunMetrics = 20
	mostRunPoints  = 4000
)

// ExportMetrics stores what was measured of flow runs. What it does not take it adds to what
// in has rejected; measurements of a time of which there is one are taken and forgotten.
func (c *Core) ExportMetrics(ctx context.Context, who Caller, in *otlp.Metrics) error {
	if len(in.Runs) == 0 {
		return nil
	}
	runs := make([]uuid.UUID, len(in.Runs))
	for i := range in.Runs {
		runs[i] = in.Runs[i].ID
	}
	read := *in
	return c.write(ctx, who, func(w *work) error {
		*in = read // the transaction may be repeated
		for _, run := range runs {
			if err := w.bound(FlowRunKind, run); err != nil {
				return err
			}
		}
		deployments, err := w.DeploymentsOfRuns(runs)
		if err != nil {
			return err
		}
		known, err := w.LockRunMetrics(runs...)
		if err != nil {
			return err
		}
		for i := range in.Runs {
			r := &in.Runs[i]
			deployment, there := deployments[r.ID]
			if !there {
				in.Reject(r.Len(), "there is no flow run "+r.ID.String())
				continue
			}
			if err := w.exportRun(in, r, deployment, known); err != nil {
				return err
			}
		}
		return nil
	})
}

// exportRun stores what was measured of one run.
func (w *work) exportRun(in *otlp.Metrics, r *otlp.Run, deployment *uuid.UUID, known []store.RunMetric) error {
	known = slices.Collect(func(yield func(store.RunMetric) bool) {
		for _, m := range known {
			if m.Run == r.ID && !yield(m) {
				return
			}
		}
	})
	for _, s := range r.Series {
		i := slices.IndexFunc(known, func(m store.RunMetric) bool { return m.Name == s.Name })
		if i < 0 && len(known) >= mostRunMetrics {
			in.Reject(len(s.Points), "a flow run has at most "+strconv.Itoa(mostRunMetrics)+" metrics")
			continue
		}
		if i < 0 {
			i, known = len(known), append(known, store.RunMetric{
				Run: r.ID, Name: s.Name, Unit: s.Unit, Deployment: deployment, First: s.Points[0].At, Last: s.Points[0].At, Peak: s.Points[0].Value, Stride: 1,
			})
		}
		if err := w.addPoints(&known[i], s.Points); err != nil {
			return err
		}
	}
	return nil
}

// addPoints stores measurements of a metric.
func (w *work) addPoints(m *store.RunMetric, points []otlp.Point) error {
	if m.Seen == 0 {
		if err := w.SaveRunMetric(m); err != nil { // measurements are those of a metric
			return err
		}
	}
	for part := range slices.Chunk(points, mostRunPoints) {
		var kept []store.RunMetricPoint
		for _, p := range part {
			if m.Seen%m.Stride == 0 {
				kept = append(kept, store.RunMetricPoint{Name: m.Name, At: p.At, Value: p.Value})
			}
			m.Seen++
			m.Peak = max(m.Peak, p.Value)
		}
		if first := part[0].At; first.Before(m.First.Time) {
			m.First = first
		}
		if last := part[len(part)-1].At; last.After(m.Last.Time) {
			m.Last = last
		}
		added, err := w.AddRunMetricPoints(m.Run, kept)
		if err != nil {
			return err
		}
		for m.Stored += added; m.Stored > mostRunPoints; m.Stride *= 2 {
			gone, err := w.ThinRunMetricPoints(m.Run, m.Name)
			if err != nil {
				return err
			}
			m.Stored -= gone
		}
	}
	return w.SaveRunMetric(m)
}

// RunMetrics returns what was measured of a flow run: the metrics with some names, or all,
// and of them what was measured from since to until, which may be nil.
func (c *Core) RunMetrics(ctx context.Context, who Caller, run uuid.UUID, names []string, since, until *api.Time) (api.RunMetrics, error) {
	out := api.RunMetrics{Metrics: []api.RunMetric{}}
	err := c.read(ctx, who, func(tx *store.Tx) error {
		if err := isThere(tx, FlowRunKind, "Flow run", run); err != nil {
			return err
		}
		list, err := tx.RunMetrics(run)
		if err != nil {
			return err
		}
		points, err := tx.RunMetricPoints(run, names, since, until)
		for _, m := range list {
			if len(names) > 0 && !slices.Contains(names, m.Name) {
				continue
			}
			one := api.RunMetric{Name: m.Name, Unit: m.Unit, Points: []api.RunMetricPoint{}}
			for ; len(points) > 0 && points[0].Name == m.Name; points = points[1:] {
				one.Points = append(one.Points, api.RunMetricPoint{At: points[0].At, Value: api.Float(points[0].Value)})
			}
			out.Metrics = append(out.Metrics, one)
		}
		return err
	})
	return out, err
}

// RunMetricNames lists what was measured of a flow run.
func (c *Core) RunMetricNames(ctx context.Context, who Caller, run uuid.UUID) (api.RunMetricNames, error) {
	out := api.RunMetricNames{Names: []string{}}
	err := c.read(ctx, who, func(tx *store.Tx) error {
		if err := isThere(tx, FlowRunKind, "Flow run", run); err != nil {
			return err
		}
		list, err := tx.RunMetrics(run)
		for _, m := range list {
			out.Names = append(out.Names, m.Name)
		}
		return err
	})
	return out, err
}

// DeploymentPeaks returns the greatest values that were measured of the flow runs of a
// deployment, of those that were measured from since to until, which may be nil.
func (c *Core) DeploymentPeaks(ctx context.Context, who Caller, deployment uuid.UUID, since, until *api.Time) (api.DeploymentResourcePeaksResponse, error) {
	out := api.DeploymentResourcePeaksResponse{Peaks: []api.ResourcePeak{}}
	err := c.read(ctx, who, func(tx *store.Tx) error {
		if err := isThere(tx, DeploymentKind, "Deployment", deployment); err != nil {
			return err
		}
		list, err := tx.DeploymentPeaks(deployment, since, until)
		for _, m := range list {
			out.Peaks = append(out.Peaks, api.ResourcePeak{MetricName: m.Name, Unit: m.Unit, MaxValue: api.Float(m.Peak), FlowRunID: m.Run.String()})
		}
		return err
	})
	return out, err
}
