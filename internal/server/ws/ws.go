// Package ws is the WebSocket side of the control plane: events in and out, logs out,
// the worker channel, background tasks.
package ws

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
)

// Gate says who may open a socket.
type Gate interface {
	// Enter finds whom a request to open a socket comes from, and that they may do what
	// scope names: scopes in the workspace, or a permission in the account if the path names
	// only that. token is what they sent as their first frame, "" before it was read:
	// then only what the request brings counts. An error has the code
	// CodeUnauthenticated, CodeForbidden or CodeNotFound.
	Enter(r *http.Request, scope, token string) (core.Caller, error)
	// Spend takes up to n records from what the account of whoever Enter let in may send in
	// a minute. When there are none left it answers how long to wait.
	Spend(r *http.Request, token string, n int) (granted int, wait time.Duration)
	// Report writes events into the audit log of the account that the path names, in the name
	// of whoever Enter let in. Those that may not be reported are passed over.
	Report(r *http.Request, token string, events []api.ReceivedEvent) error
	// Wants says that callers must say who they are.
	Wants() bool
}

// AuditLog is what the sockets of an account tell of.
type AuditLog interface {
	// AuditEnd is the number of the last entry of an account, 0 when there is none.
	AuditEnd(ctx context.Context, account uuid.UUID) (int64, error)
	// AccountEvents lists the events of a span of time that are wanted, the newest first.
	AccountEvents(ctx context.Context, account uuid.UUID, since, until api.Time, want func(*api.ReceivedEvent) bool) ([]api.ReceivedEvent, error)
	// AuditedAfter lists some of what was written behind an entry, in order, and the number
	// of the last of them.
	AuditedAfter(ctx context.Context, account uuid.UUID, after int64) (list []api.ReceivedEvent, last int64, err error)
}

// shared is what all sockets of a server have in common.
type shared struct {
	ctx  context.Context //nolint:containedctx // outlives requests: an upgraded one has no context of its own
	core *core.Core
	gate Gate
	log  *slog.Logger
	open sync.WaitGroup

	audit AuditLog
}

// sockets serves every WebSocket endpoint, for one caller once it has entered. They end
// when ctx ends.
type sockets struct {
	*shared

	who    core.Caller
	spend  func(n int) (granted int, wait time.Duration) // see Gate
	report func(events []api.ReceivedEvent) error        // see Gate
}

// Handlers returns the sockets by their path below /api. They end when ctx ends; wait
// returns once the last of them has stored what it took. audit is nil on a server without
// accounts.
func Handlers(ctx context.Context, c *core.Core, gate Gate, audit AuditLog, log *slog.Logger) (handlers map[string]http.Handler, wait func()) {
	s := &sockets{shared: &shared{ctx: ctx, core: c, gate: gate, audit: audit, log: log}}
	paths := map[string]http.HandlerFunc{
		"/events/in":                         s.eventsIn,
		"/events/out":                        s.eventsOut,
		"/logs/out":                          s.logsOut,
		"/task_runs/subscriptions/scheduled": s.backgroundTasks,
		"/work_pools/{name}/workers/connect": s.workerChannel,
	}
	if audit != nil {
		paths["/accounts/{account_id}/events/in"], paths["/accounts/{account_id}/events/out"] = s.accountEventsIn, s.accountEventsOut
	}
	handlers = map[string]http.Handler{}
	for path, serve := range paths {
		handlers[path] = s.counted(serve)
	}
	return handlers, s.open.Wait
}

// counted lets the server wait for a socket that is open when it stops.
func (s *sockets) counted(serve http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.open.Add(1)
		defer s.open.Done()
		if s.ctx.Err() != nil {
			return
		}
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		defer context.AfterFunc(s.ctx, cancel)()
		serve(w, r.WithContext(ctx))
	})
}
