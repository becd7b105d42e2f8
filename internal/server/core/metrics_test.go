package core_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/metric"
	"github.com/usherhq/usher/internal/server/core"
	"github.com/usherhq/usher/internal/store"
	"github.com/usherhq/usher/internal/store/storetest"
)

// measured is a measurement as the test knows it.
type measured struct {
	metric     string
	at         time.Time
	value      float64
	deployment string
	tags       []string
}

func (h *house) series(m api.PrefectMetric, text string) *api.TimeseriesMetricResponse {
	h.t.Helper()
	in := read[api.TimeseriesMetricQueryInput](h.t, text)
	return must[*api.TimeseriesMetricResponse](h.t)(h.MetricSeries(h.t.Context(), who, m, in, nil))
}

// figures reads the figures of an answer; what is null is NaN.
func figures(t *testing.T, list ...jsontext.Value) (out []float64) {
	t.Helper()
	for _, raw := range list {
		var f *float64
		if err := json.Unmarshal(raw, &f); err != nil {
			t.Fatal(err)
		}
		if f == nil {
			out = append(out, math.NaN())
			continue
		}
		out = append(out, *f)
	}
	return out
}

func isNear(got, want, tolerance float64) bool {
	return math.IsNaN(got) && math.IsNaN(want) || math.Abs(got-want) <= tolerance*math.Max(1e-6, math.Abs(want))+1e-6
}

// naive computes what the aggregates of the test are of some values.
func naive(values []float64) []float64 {
	n := float64(len(values))
	if n == 0 {
		return []float64{0, 0, math.NaN(), math.NaN(), math.NaN(), math.NaN(), math.NaN()}
	}
	slices.Sort(values)
	sum, squares := 0.0, 0.0
	for _, v := range values {
		sum, squares = sum+v, squares+v*v
	}
	return []float64{n, sum, sum / n, values[0], values[len(values)-1], math.Sqrt(math.Max(squares/n-sum/n*sum/n, 0)), values[int(0.9*(n-1))]}
}

const allAggregates = `[{"function":"COUNT"},{"function":"SUM"},{"function":"MEAN"},{"function":"MIN"},{"function":"MAX"},{"function":"STDDEV"},{"function":"QUANTILE","level":0.9}]`

