// Package meter counts what the control plane does, and tells it in the text format of
// Prometheus. Counting takes no lock; a nil Meter counts nothing.
package meter

import (
	"sync"
	"sync/atomic"
	"time"
)

// Name is one of the things that are counted.
type Name int

// What is counted. Those that begin with Worker and Cleanup are the reference's.
const (
	Refused Name = iota
	Events
	Polls
	HandedOut
	Turns
	LastTurn
	WorkerConnections
	WorkerCloseReasons
	WorkerSnapshots
	WorkerHeartbeatFailures
	WorkerCleanups
	CleanupDeadLetters
	CleanupExpirations
	CleanupOperations
)

// family is the metric of a name.
type family struct {
	name, kind, help string
	labels           []string
}

var families = [...]family{
	Refused:                 {"usher_http_requests_refused_total", "counter", "Requests that were refused because too many were running.", nil},
	Events:                  {"usher_events_accepted_total", "counter", "Events that were stored.", nil},
	Polls:                   {"usher_worker_polls_total", "counter", "Times that workers and runners asked for runs.", nil},
	HandedOut:               {"usher_flow_runs_handed_out_total", "counter", "Runs in the answers to those who asked for runs.", nil},
	Turns:                   {"usher_service_turns_total", "counter", "Turns of services by how they ended.", []string{"service", "result"}},
	LastTurn:                {"usher_service_last_turn_timestamp_seconds", "gauge", "When a service's last turn ended.", []string{"service"}},
	WorkerConnections:       {"prefect_worker_channel_connections_total", "counter", "Worker channels that were opened, closed, or not set up.", []string{"event"}},
	WorkerCloseReasons:      {"prefect_worker_channel_close_reasons_total", "counter", "Why the server closed worker channels.", []string{"reason"}},
	WorkerSnapshots:         {"prefect_worker_channel_snapshots_total", "counter", "Snapshots of work pools for worker channels.", []string{"event"}},
	WorkerHeartbeatFailures: {"prefect_worker_channel_heartbeat_failures_total", "counter", "Heartbeats of workers that could not be stored.", nil},
	WorkerCleanups:          {"prefect_worker_channel_cleanup_deliveries_total", "counter", "Requests to tear down that were handed to workers.", []string{"status"}},
	CleanupDeadLetters:      {"prefect_worker_cleanup_queue_dead_letters_total", "counter", "Requests to tear down that were given up.", []string{"kind", "reason"}},
	CleanupExpirations:      {"prefect_worker_cleanup_queue_lease_expirations_total", "counter", "Requests to tear down of which a worker did not say in time what became of them.", []string{"result"}},
	CleanupOperations:       {"prefect_worker_cleanup_queue_operations_total", "counter", "What workers wanted with requests to tear down.", []string{"operation", "status"}},
}

// values are those of a family's labels, in order.
type values [2]string

// Meter is one server's counters.
type Meter struct {
	cells    [len(families)]sync.Map // values → *atomic.Int64
	requests sync.Map                // requestKey → *atomic.Int64
	latency  sync.Map                // route → *histogram
	inFlight atomic.Int64
}

// Count adds n to what has a name, for the values of its labels.
func (m *Meter) Count(name Name, n int, labels ...string) {
	if m != nil {
		m.cell(name, labels).Add(int64(n))
	}
}

// Set makes what has a name n.
func (m *Meter) Set(name Name, n int64, labels ...string) {
	if m != nil {
		m.cell(name, labels).Store(n)
	}
}

func (m *Meter) cell(name Name, labels []string) *atomic.Int64 {
	var key values
	copy(key[:], labels)
	return load[atomic.Int64](&m.cells[name], key)
}

// load finds the value of a key, or makes it.
func load[T any](cells *sync.Map, key any) *T {
	if cell, ok := cells.Load(key); ok {
		return cell.(*T)
	}
	cell, _ := cells.LoadOrStore(key, new(T))
	return cell.(*T)
}

// requestKey is what requests are told apart by.
type requestKey struct {
	method, route string
	status        int
}

// bounds of the histogram of latencies.
var bounds = [...]time.Duration{
	time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2500 * time.Millisecond, 10 * time.Second,
}

// histogram counts by how long something took. The last bucket is for what took longer.
type histogram struct {
	buckets [len(bounds) + 1]atomic.Int64
	sum     atomic.Int64 // of nanoseconds
}

func (h *histogram) observe(took time.Duration) {
	i := 0
	for i < len(bounds) && took > bounds[i] {
		i++
	}
	h.buckets[i].Add(1)
	h.sum.Add(int64(took))
}

// Begin notes that a request has come.
func (m *Meter) Begin() {
	if m != nil {
		m.inFlight.Add(1)
	}
}

// End notes that a request that has come was answered. The route is its pattern, not its
// path: what anybody may choose must not make new series.
func (m *Meter) End(method, route string, status int, took time.Duration) {
	if m == nil {
		return
	}
	m.inFlight.Add(-1)
	load[atomic.Int64](&m.requests, requestKey{method, route, status}).Add(1)
	load[histogram](&m.latency, route).observe(took)
}
