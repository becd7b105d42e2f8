package worker

import (
	"context"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/cleanup"
	"github.com/usherhq/usher/internal/worker/report"
)

// Killer is a Kind whose infrastructure any worker of the pool can end. The server asks for
// that when a run was cancelled and nobody stopped it in time.
type Killer interface {
	// Kill ends what the API knows by the identifier, if it executes the job's run, and waits
	// for the end. The error's code is api.CodeNotFound when it is gone, api.CodeUnavailable
	// when it is where this worker does not reach.
	Kill(ctx context.Context, job *Job, identifier string) error
}

const (
	cleanupsAtOnce = 4
	// renewAhead is how long before its end a reservation is renewed.
	renewAhead = 5 * time.Second
	// wordTime is how long the server may take to answer a word on a request, wordTries how
	// often it is said.
	wordTime  = 30 * time.Second
	wordTries = 3
	wordPause = time.Second
)

// The reasons why a request is given back. Servers show them.
const (
	notOurKind    = "unsupported_cleanup_kind"
	notReadable   = "invalid_payload"
	noHandle      = "missing_infrastructure_handle"
	noContext     = "configuration_context_unavailable"
	notReached    = "infrastructure_not_available"
	failedToClean = "handler_failed"
	noRoom        = "concurrency_limit_reached"
)

// cleanupRequest is one thing to tear down.
type cleanupRequest struct {
	ID     uuid.UUID      `json:"message_id"`
	Kind   string         `json:"kind"`
	Token  string         `json:"reservation_token"`
	Until  api.Time       `json:"lease_expires_at"`
	Target jsontext.Value `json:"target"`
}

// cleanupWord is what the worker says of a request; only who gives back has a reason.
type cleanupWord struct {
	ID     uuid.UUID `json:"message_id"`
	Token  string    `json:"reservation_token"`
	Reason string    `json:"reason,omitzero"`
}

// cleanupAnswer is what became of a word.
type cleanupAnswer struct {
	FrameID uuid.UUID `json:"request_frame_id"`
	Status  string    `json:"status"`
	Until   *api.Time `json:"lease_expires_at"`

	lease time.Duration // from the answer to Until, by the server's clock
}

const (
	statusAccepted = "accepted"
	statusError    = "error" // the server could not; the word may be said again
)

// cleaner tears down what the server asks for over one connection.
type cleaner struct {
	w    *Worker
	conn *websocket.Conn
	room chan struct{} // one for each request in hand

	mu    sync.Mutex
	asked map[uuid.UUID]chan<- cleanupAnswer // by the frame that asked
}

func (w *Worker) newCleaner(conn *websocket.Conn) *cleaner {
	return &cleaner{w: w, conn: conn, room: make(chan struct{}, cleanupsAtOnce), asked: map[uuid.UUID]chan<- cleanupAnswer{}}
}

// take begins with a request. One whose connection breaks is handed out again.
func (c *cleaner) take(ctx context.Context, f frame) {
	var r cleanupRequest
	if json.Unmarshal(f.Payload, &r) != nil || r.ID == uuid.Nil || r.Token == "" {
		return // nothing can be said of it
	}
	select {
	case c.room <- struct{}{}:
	default:
		go c.settle(ctx, &r, noRoom)
		return
	}
	go func() {
		defer func() { <-c.room }()
		c.do(ctx, &r, r.Until.Sub(f.SentAt.Time))
	}()
}

// do tears down and says so, unless the request is lost meanwhile. lease is for how long it
// is ours: the clocks of server and worker may differ.
func (c *cleaner) do(ctx context.Context, r *cleanupRequest, lease time.Duration) {
	work, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan string, 1)
	go func() { done <- c.w.tearDown(work, r) }()
	for {
		renew := time.NewTimer(max(lease-renewAhead, 0))
		select {
		case reason := <-done:
			renew.Stop()
			c.settle(ctx, r, reason)
			return
		case <-ctx.Done():
			renew.Stop()
			return
		case <-renew.C:
		}
		answer := c.say(ctx, cleanup.Renew, r, "")
		if answer.Status != statusAccepted {
			return // another worker may have it by now
		}
		lease = answer.lease
	}
}

