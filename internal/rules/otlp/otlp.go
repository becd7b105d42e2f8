// Package otlp reads what OpenTelemetry sends about the resources that runs use: a request to
// export metrics, as protobuf or as JSON. It reads gauges and sums; see
// https://opentelemetry.io/docs/specs/otlp/.
package otlp

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// Metrics are the measurements of a request.
type Metrics struct {
	Runs     []Run // each run once
	Rejected int   // measurements that are not taken
	Why      string
}

// Reject counts measurements that are not taken; the first reason is told.
func (m *Metrics) Reject(n int, why string) {
	if m.Rejected += n; n > 0 {
		m.Why = cmp.Or(m.Why, why)
	}
}

// Run is what was measured of a flow run.
type Run struct {
	ID     uuid.UUID
	Series []Series // each name once
}

// Len is how many measurements there are of a run.
func (r *Run) Len() (n int) {
	for i := range r.Series {
		n += len(r.Series[i].Points)
	}
	return n
}

// Series are the measurements of a metric, the earliest first, one of each time.
type Series struct {
	Name, Unit string
	Points     []Point
}

// Point is a measurement. Its value is finite.
type Point struct {
	At    api.Time
	Value float64
}

// The bounds of the texts of a metric, in bytes.
const (
	longestName = 200
	longestUnit = 60
)

// resource is what a request says of one resource.
type resource struct {
	run     string // the id, "" for none
	metrics []metric
}

type metric struct {
	name, unit string
	points     []point
	others     int // of kinds that are not read
}

type point struct {
	nanoseconds uint64 // since 1970
	value       float64
	hasValue    bool
}

// runAttribute names the attribute of a resource that is the id of a flow run.
const runAttribute = "prefect.flow-run.id"

// metrics sorts out what a request has.
func metrics(resources []resource) *Metrics {
	out := &Metrics{}
	for _, r := range resources {
		id, err := uuid.Parse(r.run)
		for i := range r.metrics {
			m := &r.metrics[i]
			out.Reject(m.others, "only gauges and sums are taken")
			switch {
			case err != nil:
				out.Reject(len(m.points), "the resource has no attribute "+runAttribute+" that is an id")
			case m.name == "" || len(m.name) > longestName || len(m.unit) > longestUnit || !isText(m.name) || !isText(m.unit):
				out.Reject(len(m.points), "a metric has a name of 1 to "+strconv.Itoa(longestName)+" bytes and a unit of at most "+strconv.Itoa(longestUnit))
			default:
				out.add(id, m)
			}
		}
	}
	for i := range out.Runs {
		for k := range out.Runs[i].Series {
			s := &out.Runs[i].Series[k]
			slices.SortStableFunc(s.Points, func(a, b Point) int { return a.At.Compare(b.At.Time) })
			n := len(s.Points)
			s.Points = slices.CompactFunc(s.Points, func(a, b Point) bool { return a.At.Equal(b.At.Time) })
			out.Reject(n-len(s.Points), "a metric of a run has one measurement of a time")
		}
	}
	return out
}

func isText(s string) bool { return utf8.ValidString(s) && !slices.Contains([]byte(s), 0) }

func (m *Metrics) add(run uuid.UUID, from *metric) {
	var points []Point
	for _, p := range from.points {
		if !p.hasValue || math.IsNaN(p.value) || math.IsInf(p.value, 0) || p.nanoseconds == 0 || p.nanoseconds > math.MaxInt64 {
			m.Reject(1, "a measurement has a time and a finite value")
			continue
		}
		points = append(points, Point{api.At(time.Unix(0, int64(p.nanoseconds))), p.value})
	}
	if len(points) == 0 {
		return
	}
	i := slices.IndexFunc(m.Runs, func(r Run) bool { return r.ID == run })
	if i < 0 {
		i, m.Runs = len(m.Runs), append(m.Runs, Run{ID: run})
	}
	r := &m.Runs[i]
	k := slices.IndexFunc(r.Series, func(s Series) bool { return s.Name == from.name })
	if k < 0 {
		k, r.Series = len(r.Series), append(r.Series, Series{Name: from.name, Unit: from.unit})
	}
	r.Series[k].Points = append(r.Series[k].Points, points...)
}
