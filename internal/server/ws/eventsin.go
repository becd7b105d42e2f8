package ws

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
)

// maxBatch is how many events of one socket go into one transaction.
const maxBatch = 1000

// eventsIn takes events, one a frame. A client knows them safe when a ping it sent after
// them is answered: the pong waits until everything read before the ping is stored.
func (s *sockets) eventsIn(w http.ResponseWriter, r *http.Request) {
	s.takeEvents(w, r, "manage_events", func(ctx context.Context, s *sockets, batch []api.ReceivedEvent) error {
		return s.core.Ingest(ctx, s.who, batch)
	})
}

// accountEventsIn takes events into the audit log of an account in the same way.
func (s *sockets) accountEventsIn(w http.ResponseWriter, r *http.Request) {
	s.takeEvents(w, r, "create:audit_event", func(_ context.Context, s *sockets, batch []api.ReceivedEvent) error { return s.report(batch) })
}

func (s *sockets) takeEvents(w http.ResponseWriter, r *http.Request, scope string, keep func(context.Context, *sockets, []api.ReceivedEvent) error) {
	in := newIntake()
	conn, s := s.accept(w, r, websocket.AcceptOptions{OnPingReceived: func(context.Context, []byte) bool { return in.flushed() }}, scope)
	if conn == nil {
		return
	}
	in.keep = func(ctx context.Context, batch []api.ReceivedEvent) error { return keep(ctx, s, batch) }
	defer s.hold(conn)()
	stored := make(chan error, 1)
	go func() { stored <- in.store(s.ctx, s.spend) }()
	readErr := in.read(context.WithoutCancel(s.ctx), conn, s.log)
	in.close()
	if err := <-stored; err != nil {
		s.log.ErrorContext(r.Context(), "events could not be stored", "error", err)
		conn.Close(websocket.StatusInternalError, "events could not be stored; send them again") //nolint:errcheck // closing
		return
	}
	if websocket.CloseStatus(readErr) != -1 {
		conn.Close(websocket.StatusNormalClosure, "") //nolint:errcheck // closing
	}
}

// intake hands the events of one socket from its reader to its writer, in order.
type intake struct {
	keep func(ctx context.Context, batch []api.ReceivedEvent) error

	mu      sync.Mutex
	changed *sync.Cond
	waiting []api.ReceivedEvent
	storing bool
	closed  bool
	err     error
}

func newIntake() *intake {
	in := &intake{}
	in.changed = sync.NewCond(&in.mu)
	return in
}

// read takes frames until the connection ends. A frame that is no event is logged and
// passed over: sending it again would not mend it.
func (in *intake) read(ctx context.Context, conn *websocket.Conn, log *slog.Logger) error {
	for {
		_, frame, err := conn.Read(ctx)
		if err != nil {
			return err
		}
		event, err := core.ReadEvent(frame)
		if err != nil {
			log.Warn("a frame on /events/in is no event", "error", err)
			continue
		}
		if err := in.add(event); err != nil {
			return err
		}
	}
}

// add queues an event; it waits while the writer is behind, so that the socket pushes back.
func (in *intake) add(e api.ReceivedEvent) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	for len(in.waiting) >= 4*maxBatch && in.err == nil {
		in.changed.Wait()
	}
	in.waiting = append(in.waiting, e)
	in.changed.Broadcast()
	return in.err
}

func (in *intake) close() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.closed = true
	in.changed.Broadcast()
}

// store writes what waits, batch by batch, until the intake is closed and empty. When an
// account has sent what it may in a minute the rest waits for the next one, or is given up
// when ctx ends: its sender was not told that it is stored.
func (in *intake) store(ctx context.Context, spend func(n int) (granted int, wait time.Duration)) error {
	for {
		batch := in.next()
		if len(batch) == 0 {
			return nil
		}
		err := in.storeAll(ctx, batch, spend)
		in.mu.Lock()
		in.storing, in.err = false, err
		in.changed.Broadcast()
		in.mu.Unlock()
		if err != nil {
			return err
		}
	}
}

func (in *intake) storeAll(ctx context.Context, batch []api.ReceivedEvent, spend func(n int) (granted int, wait time.Duration)) error {
	for len(batch) > 0 {
		n, wait := spend(len(batch))
		if n == 0 {
			select {
			case <-time.After(wait):
				continue
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if err := in.keep(context.WithoutCancel(ctx), batch[:n]); err != nil {
			return err
		}
		batch = batch[n:]
	}
	return nil
}

func (in *intake) next() []api.ReceivedEvent {
	in.mu.Lock()
	defer in.mu.Unlock()
	for len(in.waiting) == 0 && !in.closed {
		in.changed.Wait()
	}
	n := min(len(in.waiting), maxBatch)
	batch := in.waiting[:n:n]
	in.waiting = in.waiting[n:]
	in.storing = n > 0
	return batch
}

// flushed waits until everything added so far is stored; false says that it never will be.
func (in *intake) flushed() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	for (len(in.waiting) > 0 || in.storing) && in.err == nil {
		in.changed.Wait()
	}
	return in.err == nil
}
