package follow

import (
	"context"
	"time"

	"github.com/coder/websocket"
	"github.com/go-json-experiment/json"

	"github.com/usherhq/usher/internal/api"
)

// listen lets the server's sockets wake the watch.
func (w *watch) listen(ctx context.Context) {
	now := time.Now().UTC()
	go w.keepListening(ctx, "/events/out", map[string]any{"type": "filter", "backfill": false, "filter": map[string]any{
		"any_resource": map[string]any{"id": []string{"prefect.flow-run." + w.id.String()}},
		"occurred":     map[string]any{"since": now.Add(-time.Minute), "until": now.AddDate(1, 0, 0)},
	}})
	if !w.options.Logs {
		return
	}
	go w.keepListening(ctx, "/logs/out", map[string]any{"type": "filter", "filter": map[string]any{
		"flow_run_id": map[string]any{"any_": []string{w.id.String()}},
	}})
}

// A socket that broke is opened again after a while, which grows.
const (
	reopenFirst = time.Second
	reopenMost  = 30 * time.Second
)

// keepListening opens the socket again whenever it breaks. A server that has no such
// socket is asked often enough anyway.
func (w *watch) keepListening(ctx context.Context, path string, filter any) {
	frame, err := json.Marshal(filter)
	if err != nil {
		return
	}
	for wait := reopenFirst; ; wait = min(2*wait, reopenMost) {
		if code := api.CodeOf(w.hear(ctx, path, frame)); code != api.CodeUnavailable && code != api.CodeInternal {
			return
		}
		if pause(ctx, wait) != nil {
			return
		}
	}
}

// hear wakes the watch whenever the socket says something, until it breaks.
func (w *watch) hear(ctx context.Context, path string, filter []byte) error {
	conn, err := w.client.Socket(ctx, path)
	if err != nil {
		return err
	}
	defer conn.CloseNow() //nolint:errcheck // nothing is left to do with it
	if err := conn.Write(ctx, websocket.MessageText, filter); err != nil {
		return err
	}
	for {
		if _, _, err := conn.Read(ctx); err != nil {
			return err
		}
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
}
