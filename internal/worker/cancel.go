package worker

import (
	"context"
	"time"

	"github.com/coder/websocket"
	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/worker/report"
)

const (
	cancellingEvent = "prefect.flow-run.Cancelling"
	cancelPollEvery = 10 * time.Second
	socketPingEvery = 20 * time.Second
	flowRunPrefix   = "prefect.flow-run."
)

// watchCancellations hears of runs that are to be cancelled: by events, and by asking while
// there is no socket, and once after each connection for what was missed.
func (w *Worker) watchCancellations(ctx context.Context) error {
	for ctx.Err() == nil {
		w.hearCancellations(ctx)
		w.askCancellations(ctx)
		if err := report.Pause(ctx, jitter(cancelPollEvery)); err != nil {
			return nil //nolint:nilerr // the worker stops
		}
	}
	return nil
}

// hearCancellations listens until the socket breaks.
func (w *Worker) hearCancellations(ctx context.Context) {
	setup, cancel := context.WithTimeout(ctx, channelSetup)
	defer cancel()
	conn, err := w.Client.Socket(setup, "/events/out")
	if err != nil {
		return
	}
	defer conn.CloseNow() //nolint:errcheck // it may be closed already
	conn.SetReadLimit(64 << 20)
	if err := conn.Write(setup, websocket.MessageText, w.cancellationFilter()); err != nil {
		return
	}
	listening, stop := context.WithCancel(ctx)
	defer stop()
	go w.ping(listening, conn, stop)
	w.askCancellations(ctx)
	for {
		_, data, err := conn.Read(listening)
		if err != nil {
			return
		}
		var message struct {
			Event struct {
				Resource api.Resource `json:"resource"`
			} `json:"event"`
		}
		if json.Unmarshal(data, &message) == nil {
			w.cancelByResource(message.Event.Resource["prefect.resource.id"])
		}
	}
}

// ping notices a connection that is gone without a word.
func (w *Worker) ping(ctx context.Context, conn *websocket.Conn, broken func()) {
	for report.Pause(ctx, socketPingEvery) == nil {
		limited, cancel := context.WithTimeout(ctx, socketPingEvery)
		err := conn.Ping(limited)
		cancel()
		if err != nil {
			broken()
			return
		}
	}
}

func (w *Worker) cancellationFilter() []byte {
	now := w.Now()
	filter, err := json.Marshal(map[string]any{"type": "filter", "filter": map[string]any{
		"event":    map[string]any{"name": []string{cancellingEvent}},
		"occurred": map[string]any{"since": api.At(now.Add(-time.Minute)), "until": api.At(now.AddDate(1, 0, 0))},
	}})
	if err != nil {
		panic(err) // plain values always encode
	}
	return filter
}

func (w *Worker) cancelByResource(id string) {
	if len(id) <= len(flowRunPrefix) {
		return
	}
	if run, err := uuid.Parse(id[len(flowRunPrefix):]); err == nil {
		w.cancel(run)
	}
}

// cancel cancels the run if it is in our hands.
func (w *Worker) cancel(run uuid.UUID) {
	w.mu.Lock()
	x := w.active[run]
	w.mu.Unlock()
	if x != nil {
		x.cancelled.begin()
	}
}

// askCancellations asks which of the runs in hand are to be cancelled.
func (w *Worker) askCancellations(ctx context.Context) {
	w.mu.Lock()
	ids := make([]uuid.UUID, 0, len(w.active))
	for id := range w.active {
		ids = append(ids, id)
	}
	w.mu.Unlock()
	for len(ids) > 0 {
		some := ids[:min(len(ids), fullAnswer)]
		ids = ids[len(some):]
		runs, err := w.Client.ReadFlowRuns(ctx, &api.ReadFlowRunsRequest{FlowRuns: &api.FlowRunFilter{
			ID:    &api.Match[uuid.UUID]{Any: some},
			State: &api.FlowRunFilterState{Type: &api.Match[api.StateType]{Any: []api.StateType{api.StateTypeCancelling}}},
		}})
		if err != nil {
			return // asked again soon
		}
		for _, run := range runs {
			w.cancel(run.ID)
		}
	}
}
