// Package rest is the HTTP side of the control plane: the table of routes, and one file
// per noun that decodes a request, calls core and encodes the answer. Authorization,
// limits and errors are handled here once, for every route.
package rest

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/assurance"
	"github.com/usherhq/usher/internal/server/core"
	"github.com/usherhq/usher/internal/server/identity"
	"github.com/usherhq/usher/internal/server/meter"
	"github.com/usherhq/usher/internal/server/origin"
)

// API serves the contract under /api. Sockets adds the WebSocket endpoints by path.
type API struct {
	Core    *core.Core
	Log     *slog.Logger
	Sockets map[string]http.Handler // path below /api, with {parameters}
	CORS    CORS
	Watch   Watch
	// MaxRequests is how many requests are answered at once, 0 for no bound. Others are
	// told to come again instead of waiting in memory.
	MaxRequests int
	// Identity knows who may do what; nil is a server without accounts.
	Identity *identity.Service
	// Facts say how the server is set up, for the report about security.
	Facts func() assurance.Facts
	// SessionOf reads the secret of a browser's session from a request, "" when it has
	// none; nil knows no sessions.
	SessionOf func(*http.Request) string

	running atomic.Int64
	mux     *http.ServeMux
	// inWorkspaces are the first segments, inside of a workspace's path, of the routes that
	// say who may use the server.
	inWorkspaces map[string]bool
}

// Handler returns the handler of the whole API.
func (a *API) Handler() http.Handler {
	mux := http.NewServeMux()
	a.mux = mux
	a.inWorkspaces = map[string]bool{}
	handlers := map[api.Operation]http.Handler{}
	for _, op := range api.Operations() {
		handlers[op] = http.HandlerFunc(notServed)
	}
	for _, row := range routes() {
		handlers[row.op] = a.serve(mux, row)
	}
	for op, h := range untangle(handlers) {
		register(mux, op, h)
	}
	if a.Identity == nil {
		a.localRoutes(mux)
	} else {
		for _, row := range governedRoutes() {
			a.govern(mux, row)
		}
	}
	for path, h := range a.Sockets {
		mux.Handle("GET /api"+path, h)
	}
	if a.Watch.Meter != nil {
		mux.HandleFunc("GET /api/metrics", a.metrics)
	}
	return a.watched(a.common(mux))
}

// register puts an operation on the mux. A path that ends in a slash is also redirected
// to from the one without, keeping method and body.
func register(mux *http.ServeMux, op api.Operation, h http.Handler) {
	path := "/api" + op.Path
	if bare, isCollection := strings.CutSuffix(path, "/"); isCollection {
		mux.Handle(op.Method+" "+path+"{$}", h)
		mux.HandleFunc(op.Method+" "+bare, func(w http.ResponseWriter, r *http.Request) {
			if visitorOf(r.Context()).tenant.IsZero() {
				redirect(w, r, r.URL.Path+"/")
				return
			}
			h.ServeHTTP(w, r) // some clients of the hosted service follow no redirects
		})
		return
	}
	mux.Handle(op.Method+" "+path, h)
}

// redirect sends the client to another path of ours, to which it repeats its request.
func redirect(w http.ResponseWriter, r *http.Request, path string) {
	target := url.URL{Path: origin.Path(r, path), RawQuery: r.URL.RawQuery}
	w.Header().Set("Location", origin.Host(r)+target.RequestURI())
	w.WriteHeader(http.StatusTemporaryRedirect)
}

// serve wraps a row's handler: caller, permission, limits, answer.
func (a *API) serve(mux *http.ServeMux, row route) http.Handler {
	needs, isOpen, bound := row.permission.scopes(), row.permission == "", boundOf(row)
	return http.HandlerFunc(func(w http.ResponseWriter, hr *http.Request) {
		if !a.admit(row.op) {
			a.Watch.Meter.Count(meter.Refused, 1)
			w.Header().Set("Retry-After", "1")
			writeJSON(w, hr, http.StatusServiceUnavailable, exceptionBody{"Service Unavailable"})
			return
		}
		defer a.running.Add(-1)
		r := &request{Request: hr, visitor: visitorOf(hr.Context()), writer: w, limits: row.limits, api: a}
		var out answer
		var err error
		if r.who = r.visitor.who; !isOpen {
			r.who, err = a.admitted(hr.Context(), r.visitor, needs)
		}
		if g := r.visitor.grant; err == nil && g != nil {
			if err = bound.check(a, r); err == nil {
				err = runBound(a.Core, r, row.op)
			}
			if err == nil {
				err = a.spend(r.visitor, g.Workspace.AccountID, g.Workspace.ID, identity.BucketOrchestration, 1)
			}
		}
		if err == nil {
			out, err = row.handle(a.Core, r)
		}
		if err == nil {
			err = bound.seen(r, out.body)
		}
		if err == nil {
			out, err = runSees(a.Core, r, out)
		}
		if err == nil {
			out, err = r.whole(a.Core, out)
		}
		if errors.Is(err, errNoRoute) {
			noRoute(w, hr, mux)
			return
		}
		if err != nil {
			writeError(w, hr, a.Log, api.WithBody(err, r.body))
			return
		}
		a.answerWith(w, hr, out)
	})
}

// answerWith writes an answer as what its body is.
func (a *API) answerWith(w http.ResponseWriter, r *http.Request, out answer) {
	switch body := out.body.(type) {
	case *file:
		writeFile(w, r, a.Log, body)
	case plain:
		writeRaw(w, out.status, text(string(body)))
	case raw:
		writeRaw(w, out.status, body)
	default:
		writeJSON(w, r, out.status, out.body)
	}
}

// admit lets a request in if not too many are running. Who asks whether the server lives
// is always answered. Who is let in must leave.
func (a *API) admit(op api.Operation) bool {
	if n := a.running.Add(1); a.MaxRequests == 0 || n <= int64(a.MaxRequests) || op == api.OpHealthCheck || op == api.OpPerformReadinessCheck {
		return true
	}
	a.running.Add(-1)
	return false
}

// notServed answers for operations of the contract that this release does not serve.
func notServed(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, r, http.StatusNotImplemented, detailBody{"This server does not serve " + r.Method + " " + r.URL.Path + " yet."})
}

type visitorKey struct{}

// visitorOf is who sends the request of a context.
func visitorOf(ctx context.Context) *visitor {
	v, ok := ctx.Value(visitorKey{}).(*visitor)
	if !ok {
		return &visitor{}
	}
	return v
}
