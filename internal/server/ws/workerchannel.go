package ws

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/coder/websocket"
	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/cleanup"
	"github.com/usherhq/usher/internal/server/bus"
	"github.com/usherhq/usher/internal/server/core"
	"github.com/usherhq/usher/internal/server/logs"
	"github.com/usherhq/usher/internal/server/meter"
)

// workerChannel keeps in touch with one worker: heartbeats come in, changes of its pool
// and, if it wants, word of runs to start go out.
type workerChannel struct {
	*sockets

	conn     *websocket.Conn
	hello    *workerHello
	pool     *api.WorkPoolResponse
	pushes   bool // the worker wants to hear of runs
	sequence int  // of the last snapshot

	ready   *bus.Subscription[core.RunReady]
	states  *bus.Subscription[core.RunStateChanged]
	pools   *bus.Subscription[core.WorkPoolChanged]
	asked   *bus.Subscription[core.CleanupAsked]
	outlook *core.PoolOutlook
	due     *time.Timer // fires when the next run is due

	cleanups cleanups
}

func (s *sockets) workerChannel(w http.ResponseWriter, r *http.Request) {
	conn, s := s.accept(w, r, websocket.AcceptOptions{}, channelScope)
	if conn == nil {
		return
	}
	defer conn.CloseNow() //nolint:errcheck // nothing is left to do with it
	ctx, cancel := context.WithCancel(logs.WithRequest(s.ctx, logs.Request(r.Context())))
	defer cancel()
	err := s.serveWorker(ctx, conn, r.PathValue("name"))
	var end *channelError
	switch {
	case errors.As(err, &end):
		s.core.Meter.Count(meter.WorkerCloseReasons, 1, end.reason)
		conn.Close(end.code, end.reason) //nolint:errcheck // closing
	case s.ctx.Err() != nil:
		conn.Close(errTransient.code, errTransient.reason) //nolint:errcheck // closing
	}
}

func (s *sockets) serveWorker(ctx context.Context, conn *websocket.Conn, poolName string) error {
	hello, err := readHello(ctx, conn)
	if err != nil {
		return err
	}
	c := &workerChannel{sockets: s, conn: conn, hello: hello, pushes: slices.Contains(hello.Capabilities, canRunAvailable)}
	c.subscribe()
	defer c.unsubscribe()
	if err := c.open(ctx, poolName); err != nil {
		s.core.Meter.Count(meter.WorkerConnections, 1, "setup_failed")
		return err
	}
	s.core.Meter.Count(meter.WorkerConnections, 1, "opened")
	defer s.core.Meter.Count(meter.WorkerConnections, 1, "closed")
	said, broken := make(chan saying), make(chan error, 1)
	go func() { broken <- c.listen(ctx, said) }()
	return c.serve(ctx, said, broken)
}

func readHello(ctx context.Context, conn *websocket.Conn) (*workerHello, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTime)
	defer cancel()
	hello := &workerHello{}
	_, err := readFrame(ctx, conn, func(kind string) any {
		if kind != frameHello {
			return nil
		}
		return hello
	})
	switch {
	case err != nil:
		return nil, err
	case !hello.isComplete():
		return nil, errProtocol
	case !slices.Contains(hello.Versions, channelVersion):
		return nil, errVersion
	}
	return hello, nil
}

// The buffers of a channel. What overflows is made up for by looking at the store.
const (
	runBuffer  = 256
	poolBuffer = 64
)

func (c *workerChannel) subscribe() {
	c.pools = bus.Subscribe[core.WorkPoolChanged](c.core.Bus, poolBuffer)
	c.ready = bus.Subscribe[core.RunReady](c.core.Bus, runBuffer)
	c.states = bus.Subscribe[core.RunStateChanged](c.core.Bus, runBuffer)
	c.asked = bus.Subscribe[core.CleanupAsked](c.core.Bus, poolBuffer)
}

