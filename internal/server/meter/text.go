package meter

import (
	"bytes"
	"cmp"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// ContentType is that of what Write writes.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// Gauge is something that is looked up when it is asked for. With a label, Values has a
// value for each of its values.
type Gauge struct {
	Name, Help, Label string
	Values            map[string]float64
}

// Write tells all that was counted, and the gauges.
func (m *Meter) Write(w io.Writer, gauges []Gauge) error {
	var out text
	for i, f := range families {
		out.family(f)
		m.writeCells(&out, Name(i))
	}
	m.writeRequests(&out)
	for _, g := range append(process(), gauges...) {
		out.family(family{name: g.Name, kind: "gauge", help: g.Help})
		for _, value := range slices.Sorted(maps.Keys(g.Values)) {
			out.sample(g.Name, g.Values[value], pair(g.Label, value)...)
		}
	}
	_, err := w.Write(out.Bytes())
	return err
}

func pair(label, value string) []string {
	if label == "" {
		return nil
	}
	return []string{label, value}
}

// writeCells writes one family; what has no labels is there from the beginning.
func (m *Meter) writeCells(out *text, name Name) {
	f := families[name]
	if len(f.labels) == 0 {
		m.cell(name, nil)
	}
	each(&m.cells[name], func(a, b values) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) }, func(key values, cell *atomic.Int64) {
		var labels []string
		for i, label := range f.labels {
			labels = append(labels, label, key[i])
		}
		out.sample(f.name, float64(cell.Load()), labels...)
	})
}

func (m *Meter) writeRequests(out *text) {
	out.family(family{name: "usher_http_requests_in_flight", kind: "gauge", help: "Requests that are being answered."})
	out.sample("usher_http_requests_in_flight", float64(m.inFlight.Load()))
	out.family(family{name: "usher_http_requests_total", kind: "counter", help: "Requests by route and status."})
	byRoute := func(a, b requestKey) int {
		return cmp.Or(cmp.Compare(a.route, b.route), cmp.Compare(a.method, b.method), cmp.Compare(a.status, b.status))
	}
	each(&m.requests, byRoute, func(key requestKey, n *atomic.Int64) {
		out.sample("usher_http_requests_total", float64(n.Load()), "method", key.method, "route", key.route, "status", strconv.Itoa(key.status))
	})
	const name = "usher_http_request_duration_seconds"
	out.family(family{name: name, kind: "histogram", help: "How long requests took, by route."})
	each(&m.latency, cmp.Compare[string], func(route string, h *histogram) {
		var total int64
		for i := range h.buckets {
			total += h.buckets[i].Load()
			bound := "+Inf"
			if i < len(bounds) {
				bound = number(bounds[i].Seconds())
			}
			out.sample(name+"_bucket", float64(total), "route", route, "le", bound)
		}
		out.sample(name+"_sum", time.Duration(h.sum.Load()).Seconds(), "route", route)
		out.sample(name+"_count", float64(total), "route", route)
	})
}

// each visits what a map has, in order.
func each[K comparable, V any](cells *sync.Map, compare func(a, b K) int, visit func(K, V)) {
	var keys []K
	cells.Range(func(key, _ any) bool {
		keys = append(keys, key.(K))
		return true
	})
	slices.SortFunc(keys, compare)
	for _, key := range keys {
		cell, _ := cells.Load(key)
		visit(key, cell.(V))
	}
}

// text is what is told.
type text struct{ bytes.Buffer }

func (t *text) family(f family) {
	t.WriteString("# HELP " + f.name + " " + f.help + "\n# TYPE " + f.name + " " + f.kind + "\n")
}

// sample writes one value; labels are names and values in turn.
func (t *text) sample(name string, value float64, labels ...string) {
	t.WriteString(name)
	for i := 0; i < len(labels); i += 2 {
		before := ","
		if i == 0 {
			before = "{"
		}
		t.WriteString(before + labels[i] + `="` + escape(labels[i+1]) + `"`)
	}
	if len(labels) > 0 {
		t.WriteByte('}')
	}
	t.WriteString(" " + number(value) + "\n")
}

func escape(value string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(value)
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