// Whatever happens to runs, in whatever order it is told, figures are those that one gets by
// counting.
func TestFiguresAreThoseOfCounting(t *testing.T) {
	inHouses(t, func(h *house) {
		random := rand.New(rand.NewPCG(7, 1))
		h.ok(h.Measure(t.Context(), who)) // begins
		deployments := []*api.DeploymentResponse{h.deployment("a", `"tags":["x"]`), h.deployment("b", `"tags":["x","y"]`), h.deployment("c", "")}
		tags := [][]string{{"x"}, {"x", "y"}, nil}
		began := h.clock()
		var all []measured
		type running struct {
			id      uuid.UUID
			of      int
			started time.Time
		}
		var active []running
		for range 120 {
			switch random.IntN(6) {
			case 0, 1:
				of := random.IntN(3)
				r := h.run(deployments[of], `{}`)
				h.pass(time.Duration(random.IntN(100)) * time.Second)
				h.set(r.ID, `{"type":"PENDING"}`)
				h.set(r.ID, `{"type":"RUNNING"}`)
				h.evaluate()
				h.ok(h.Measure(t.Context(), who)) // before it is deleted: how late it is is asked of the run
				got := h.read(r.ID)
				active = append(active, running{r.ID, of, got.StartTime.Time})
				all = append(all, measured{"volume", got.StartTime.Time, 1, deployments[of].ID.String(), tags[of]})
				all = append(all, measured{"lateness", got.StartTime.Time, got.StartTime.Sub(got.ExpectedStartTime.Time).Seconds(), deployments[of].ID.String(), tags[of]})
			case 2, 3:
				if len(active) == 0 {
					continue
				}
				i := random.IntN(len(active))
				r := active[i]
				active = slices.Delete(active, i, i+1)
				h.pass(time.Duration(random.IntN(2000)) * time.Second)
				state, well := "COMPLETED", 1.0
				if random.IntN(3) == 0 {
					state, well = "FAILED", 0
				}
				h.set(r.id, `{"type":"`+state+`","name":"Odd"}`)
				ended := h.read(r.id).EndTime.Time
				isGone := random.IntN(6) == 0
				if isGone { // before anybody has looked at it
					h.ok(h.DeleteFlowRun(t.Context(), who, r.id))
				} else {
					h.evaluate()
					h.ok(h.Measure(t.Context(), who))
					all = append(all, measured{"duration", ended, ended.Sub(r.started).Seconds(), deployments[r.of].ID.String(), tags[r.of]})
				}
				all = append(all, measured{"successes", ended, well, deployments[r.of].ID.String(), tags[r.of]})
			case 4:
				h.pass(time.Duration(random.IntN(30)) * time.Minute)
				h.ok(h.Measure(t.Context(), who))
			case 5: // told much later
				of := random.IntN(3)
				at := api.At(h.clock().Add(-time.Duration(random.IntN(300)) * time.Minute))
				text, err := at.MarshalText()
				h.ok(err)
				var related string
				for _, tag := range tags[of] {
					related += `,{"prefect.resource.id":"prefect.tag.` + tag + `","prefect.resource.role":"tag"}`
				}
				e, err := core.ReadEvent([]byte(`{"occurred":"` + string(text) + `","id":"` + uuid.NewString() + `","event":"prefect.flow-run.Completed","resource":{"prefect.resource.id":"prefect.flow-run.` + uuid.NewString() +
					`","prefect.state-type":"COMPLETED"},"related":[{"prefect.resource.id":"prefect.deployment.` + deployments[of].ID.String() + `","prefect.resource.role":"deployment"}` + related + `]}`))
				h.ok(err)
				h.ok(h.Ingest(t.Context(), who, []api.ReceivedEvent{e}))
				all = append(all, measured{"successes", at.Time, 1, deployments[of].ID.String(), tags[of]})
			}
		}
		h.evaluate() // waits until all can be read
		h.ok(h.Measure(t.Context(), who))
		zones := []string{"Etc/UTC", "Europe/Berlin", "Asia/Kathmandu", "America/New_York"}
		for i := range 40 {
			m := []string{"lateness", "duration", "successes", "volume"}[i%4]
			after := began.Add(-time.Duration(random.IntN(400)) * time.Minute).Truncate(time.Minute)
			before := h.clock().Add(time.Duration(random.IntN(300)-150) * time.Minute).Truncate(time.Minute)
			if !after.Before(before) {
				continue
			}
			resolution := []int{1, 5, 15, 60, 360, 1440}[random.IntN(6)]
			of, related := random.IntN(6), `{}`
			keeps := func(measured) bool { return true }
			switch {
			case of < 3:
				related = `{"prefect.resource.id":"prefect.deployment.` + deployments[of].ID.String() + `"}`
				keeps = func(one measured) bool { return one.deployment == deployments[of].ID.String() }
			case of == 3:
				related = `[{"prefect.resource.id":"prefect.tag.x"},{"prefect.resource.id":["prefect.deployment.*"],"prefect.resource.role":"deployment"}]`
				keeps = func(one measured) bool { return slices.Contains(one.tags, "x") }
			}
			zone := zones[random.IntN(len(zones))]
			got := h.series(api.PrefectMetric(m), fmt.Sprintf(`{"after":%q,"before":%q,"timezone":%q,"related":%s,"aggregates":%s,"resolution":%d}`,
				after.Format(time.RFC3339Nano), before.Format(time.RFC3339Nano), zone, related, allAggregates, resolution))
			var values []float64
			bins := make([][]float64, len(got.Series))
			starts := make([]time.Time, len(got.Series))
			for i, point := range got.Series {
				var at api.Time
				h.ok(json.Unmarshal(point[0], &at))
				starts[i] = at.Time
			}
			for _, one := range all {
				if one.metric != m || one.at.Before(after) || !one.at.Before(before) || !keeps(one) {
					continue
				}
				values = append(values, one.value)
				for i := len(starts) - 1; i >= 0; i-- {
					if !one.at.Before(starts[i]) {
						bins[i] = append(bins[i], one.value)
						break
					}
				}
			}
			compare := func(what string, got, want []float64) {
				for i := range want {
					tolerance := 1e-6
					if i == 6 {
						tolerance = 0.021
					}
					if i == 5 {
						tolerance = 1e-3
					}
					if !isNear(got[i], want[i], tolerance) {
						t.Errorf("%s of %s by %d minutes in %s, aggregate %d: %v, counted %v", what, m, resolution, zone, i, got[i], want[i])
					}
				}
			}
			compare("all", figures(t, got.Rollup...), naive(values))
			for i, point := range got.Series {
				var list []jsontext.Value
				h.ok(json.Unmarshal(point[1], &list))
				compare("bin "+starts[i].String(), figures(t, list...), naive(bins[i]))
			}
		}
	})
}