func (c *workerChannel) unsubscribe() {
	c.pools.Close()
	c.ready.Close()
	c.states.Close()
	c.asked.Close()
}

// open introduces the worker to core and answers its hello.
func (c *workerChannel) open(ctx context.Context, poolName string) error {
	h := c.hello
	place, err := c.core.OpenChannel(ctx, c.who, &core.WorkerIntroduction{
		Pool: poolName, Name: h.WorkerName, Process: h.ConsumerID, Type: h.WorkerType, Interval: h.Interval, Queues: h.Queues,
		CreatePool: h.CreatePool, JobTemplate: h.JobTemplate,
	})
	if err != nil {
		return c.refusal(ctx, err)
	}
	c.pool, c.sequence = place.Pool, 1
	if err := c.look(ctx); err != nil {
		return err
	}
	answer := workerReady{
		ConsumerID: h.ConsumerID, Version: channelVersion, Interval: h.Interval, Queues: []resolvedQueue{}, Rejected: []string{},
		MaxCleanup: h.cleanups(), InitialState: poolSnapshot{c.sequence, "initial", place.Pool},
	}
	for _, q := range place.Queues {
		answer.Queues = append(answer.Queues, resolvedQueue{q.ID, q.Name})
	}
	c.cleanups = cleanupsOf(h, place)
	for _, capability := range h.Capabilities {
		list := &answer.Rejected
		if slices.Contains([]string{canHeartbeat, canSnapshot, canRunAvailable}, capability) || capability == canClean && h.cleanups() > 0 {
			list = &answer.Accepted
		}
		if !slices.Contains(*list, capability) {
			*list = append(*list, capability)
		}
	}
	return c.send(ctx, frameReady, answer)
}

// refusal is the reason for which a worker can't open its channel.
func (c *workerChannel) refusal(ctx context.Context, err error) error {
	switch api.CodeOf(err) {
	case api.CodeNotFound, api.CodeForbidden:
		return errUnauthorized
	case api.CodeInvalid:
		return errProtocol
	}
	c.log.ErrorContext(ctx, "a worker channel could not be opened", "worker", c.hello.WorkerName, "error", err)
	return errTransient
}

// saying is what a worker says: a heartbeat, or what it wants with a request to tear
// something down.
type saying struct {
	id      uuid.UUID // of its frame
	beat    *workerBeat
	wants   cleanup.Operation
	request *cleanupRequest
}

// listen hands on what the worker says until the connection breaks.
func (c *workerChannel) listen(ctx context.Context, said chan<- saying) error {
	for {
		var s saying
		id, err := readFrame(ctx, c.conn, s.payload)
		if err != nil {
			return err
		}
		s.id = id
		if s.beat != nil && (s.beat.ConsumerID != c.hello.ConsumerID || s.beat.WorkerName != c.hello.WorkerName || s.beat.Interval <= 0) {
			return errProtocol
		}
		if s.request != nil && !s.request.isComplete(s.wants) {
			return errProtocol
		}
		select {
		case said <- s:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// payload is what the payload of a frame of some kind goes into, nil for others than a
// worker may send.
func (s *saying) payload(kind string) any {
	if kind == frameHeartbeat {
		s.beat = &workerBeat{}
		return s.beat
	}
	wants, ok := map[string]cleanup.Operation{frameCleanupAck: cleanup.Ack, frameCleanupFree: cleanup.Release, frameCleanupRenew: cleanup.Renew}[kind]
	if !ok {
		return nil
	}
	s.wants, s.request = wants, &cleanupRequest{}
	return s.request
}

func (c *workerChannel) send(ctx context.Context, kind string, payload any) error {
	encoded, err := json.Marshal(payload)
	if err != nil {
		return err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	data, err := json.Marshal(frame{Type: kind, ID: id, SentAt: api.At(c.core.Clock()), Payload: encoded})
	if err != nil {
		return err
	}
	return c.conn.Write(ctx, websocket.MessageText, data)
}
