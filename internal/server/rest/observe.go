package rest

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/identity"
	"github.com/usherhq/usher/internal/server/meter"
	"github.com/usherhq/usher/internal/server/trace"
)

// Watch says who is told of requests: counters, a collector of spans. Both may be nil.
type Watch struct {
	Meter  *meter.Meter
	Tracer *trace.Tracer
}

// unknownRoute stands for the path of what is no route: paths that anybody can invent
// must not become series.
const unknownRoute = "unknown"

// watched tells of each request that next answers. Who watches nothing pays nothing.
func (a *API) watched(next http.Handler) http.Handler {
	debug := a.Log.Enabled(context.Background(), slog.LevelDebug)
	if a.Watch.Meter == nil && a.Watch.Tracer == nil && !debug {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen := &witness{ResponseWriter: w, method: methodOf(r), route: unknownRoute, status: http.StatusOK, start: time.Now()}
		seen.span = a.Watch.Tracer.Start(trace.Request, seen.method, r.Header.Get("Traceparent"))
		a.Watch.Meter.Begin()
		defer func() { a.tell(seen, r) }()
		next.ServeHTTP(seen, r)
	})
}

// tell reports a request that was answered.
func (a *API) tell(seen *witness, r *http.Request) {
	took, id := time.Since(seen.start), seen.Header().Get("X-Request-Id")
	a.Watch.Meter.End(seen.method, seen.route, seen.status, took)
	seen.span.Name(seen.method + " " + seen.route)
	seen.span.Set(trace.Attribute{Key: "http.request.method", Value: seen.method}, trace.Attribute{Key: "http.route", Value: seen.route},
		trace.Attribute{Key: "http.response.status_code", Value: int64(seen.status)}, trace.Attribute{Key: "usher.request_id", Value: id})
	if seen.status >= http.StatusInternalServerError {
		seen.span.Fail(http.StatusText(seen.status))
	}
	seen.span.End()
	// Without the query, which may have a token.
	a.Log.Debug("answered", "request", id, "method", r.Method, "path", r.URL.Path, "status", seen.status, "bytes", seen.bytes, "took", took)
}

// noteRoute lets who watches know which route a request has taken.
func noteRoute(w http.ResponseWriter, pattern string) {
	if seen, watched := w.(*witness); watched && pattern != "" {
		_, seen.route, _ = strings.Cut(pattern, " ")
	}
}

// methodOf is the request's method, of those that there are.
func methodOf(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
		return r.Method
	}
	return "other"
}

// witness sees what is answered.
type witness struct {
	http.ResponseWriter
	method, route string
	status, bytes int
	start         time.Time
	span          *trace.Span
}

// WriteHeader sees the status.
func (w *witness) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Write counts.
func (w *witness) Write(data []byte) (int, error) {
	n, err := w.ResponseWriter.Write(data)
	w.bytes += n
	return n, err
}

// Unwrap lets sockets take over the connection.
func (w *witness) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// metrics answers who asks how the server is doing.
func (a *API) metrics(w http.ResponseWriter, r *http.Request) {
	v := visitorOf(r.Context())
	if a.Identity != nil && !slices.ContainsFunc(v.actor.Accounts, func(g identity.AccountGrant) bool { return g.Permissions.Has("update:account") }) {
		writeError(w, r, a.Log, api.Errorf(api.CodeForbidden, "Only owners and admins may see how the server is doing."))
		return
	}
	gauges, err := a.Core.Gauges(r.Context(), v.who)
	if err != nil {
		writeError(w, r, a.Log, err)
		return
	}
	var body bytes.Buffer
	if err := a.Watch.Meter.Write(&body, gauges); err != nil {
		writeError(w, r, a.Log, err)
		return
	}
	w.Header().Set("Content-Type", meter.ContentType)
	w.Header().Set("Content-Length", strconv.Itoa(body.Len()))
	w.Write(body.Bytes()) //nolint:errcheck // the client is gone; nobody is left to tell
}