func TestTwoServersMeasureOnce(t *testing.T) {
	inPairs(t, func(h *house, both [2]*core.Core) {
		const runs = 40
		h.ok(h.Measure(t.Context(), who))
		d := h.deployment("d", "")
		for range runs {
			id := h.run(d, `{}`).ID
			h.set(id, `{"type":"PENDING"}`)
			h.set(id, `{"type":"RUNNING"}`)
		}
		h.evaluate()
		h.together(both, func(ctx context.Context, c *core.Core) error { return c.Measure(ctx, who) })
		h.ok(h.Measure(t.Context(), who))
		got := h.series("volume", `{"after":"2026-03-02T00:00:00Z","before":"2026-03-03T00:00:00Z","aggregates":[{"function":"COUNT"}],"resolution":60}`)
		same(h, "runs", string(got.Rollup[0]), fmt.Sprint(runs))
	})
}

func TestFiguresOfGroups(t *testing.T) {
	inHouses(t, func(h *house) {
		triggers := h.started()
		h.ok(h.Measure(t.Context(), who))
		a, b := h.deployment("a", `"tags":["x"]`), h.deployment("b", `"tags":["x","y"]`)
		h.agree(a, `{"name":"quick","duration":5,"severity":"critical"}`)
		for i, d := range []*api.DeploymentResponse{a, b, b} {
			id := h.run(d, `{}`).ID
			h.set(id, `{"type":"PENDING"}`)
			h.set(id, `{"type":"RUNNING"}`)
			h.evaluate(triggers)
			h.wait(triggers, time.Duration(i+1)*10*time.Second)
			h.set(id, `{"type":"COMPLETED"}`)
		}
		h.evaluate(triggers)
		h.act()
		h.ok(h.Measure(t.Context(), who))
		groups := func(m api.PrefectMetric, by, aggregates string) (out []string) {
			in := read[api.GroupedMetricQueryInput](t, `{"after":"2026-03-02T00:00:00Z","before":"2026-03-03T00:00:00Z","group_by":"`+by+`","aggregates":`+aggregates+`,"order_by":[{"aggregate":0}]}`)
			for _, one := range must[*api.GroupedMetricResponse](t)(h.MetricGroups(t.Context(), who, m, in, nil)).Results {
				name := "none"
				if one[0].Kind() == '{' {
					about := *read[map[string]string](t, string(one[0]))
					name = about["prefect.resource.name"] + about["prefect.resource.id"][:11]
				}
				out = append(out, name+" "+string(one[1]))
			}
			return out
		}
		h.equal("deployments", groups("volume", "deployment", `[{"function":"COUNT"}]`), []string{"bprefect.dep [2]", "aprefect.dep [1]"})
		h.equal("tags", groups("volume", "tag", `[{"function":"COUNT"}]`), []string{"prefect.tag [3]", "prefect.tag [2]"})
		h.equal("pools", groups("successes", "work-pool", `[{"function":"SUM"},{"function":"COUNT_IF","operator":"==","value":1}]`), []string{"none [3,3]"})
		h.equal("ratios", groups("successes", "flow", `[{"function":"RATIO","numerator":{"function":"COUNT_IF","value":1},"denominator":{"function":"COUNT"}}]`), []string{"fprefect.flo [1]"})
		h.equal("violations", groups("sla_violations_by_severity", "deployment", `[{"function":"MAP_AGG","key":"severity","aggregate":"COUNT"}]`), []string{`aprefect.dep [{"critical":1}]`})
	})
}

