package worker

import (
	"fmt"
	"net/http"
)

// unresponsiveAfter is how many query intervals without a poll make a worker suspicious.
const unresponsiveAfter = 30

// Health answers how the worker does: GET /health (is it polling), /ready (does it know its
// pool) and /metrics for Prometheus.
func (w *Worker) Health() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(rw http.ResponseWriter, _ *http.Request) {
		last := w.lastPoll.get()
		answer(rw, last.IsZero() || w.Now().Sub(last) < unresponsiveAfter*w.Query)
	})
	mux.HandleFunc("GET /ready", func(rw http.ResponseWriter, _ *http.Request) {
		_, known := w.pool.get()
		answer(rw, known && !w.drain.isBegun())
	})
	mux.HandleFunc("GET /metrics", func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "text/plain; version=0.0.4")
		_, _ = fmt.Fprintf(rw, "# TYPE usher_worker_active_runs gauge\nusher_worker_active_runs %d\n", w.count())
	})
	return mux
}

func answer(rw http.ResponseWriter, well bool) {
	rw.Header().Set("Content-Type", "application/json")
	if !well {
		rw.WriteHeader(http.StatusServiceUnavailable)
		_, _ = fmt.Fprint(rw, `{"message":"Worker may be unresponsive at this time"}`)
		return
	}
	_, _ = fmt.Fprint(rw, `{"message":"OK"}`) // who asked may be gone
}
