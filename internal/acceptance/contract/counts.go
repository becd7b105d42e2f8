package contract

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/usherhq/usher/internal/acceptance/replay"
)

// CountGroup is the sequence that counts events by everything that they can be counted by.
const CountGroup = "counts"

// Counted is how many events CountGroup counts.
const Counted = 150

// counted are when the events of CountGroup occurred: around the Monday that buckets are
// aligned to, and around the edges of buckets.
func counted() (out []time.Time) {
	pivot := time.Date(2024, 4, 1, 0, 0, 0, 0, time.UTC)
	for _, monday := range []time.Time{pivot.AddDate(0, 0, -96*7), pivot} {
		out = append(out, around(monday)...)
	}
	return out
}

func around(monday time.Time) (out []time.Time) {
	for _, unit := range []time.Duration{time.Second, time.Minute, time.Hour, 24 * time.Hour, 7 * 24 * time.Hour} {
		for _, n := range []time.Duration{-2, -1, 0, 1, 2} {
			out = append(out, monday.Add(n*unit), monday.Add(n*unit+time.Second), monday.Add(n*unit-time.Second))
		}
	}
	return out
}

// CountedEvents is the request that makes the events that GenerateCounts counts.
func CountedEvents() ([]replay.Step, error) {
	events := []map[string]any{}
	for i, at := range counted() {
		resource := map[string]any{"prefect.resource.id": fmt.Sprintf("counted.%d", i%4)}
		switch i % 3 {
		case 0:
			resource["prefect.resource.name"] = fmt.Sprintf("name %d", i%2)
		case 1:
			resource["prefect.name"] = "old name"
		}
		events = append(events, map[string]any{
			"id": fmt.Sprintf("0181d1c0-0000-7000-8000-%012d", i), "event": []string{"g.one", "g.two", "h.three"}[i%5%3],
			"occurred": at.Format(time.RFC3339), "resource": resource, "payload": map[string]any{"n": i},
			"related": []any{map[string]any{"prefect.resource.id": fmt.Sprintf("beside.%d", i%3), "prefect.resource.role": "beside"}},
		})
	}
	text, err := json.Marshal(events, json.Deterministic(true))
	return []replay.Step{{Comment: "POST /events", Method: "POST", Path: "/events", Body: string(text)}}, err
}

// GenerateCounts makes n requests that count them: by each countable, in each unit, in
// intervals from the smallest to absurd ones, from and to edges of buckets and beside
// them, in zones of all kinds. Steps are ordered, as the events were stored before.
func (d *Document) GenerateCounts(seed uint64, n int) ([]replay.Step, error) {
	draw := &drawer{Rand: rand.New(rand.NewPCG(seed, 2)), doc: d, ids: map[string][]string{}}
	steps := make([]replay.Step, 0, n)
	for range n {
		path, body := draw.counting()
		text, err := json.Marshal(body, json.Deterministic(true))
		if err != nil {
			return nil, err
		}
		steps = append(steps, replay.Step{Comment: "POST /events/count-by/{countable}", Method: "POST", Path: path, Body: string(text), Ordered: true})
	}
	return steps, nil
}

// units are the lengths of the units of time.
var units = map[string]time.Duration{
	"week": 7 * 24 * time.Hour, "day": 24 * time.Hour, "hour": time.Hour, "minute": time.Minute, "second": time.Second,
}

func (d *drawer) counting() (path string, body map[string]any) {
	unit := one(d, []string{"week", "day", "hour", "minute", "second"})
	interval := one(d, []float64{1, 1, 1, 2, 3, 7, 12, 0.5, 0.25, 0.1, 1.5, 0.3, 0.333333, 1.0 / 7, 0.01, 0.009, 0, -1, 1e4, 1e7, 1e12, 1e300})
	at := one(d, counted())
	since := d.beside(at)
	length := time.Duration(min(float64(units[unit])*math.Abs(interval), float64(30*24*time.Hour)))
	until := d.beside(since.Add(length * time.Duration(d.IntN(25))))
	if d.chance(5) {
		since, until = until, since
	}
	if d.chance(5) {
		until = since.Add(2000 * length)
	}
	filter := one(d, []map[string]any{
		{}, {}, {},
		{"event": map[string]any{"prefix": []string{"g."}}},
		{"resource": map[string]any{"id": []string{"counted.1", "counted.2"}}},
		{"any_resource": map[string]any{"labels": map[string]any{"prefect.resource.name": "name*"}}},
		{"related": map[string]any{"id": []string{"beside.1"}, "role": []string{"beside"}}},
	})
	filter = maps.Clone(filter)
	filter["occurred"] = map[string]any{"since": d.inAZone(since), "until": d.inAZone(until)}
	return "/events/count-by/" + one(d, []string{"time", "time", "time", "day", "event", "resource"}),
		map[string]any{"filter": filter, "time_unit": unit, "time_interval": interval}
}

// beside is a moment, or one just before or after it.
func (d *drawer) beside(at time.Time) time.Time {
	return at.Add(one(d, []time.Duration{0, 0, 0, -time.Microsecond, time.Microsecond, time.Second, -time.Second, 37 * time.Minute}))
}

// inAZone writes a moment in some zone.
func (d *drawer) inAZone(at time.Time) string {
	zone := one(d, []int{0, 0, 5*3600 + 1800, -8 * 3600, 14 * 3600})
	return at.In(time.FixedZone("", zone)).Format("2006-01-02T15:04:05.999999Z07:00")
}
