package ws

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/coder/websocket"
	"github.com/go-json-experiment/json"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/bus"
	"github.com/usherhq/usher/internal/server/core"
)

// protocolViolation closes the sockets of task workers that do not keep to the protocol.
const protocolViolation = websocket.StatusCode(4001)

// lookAgain is how often a task worker's queue is looked at without being told: for runs
// that another server lost.
const lookAgain = 15 * time.Second

// taskSubscription says which background tasks a task worker runs.
type taskSubscription struct {
	Type   string   `json:"type"`
	Keys   []string `json:"keys"`
	Client string   `json:"client_id"`
}

// backgroundTasks hands out background task runs, one at a time: the next one when the
// last was confirmed. A run that is not confirmed goes back to the front of its queue.
func (s *sockets) backgroundTasks(w http.ResponseWriter, r *http.Request) {
	conn, s := s.accept(w, r, websocket.AcceptOptions{}, "run_tasks")
	if conn == nil {
		return
	}
	defer s.hold(conn)()
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	var sub taskSubscription
	_, frame, err := conn.Read(context.WithoutCancel(ctx)) // a stop closes in form
	if err != nil {
		return
	}
	if problem := readTaskSubscription(frame, &sub); problem != "" {
		conn.Close(protocolViolation, "Protocol violation: expected "+problem) //nolint:errcheck // refused
		return
	}
	queued := bus.Subscribe[core.TaskRunScheduled](s.core.Bus, backlog)
	defer queued.Close()
	hand := &taskHand{sockets: s, conn: conn, keys: sub.Keys, queued: queued, said: s.listen(ctx, cancel, conn)}
	switch err := hand.greet(ctx, &sub); {
	case s.ctx.Err() != nil: // it is told already
	case err == nil:
		conn.Close(websocket.StatusNormalClosure, "") //nolint:errcheck // closing
	case ctx.Err() == nil:
		s.log.Error("background tasks can't be handed out", "worker", sub.Client, "error", err)
		conn.Close(websocket.StatusInternalError, "the server failed; connect again") //nolint:errcheck // closing
	}
}

func readTaskSubscription(frame []byte, sub *taskSubscription) (problem string) {
	switch err := json.Unmarshal(frame, sub); {
	case sub.Type != "subscribe":
		return "'subscribe' message"
	case err != nil || len(sub.Keys) == 0:
		return "'keys' in subscribe message"
	case sub.Client == "":
		return "'client_id' in subscribe message"
	}
	return ""
}

// listen passes on the types of the frames that arrive, and calls gone when the
// connection has ended.
func (s *sockets) listen(ctx context.Context, gone func(), conn *websocket.Conn) <-chan string {
	words := make(chan string)
	reading := context.WithoutCancel(ctx) // an end of ctx must not cut the connection: it is closed in form
	s.open.Go(func() {
		defer gone()
		for {
			var said struct {
				Type string `json:"type"`
			}
			_, frame, err := conn.Read(reading)
			if err != nil {
				return
			}
			if err := json.Unmarshal(frame, &said); err != nil {
				said.Type = ""
			}
			select {
			case words <- said.Type:
			case <-ctx.Done():
				return
			}
		}
	})
	return words
}

// taskHand hands runs to one task worker.
type taskHand struct {
	*sockets
	conn   *websocket.Conn
	keys   []string
	queued *bus.Subscription[core.TaskRunScheduled]
	said   <-chan string
	worker *core.TaskWorker
}

// greet lists the worker and serves it until it quits (nil) or is gone.
func (h *taskHand) greet(ctx context.Context, sub *taskSubscription) (err error) {
	if h.worker, err = h.core.MeetTaskWorker(ctx, h.who, sub.Client, sub.Keys); err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendTime)
		defer cancel()
		_ = h.worker.Leave(ctx) // it is taken off the list later
	}()
	return h.serve(ctx)
}

// serve hands out runs until the worker quits (nil) or is gone.
func (h *taskHand) serve(ctx context.Context) error {
	for {
		run, err := h.core.ClaimTask(ctx, h.who, h.keys)
		if err != nil {
			return err
		}
		quits := false
		if run == nil {
			quits, err = h.wait(ctx)
		} else {
			quits, err = h.give(ctx, run)
		}
		if err != nil || quits {
			return err
		}
	}
}

// wait returns when there may be something to hand out.
func (h *taskHand) wait(ctx context.Context) (quits bool, err error) {
	again := time.NewTimer(lookAgain)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case word := <-h.said:
			if word == "quit" {
				return true, nil
			}
		case m := <-h.queued.C:
			if m.Workspace == h.who.Workspace && slices.Contains(h.keys, m.TaskKey) {
				return false, nil
			}
		case <-h.queued.Missed:
			return false, nil
		case <-again.C:
			return false, h.worker.Keep(ctx)
		}
	}
}

// give hands a run to the worker and waits until it confirms that it has it.
func (h *taskHand) give(ctx context.Context, run *api.TaskRun) (quits bool, err error) {
	sent, stop := context.WithTimeout(ctx, core.TaskClaim)
	defer stop()
	err = send(sent, h.conn, run)
	word := ""
	if err == nil {
		select {
		case <-sent.Done():
			err = sent.Err()
		case word = <-h.said:
		}
	}
	if word == "ack" {
		return false, h.worker.Confirm(context.WithoutCancel(ctx), run.ID)
	}
	if back := h.core.ReturnTask(context.WithoutCancel(ctx), h.who, run.ID, run.TaskKey); back != nil {
		return false, back
	}
	if err == nil && word != "quit" {
		h.conn.Close(protocolViolation, "Protocol violation: expected 'ack' message") //nolint:errcheck // refused
		err = context.Canceled
	}
	return word == "quit", err
}
