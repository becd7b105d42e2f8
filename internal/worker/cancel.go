package worker

import (
	"context"
	"slices"
	"time"

	"github.com/coder/websocket"
	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/worker/report"
)

const (
	cancellingEvent = flowRunPrefix + "Cancelling"
	cancelPollEvery = 10 * time.Second
	socketPingEvery = 20 * time.Second
	flowRunPrefix   = "prefect.flow-run."
)

// dueEvents tell of runs that may be taken. A worker of a pool hears of them over its channel.
var dueEvents = []string{flowRunPrefix + "Scheduled", flowRunPrefix + "Late", flowRunPrefix + "AwaitingRetry", flowRunPrefix + "AwaitingConcurrencySlot", flowRunPrefix + "Resuming"}

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
	if err := conn.Write(setup, websocket.MessageText, w.wantedEvents()); err != nil {
		return
	}
	listening, stop := context.WithCancel(ctx)
	defer stop()
	go w.ping(listening, conn, stop)
	w.askCancellations(ctx)
	w.nudge() // of what became due meanwhile nothing was heard
	for {
		_, data, err := conn.Read(listening)
		if err != nil {
			return
		}
		var message struct {
			Event struct {
				Name     string       `json:"event"`
				Resource api.Resource `json:"resource"`
			} `json:"event"`
		}
		switch err := json.Unmarshal(data, &message); {
		case err != nil:
		case message.Event.Name == cancellingEvent:
			w.cancelByResource(message.Event.Resource["prefect.resource.id"])
		case slices.Contains(dueEvents, message.Event.Name):
			w.nudge()
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

// wantedEvents is the filter of the events that the worker listens to.
func (w *Worker) wantedEvents() []byte {
	now, names := w.Now(), []string{cancellingEvent}
	filter := map[string]any{
		"occurred": map[string]any{"since": api.At(now.Add(-time.Minute)), "until": api.At(now.AddDate(1, 0, 0))},
	}
	if w.serves() {
		names = append(names, dueEvents...)
		ids := make([]string, len(w.Deployments))
		for i, id := range w.Deployments {
			ids[i] = "prefect.deployment." + id.String()
		}
		filter["related"] = map[string]any{"id": ids}
	}
	filter["event"] = map[string]any{"name": names}
	message, err := json.Marshal(map[string]any{"type": "filter", "filter": filter})
	if err != nil {
		panic(err) // plain values always encode
	}
	return message
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
