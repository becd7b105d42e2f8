// Package ws is the WebSocket side of the control plane: events in and out, logs out,
// the worker channel, background tasks.
package ws

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/usherhq/usher/internal/server/core"
)

// Gate says who may open a socket.
type Gate interface {
	// Enter finds whom a request to open a socket comes from, and that they may do what
	// scope names. token is what they sent as their first frame, "" before it was read:
	// then only what the request brings counts. An error has the code
	// CodeUnauthenticated, CodeForbidden or CodeNotFound.
	Enter(r *http.Request, scope, token string) (core.Caller, error)
	// Spend takes up to n records from what the account of whoever Enter let in may send in
	// a minute. When there are none left it answers how long to wait.
	Spend(r *http.Request, token string, n int) (granted int, wait time.Duration)
	// Wants says that callers must say who they are.
	Wants() bool
}

// shared is what all sockets of a server have in common.
type shared struct {
	ctx  context.Context //nolint:containedctx // outlives requests: an upgraded one has no context of its own
	core *core.Core
	gate Gate
	log  *slog.Logger
	open sync.WaitGroup
}

// sockets serves every WebSocket endpoint, for one caller once it has entered. They end
// when ctx ends.
type sockets struct {
	*shared

	who   core.Caller
	spend func(n int) (granted int, wait time.Duration) // see Gate
}

// Handlers returns the sockets by their path below /api. They end when ctx ends; wait
// returns once the last of them has stored what it took.
func Handlers(ctx context.Context, c *core.Core, gate Gate, log *slog.Logger) (handlers map[string]http.Handler, wait func()) {
	s := &sockets{shared: &shared{ctx: ctx, core: c, gate: gate, log: log}}
	handlers = map[string]http.Handler{}
	for path, serve := range map[string]http.HandlerFunc{
		"/events/in":                         s.eventsIn,
		"/events/out":                        s.eventsOut,
		"/logs/out":                          s.logsOut,
		"/task_runs/subscriptions/scheduled": s.backgroundTasks,
		"/work_pools/{name}/workers/connect": s.workerChannel,
	} {
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
