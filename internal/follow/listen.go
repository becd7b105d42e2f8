package follow

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/client"
)

// listener hears what a server's sockets say, to know when to look.
type listener struct {
	client *client.Client
	wake   chan struct{} // something was said, or a socket was opened
	open   atomic.Int32  // how many sockets are
}

func newListener(c *client.Client) *listener {
	return &listener{client: c, wake: make(chan struct{}, 1)}
}

// eventsOf listens to the events that begin with prefix and mention the resource.
func (l *listener) eventsOf(ctx context.Context, resource, prefix string) {
	now := time.Now().UTC()
	filter := map[string]any{
		"any_resource": map[string]any{"id": []string{resource}},
		"occurred":     map[string]any{"since": now.Add(-time.Minute), "until": now.AddDate(1, 0, 0)},
	}
	if prefix != "" {
		filter["event"] = map[string]any{"prefix": []string{prefix}}
	}
	go l.keepListening(ctx, "/events/out", map[string]any{"type": "filter", "backfill": false, "filter": filter})
}

// logsOf listens to the log lines of the flow runs.
func (l *listener) logsOf(ctx context.Context, runs ...uuid.UUID) {
	go l.keepListening(ctx, "/logs/out", map[string]any{"type": "filter", "filter": map[string]any{
		"flow_run_id": map[string]any{"any_": runs},
	}})
}

// A socket that broke is opened again after a while, which grows.
const (
	reopenFirst = time.Second
	reopenMost  = 30 * time.Second
)

// keepListening opens the socket again whenever it breaks. A server that has no such
// socket is asked often enough anyway.
func (l *listener) keepListening(ctx context.Context, path string, filter any) {
	frame, err := json.Marshal(filter)
	if err != nil {
		return
	}
	for wait := reopenFirst; ; wait = min(2*wait, reopenMost) {
		if code := api.CodeOf(l.hear(ctx, path, frame)); code != api.CodeUnavailable && code != api.CodeInternal {
			return
		}
		if pause(ctx, wait) != nil {
			return
		}
	}
}

// hear wakes who looks whenever the socket says something, until it breaks.
func (l *listener) hear(ctx context.Context, path string, filter []byte) error {
	conn, err := l.client.Socket(ctx, path)
	if err != nil {
		return err
	}
	defer conn.CloseNow() //nolint:errcheck // nothing is left to do with it
	if err := conn.Write(ctx, websocket.MessageText, filter); err != nil {
		return err
	}
	l.open.Add(1)
	defer l.open.Add(-1)
	l.rouse()
	for {
		if _, _, err := conn.Read(ctx); err != nil {
			l.rouse() // what listens no more has to look by itself
			return err
		}
		l.rouse()
	}
}

func (l *listener) rouse() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}