// A question about a million runs is answered within a tenth of a second.
func TestFiguresOfAMillionRuns(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out the figures of a million runs, whose rows take long to plant")
	}
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		const runs, days, deployments = 1_000_000, 30, 20
		began := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
		list := make([]metric.Series, deployments)
		for i := range list {
			list[i] = metric.SeriesOf([]api.RelatedResource{{"prefect.resource.id": fmt.Sprintf("prefect.deployment.%d", i), "prefect.resource.role": "deployment"}}, true)
		}
		random := rand.New(rand.NewPCG(1, 1))
		rows := map[store.RollupKey]*metric.Digest{}
		for i := range runs {
			at, v, of := began.Add(time.Duration(i)*(days*24*time.Hour/runs)), random.ExpFloat64()*60, list[random.IntN(deployments)].ID
			for _, level := range metric.Levels[1:] {
				for _, series := range []uuid.UUID{{}, of} {
					key := store.RollupKey{Metric: "duration", Level: level, Series: series, Minute: metric.Slot(at, level)}
					if rows[key] == nil {
						rows[key] = &metric.Digest{}
					}
					rows[key].Add(v)
				}
			}
		}
		storetest.Write(t, s, func(tx *store.Tx) error {
			for _, one := range list {
				if err := tx.AddSeries(one); err != nil {
					return err
				}
			}
			return tx.AddToRollups(rows)
		})
		c := &core.Core{Store: s, Clock: time.Now}
		window := `"after":"2026-03-01T00:00:00Z","before":"2026-03-31T00:00:00Z","aggregates":` + allAggregates
		for name, ask := range map[string]func() (string, error){
			"by the hour": func() (string, error) {
				got, err := c.MetricSeries(t.Context(), who, "duration", read[api.TimeseriesMetricQueryInput](t, `{`+window+`,"resolution":60}`), nil)
				return string(got.Rollup[0]), err
			},
			"of one deployment": func() (string, error) {
				got, err := c.MetricSeries(t.Context(), who, "duration", read[api.TimeseriesMetricQueryInput](t, `{`+window+`,"resolution":360,"related":{"prefect.resource.id":"prefect.deployment.7"}}`), nil)
				return fmt.Sprint(len(got.Series)), err
			},
			"by deployment": func() (string, error) {
				got, err := c.MetricGroups(t.Context(), who, "duration", read[api.GroupedMetricQueryInput](t, `{`+window+`,"group_by":"deployment"}`), nil)
				return fmt.Sprint(len(got.Results)), err
			},
		} {
			best := time.Hour
			for range 5 {
				start := time.Now()
				if _, err := ask(); err != nil {
					t.Fatal(err)
				}
				best = min(best, time.Since(start))
			}
			t.Logf("%s: %s", name, best)
			if best > 100*time.Millisecond {
				t.Errorf("%s takes %s", name, best)
			}
		}
		if got := must[*api.TimeseriesMetricResponse](t)(c.MetricSeries(t.Context(), who, "duration", read[api.TimeseriesMetricQueryInput](t, `{`+window+`,"resolution":1440}`), nil)); string(got.Rollup[0]) != "1000000" {
			t.Errorf("it counts %s runs", got.Rollup[0])
		}
	})
}
