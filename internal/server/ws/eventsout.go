package ws

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/coder/websocket"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/filter"
	"github.com/usherhq/usher/internal/server/bus"
	"github.com/usherhq/usher/internal/server/core"
)

// backlog is how many messages a subscriber may fall behind before it is asked to
// connect again and read what it missed.
const backlog = 4096

// heaviest is how many bytes of messages it may fall behind.
const heaviest = 8 << 20

// maxBackfill bounds how far back a subscription to events may begin.
const maxBackfill = 15 * time.Minute

// subscription is the first frame of a client that wants to listen.
type subscription struct {
	Type     string         `json:"type"`
	Filter   jsontext.Value `json:"filter"`
	Backfill *bool          `json:"backfill"`
}

// subscribe reads the subscription and its filter into want; it answers false when it
// refused the client.
func subscribe(ctx context.Context, conn *websocket.Conn, want any) (subscription, bool) {
	var sub subscription
	_, frame, err := conn.Read(context.WithoutCancel(ctx)) // a stop closes in form
	if err != nil {
		return sub, false
	}
	if json.Unmarshal(frame, &sub) != nil || sub.Type != "filter" {
		conn.Close(websocket.StatusProtocolError, "Expected 'filter' message") //nolint:errcheck // refused
		return sub, false
	}
	if sub.Filter.Kind() == 0 || sub.Filter.Kind() == 'n' {
		conn.Close(websocket.StatusProtocolError, "Invalid filter: there is none in the message") //nolint:errcheck // refused
		return sub, false
	}
	if err := api.Decode(api.Object(sub.Filter), want); err != nil {
		conn.Close(websocket.StatusProtocolError, truncate("Invalid filter: "+err.Error())) //nolint:errcheck // refused
		return sub, false
	}
	return sub, true
}

// truncate keeps a close reason inside the protocol's bound.
func truncate(reason string) string { return reason[:min(len(reason), 120)] }

// eventsOut sends the events that match the client's filter: first those that are stored
// already, unless the client wants none, then each as it is stored.
func (s *sockets) eventsOut(w http.ResponseWriter, r *http.Request) {
	conn, s := s.accept(w, r, websocket.AcceptOptions{}, "see_events")
	if conn == nil {
		return
	}
	defer s.hold(conn)()
	want, backfill, ok := s.wanted(conn)
	if !ok {
		return
	}
	// What a burst brings to others does not count as being behind.
	mine := func(e core.Event) bool { return e.Workspace == s.who.Workspace && want.MatchesName(e.Event) }
	live := bus.SubscribeWeighed(s.core.Bus, backlog, mine, weightOfEvent, heaviest)
	defer live.Close()
	ctx, stop := s.while(conn)
	defer stop()
	ear, sent := s.core.Ear(s.who), map[uuid.UUID]bool{}
	if backfill {
		var err error
		if sent, err = s.backfill(ctx, conn, &want, ear); err != nil {
			return
		}
	}
	if s.core.Mutes.EventsOut {
		<-ctx.Done()
		return
	}
	s.pump(ctx, conn, live.Missed, func() error { return s.nextEvent(ctx, conn, live, &want, ear, sent) })
}

// wanted reads which events a client wants, and whether also those that are stored already,
// then from when on. It answers false when it refused the client.
func (s *sockets) wanted(conn *websocket.Conn) (want filter.Event, backfill, ok bool) {
	var in api.EventFilter
	sub, ok := subscribe(s.ctx, conn, &in)
	if !ok {
		return want, false, false
	}
	want, err := filter.ParseEvent(&in)
	if err != nil {
		conn.Close(websocket.StatusProtocolError, truncate("Invalid filter: "+err.Error())) //nolint:errcheck // refused
		return want, false, false
	}
	backfill = sub.Backfill == nil || *sub.Backfill
	if earliest := s.core.Clock().Add(-maxBackfill); backfill && (want.Since == nil || want.Since.Before(earliest)) {
		want.Since = &earliest
	}
	return want, backfill, true
}

// backfill sends the stored events and returns their ids.
func (s *sockets) backfill(ctx context.Context, conn *websocket.Conn, want *filter.Event, ear *core.Ear) (map[uuid.UUID]bool, error) {
	sent := map[uuid.UUID]bool{}
	err := s.core.EachEvent(ctx, s.who, want, func(e *api.ReceivedEvent) error {
		sent[e.ID] = true
		if ok, err := ear.Hears(ctx, e); err != nil || !ok {
			return err
		}
		return s.writeEvent(ctx, conn, *e)
	})
	return sent, err
}

// weightOfEvent is about how many bytes an event holds.
func weightOfEvent(e core.Event) int { return 1024 + len(e.Payload) }

func (s *sockets) nextEvent(ctx context.Context, conn *websocket.Conn, live *bus.Subscription[core.Event], want *filter.Event, ear *core.Ear, sent map[uuid.UUID]bool) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case e := <-live.C:
		live.Took(e)
		if sent[e.ID] || !want.Matches(&e.ReceivedEvent) {
			return nil
		}
		if ok, err := ear.Hears(ctx, &e.ReceivedEvent); err != nil || !ok {
			return err
		}
		return s.writeEvent(ctx, conn, e.ReceivedEvent)
	}
}

// writeEvent sends an event: with where it is to clients below an account's path.
func (s *sockets) writeEvent(ctx context.Context, conn *websocket.Conn, e api.ReceivedEvent) error {
	if s.who.Account != nil {
		e.Account, e.Workspace = s.who.Account, &s.who.Workspace
	}
	return send(ctx, conn, struct {
		Type  string             `json:"type"`
		Event *api.ReceivedEvent `json:"event"`
	}{"event", &e})
}

// while is a context that ends when the connection ends or the server stops. The stop
// does not cut the connection, so that it can be closed in form. What the client still says
// is passed over.
func (s *sockets) while(conn *websocket.Conn) (context.Context, context.CancelFunc) {
	ctx, stop := context.WithCancel(s.ctx)
	go func() {
		defer stop()
		for {
			_, frame, err := conn.Reader(context.WithoutCancel(s.ctx))
			if err == nil {
				_, err = io.Copy(io.Discard, frame)
			}
			if err != nil {
				return
			}
		}
	}()
	return ctx, stop
}

// pump calls next until it fails, the server stops, or messages were missed: then the
// client is asked to connect again, which backfills what it missed.
func (s *sockets) pump(ctx context.Context, conn *websocket.Conn, missed <-chan struct{}, next func() error) {
	for {
		select {
		case <-missed:
			conn.Close(websocket.StatusTryAgainLater, "too slow; connect again") //nolint:errcheck // closing
			return
		default:
		}
		if next() != nil {
			return
		}
	}
}

// send writes v as one text frame.
func send(ctx context.Context, conn *websocket.Conn, v any) error {
	frame, err := json.Marshal(v)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendTime) // a stop closes in form
	defer cancel()
	return conn.Write(ctx, websocket.MessageText, frame)
}

// sendTime bounds how long one frame may take to leave.
const sendTime = 20 * time.Second