// settle ends a request: it is done, or given back for a reason.
func (c *cleaner) settle(ctx context.Context, r *cleanupRequest, reason string) {
	if reason == "" {
		c.say(ctx, cleanup.Ack, r, "")
		return
	}
	c.say(ctx, cleanup.Release, r, reason)
}

// say says a word on a request until the server has understood it.
func (c *cleaner) say(ctx context.Context, op cleanup.Operation, r *cleanupRequest, reason string) (answer cleanupAnswer) {
	for try := range wordTries {
		if try > 0 && report.Pause(ctx, wordPause) != nil {
			break
		}
		var err error
		if answer, err = c.ask(ctx, op, cleanupWord{r.ID, r.Token, reason}); err == nil && answer.Status != statusError {
			break
		}
	}
	return answer
}

func (c *cleaner) ask(ctx context.Context, op cleanup.Operation, word cleanupWord) (cleanupAnswer, error) {
	ctx, cancel := context.WithTimeout(ctx, wordTime)
	defer cancel()
	id, heard := uuid.New(), make(chan cleanupAnswer, 1)
	c.mu.Lock()
	c.asked[id] = heard
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.asked, id)
		c.mu.Unlock()
	}()
	if err := c.w.sendAs(ctx, c.conn, id, "cleanup."+string(op)+".v1", word); err != nil {
		return cleanupAnswer{}, err
	}
	select {
	case answer := <-heard:
		return answer, nil
	case <-ctx.Done():
		return cleanupAnswer{}, ctx.Err()
	}
}

// hear hands an answer to who waits for it.
func (c *cleaner) hear(f frame) {
	var answer cleanupAnswer
	if json.Unmarshal(f.Payload, &answer) != nil {
		return
	}
	if answer.Until != nil {
		answer.lease = answer.Until.Sub(f.SentAt.Time)
	}
	c.mu.Lock()
	heard := c.asked[answer.FrameID]
	delete(c.asked, answer.FrameID)
	c.mu.Unlock()
	if heard != nil {
		heard <- answer
	}
}

// tearDown ends what a cancelled run has left, and says why it could not. It leaves the
// run's states alone: they said before that it is cancelled.
func (w *Worker) tearDown(ctx context.Context, r *cleanupRequest) (reason string) {
	killer, can := w.kind.(Killer)
	if !can || r.Kind != cleanup.CancellingTimeout {
		return notOurKind
	}
	var target struct {
		Run        uuid.UUID `json:"flow_run_id"`
		Identifier string    `json:"infrastructure_pid"`
	}
	if json.Unmarshal(r.Target, &target) != nil || target.Run == uuid.Nil {
		return notReadable
	}
	run, err := w.Client.ReadFlowRun(ctx, target.Run)
	switch {
	case api.CodeOf(err) == api.CodeNotFound:
		return ""
	case err != nil:
		return failedToClean
	case target.Identifier == "" && run.InfrastructurePID == nil:
		return "" // it was never started
	case target.Identifier == "":
		return noHandle // what runs now may be of a later attempt
	}
	if run.StateType != nil && *run.StateType == api.StateTypeCancelled {
		w.cancel(run.ID) // it may be in our own hands
	}
	x := newExecution(w, flowRunOf(run))
	x.entry = &entry{}
	if err := x.configure(ctx); err != nil {
		w.Warn("What is left of run %s can't be torn down: %v", run.Name, err)
		return noContext
	}
	err = killer.Kill(ctx, x.job, target.Identifier)
	switch api.CodeOf(err) {
	case api.CodeNotFound:
		return ""
	case api.CodeUnavailable:
		w.Warn("What is left of run %s can't be torn down from here: %v", run.Name, err)
		return notReached
	}
	if err != nil {
		w.Warn("What is left of run %s could not be torn down: %v", run.Name, err)
		return failedToClean
	}
	w.Notice("Tore down what was left of run '%s', which was cancelled and which nobody had stopped.", run.Name)
	return ""
}
