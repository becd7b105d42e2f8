package worker

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/url"
	"time"

	"github.com/coder/websocket"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/build"
	"github.com/usherhq/usher/internal/rules/cleanup"
	"github.com/usherhq/usher/internal/worker/report"
)

const (
	channelVersion     = "work_pool_worker_channel.v1"
	capabilityPush     = "usher.run_available.v1" // ours: the server says when a run is due
	capabilityCleanup  = "cleanup_delivery.v1"
	channelSetup       = 10 * time.Second
	maxChannelRedial   = 30 * time.Second
	frameHello         = "worker.hello.v1"
	frameReady         = "worker.ready.v1"
	frameHeartbeat     = "worker.heartbeat.v1"
	frameSnapshot      = "work_pool.snapshot.v1"
	frameRunsAvailable = "usher.run_available.v1"
	frameCleanup       = "cleanup.message.v1"
	frameCleanupResult = "cleanup.operation_result.v1"
)

// frame is one message of the worker channel.
type frame struct {
	Type    string         `json:"type"`
	ID      uuid.UUID      `json:"id"`
	SentAt  api.Time       `json:"sent_at"`
	Payload jsontext.Value `json:"payload"`
}

// hello introduces the worker.
type hello struct {
	ConsumerID             uuid.UUID      `json:"consumer_id"`
	WorkerName             string         `json:"worker_name"`
	WorkerType             string         `json:"worker_type"`
	HeartbeatSeconds       int            `json:"heartbeat_interval_seconds"`
	Versions               []string       `json:"supported_channel_versions"`
	Capabilities           []string       `json:"requested_capabilities"`
	Queues                 []string       `json:"work_queue_names"`
	CleanupKinds           []string       `json:"handled_cleanup_kinds"`
	MaxCleanupConcurrency  int            `json:"max_cleanup_concurrency"`
	CreatePool             bool           `json:"create_pool_if_not_found"`
	DefaultBaseJobTemplate jsontext.Value `json:"default_base_job_template"`
	Metadata               metadata       `json:"worker_metadata"`
}

type metadata struct {
	Integrations []integration `json:"integrations"`
}

type integration struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// ready is the server's answer to hello; what the worker does not use is left out.
type ready struct {
	WorkerID         *uuid.UUID `json:"worker_id"` // null where workers have no ids of their own
	HeartbeatSeconds int        `json:"effective_heartbeat_interval_seconds"`
	Snapshot         snapshot   `json:"initial_snapshot"`
}

type snapshot struct {
	Sequence int                  `json:"snapshot_sequence"`
	WorkPool api.WorkPoolResponse `json:"work_pool"`
}

// errNoChannel says that the server will not have the channel, so there is no use in
// asking again.
var errNoChannel = errors.New("the server does not offer the worker channel")

// keepInTouch keeps the pool known and the worker alive in the server's eyes: over the
// channel where there is one, else by asking every heartbeat.
func (w *Worker) keepInTouch(ctx context.Context) error {
	wanted, redial := true, time.Second
	for ctx.Err() == nil {
		if wanted {
			began := w.Now()
			err := w.holdChannel(ctx)
			wanted = !errors.Is(err, errNoChannel)
			if w.Now().Sub(began) > maxChannelRedial {
				redial = time.Second
			}
		}
		if ctx.Err() != nil {
			break
		}
		if err := w.syncOnce(ctx); err != nil {
			return err
		}
		wait := jitter(w.Heartbeat)
		if wanted {
			wait, redial = redial, min(2*redial, maxChannelRedial)
		}
		if report.Pause(ctx, wait) != nil {
			break
		}
	}
	return nil
}

// syncOnce is syncPool whose passing failures are only worth a warning.
func (w *Worker) syncOnce(ctx context.Context) error {
	err := w.syncPool(ctx)
	switch {
	case err == nil || ctx.Err() != nil:
		return nil //nolint:nilerr // the worker stops
	case report.Passing(err) || api.CodeOf(err) == api.CodeInternal:
		w.Warn("The worker could not report to the API and tries again: %v", err)
		return nil
	}
	return err
}

// jitter spreads a wait, so that many workers don't ask at once.
func jitter(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.7 + 0.6*rand.Float64())) //nolint:gosec // spread, not secrecy
}

// holdChannel opens the channel and serves it until it breaks.
func (w *Worker) holdChannel(ctx context.Context) error {
	setup, cancel := context.WithTimeout(ctx, channelSetup)
	defer cancel()
	conn, err := w.Client.Socket(setup, "/work_pools/"+url.PathEscape(w.Pool)+"/workers/connect")
	if err != nil {
		return channelError(err)
	}
	defer conn.CloseNow() //nolint:errcheck // it may be closed already
	if err := w.send(setup, conn, frameHello, w.hello()); err != nil {
		return channelError(err)
	}
	first, err := receive(setup, conn)
	if err != nil {
		return channelError(err)
	}
	var answer ready
	if first.Type != frameReady || json.Unmarshal(first.Payload, &answer) != nil || answer.Snapshot.WorkPool.Name == "" {
		return errNoChannel
	}
	w.pool.setWorkerID(answer.WorkerID)
	w.learnPool(answer.Snapshot.WorkPool)
	return w.serveChannel(ctx, conn, answer)
}

func (w *Worker) serveChannel(ctx context.Context, conn *websocket.Conn, r ready) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		defer cancel()
		w.beatChannel(ctx, conn, time.Duration(max(r.HeartbeatSeconds, 1))*time.Second)
	}()
	seen, cleaner := r.Snapshot.Sequence, w.newCleaner(conn)
	for {
		f, err := receive(ctx, conn)
		if err != nil {
			return channelError(err)
		}
		switch f.Type {
		case frameRunsAvailable:
			w.nudge()
		case frameSnapshot:
			var s snapshot
			if json.Unmarshal(f.Payload, &s) == nil && s.Sequence > seen {
				seen = s.Sequence
				w.learnPool(s.WorkPool)
			}
		case frameCleanup:
			cleaner.take(ctx, f)
		case frameCleanupResult:
			cleaner.hear(f)
		}
	}
}

func (w *Worker) beatChannel(ctx context.Context, conn *websocket.Conn, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		beat := map[string]any{"consumer_id": w.id, "worker_name": w.Name, "heartbeat_interval_seconds": int(w.Heartbeat.Seconds())}
		if w.send(ctx, conn, frameHeartbeat, beat) != nil {
			return // the reader sees the broken connection too
		}
	}
}

func (w *Worker) hello() hello {
	queues := w.Queues
	if queues == nil {
		queues = []string{}
	}
	h := hello{
		ConsumerID: w.id, WorkerName: w.Name, WorkerType: w.kind.Name(), HeartbeatSeconds: max(int(w.Heartbeat.Seconds()), 1),
		Versions: []string{channelVersion}, Capabilities: []string{"worker_heartbeat.v1", "work_pool_snapshot.v1", capabilityPush},
		Queues: queues, CleanupKinds: []string{}, CreatePool: w.CreatePool, DefaultBaseJobTemplate: w.template(),
		Metadata: metadata{[]integration{{"usher", build.Version()}, {"usher-" + w.kind.Name(), build.Version()}}},
	}
	if _, can := w.kind.(Killer); can {
		h.Capabilities = append(h.Capabilities, capabilityCleanup)
		h.CleanupKinds, h.MaxCleanupConcurrency = []string{cleanup.CancellingTimeout}, cleanupsAtOnce
	}
	return h
}

func (w *Worker) send(ctx context.Context, conn *websocket.Conn, kind string, payload any) error {
	return w.sendAs(ctx, conn, uuid.New(), kind, payload)
}

// sendAs sends a frame of that id, which its answer names.
func (w *Worker) sendAs(ctx context.Context, conn *websocket.Conn, id uuid.UUID, kind string, payload any) error {
	encoded, err := json.Marshal(payload)
	if err != nil {
		return err
	}
	data, err := json.Marshal(frame{Type: kind, ID: id, SentAt: api.At(w.Now()), Payload: encoded})
	if err != nil {
		return err
	}
	return conn.Write(ctx, websocket.MessageText, data)
}

func receive(ctx context.Context, conn *websocket.Conn) (frame, error) {
	_, data, err := conn.Read(ctx)
	if err != nil {
		return frame{}, err
	}
	var f frame
	return f, json.Unmarshal(data, &f)
}

// channelError tells a server that will never have the channel from one that may later.
func channelError(err error) error {
	switch websocket.CloseStatus(err) {
	case websocket.StatusPolicyViolation, websocket.StatusProtocolError:
		return errNoChannel
	}
	switch api.CodeOf(err) {
	case api.CodeNotFound, api.CodeUnauthenticated, api.CodeForbidden, api.CodeUnsupported:
		return errNoChannel
	}
	return err
}
