// Package follow watches a flow run until it ends: its states and log lines as they
// come. It listens to the server's sockets to know when to look and reads what is new
// through the API, so it misses nothing where a server has no sockets, only later.
package follow

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/find"
)

// Sink takes what happens, in its order. Its functions may be nil.
type Sink struct {
	State   func(*api.FlowRunResponse) // the run has a new state
	Logs    func([]api.Log)            // new lines, oldest first
	Trouble func(error)                // the API can't be reached; watching goes on
}

// Options bound the watching.
type Options struct {
	Poll time.Duration // between looks when no socket says anything; 0 means a second
	Logs bool          // read log lines
}

// Run watches a flow run until it has ended, and returns it as it was then.
func Run(ctx context.Context, c *client.Client, id uuid.UUID, o Options, sink Sink) (*api.FlowRunResponse, error) {
	if o.Poll == 0 {
		o.Poll = time.Second
	}
	listening, stop := context.WithCancel(ctx)
	defer stop()
	w := &watch{client: c, id: id, options: o, sink: sink, sockets: newListener(c)}
	w.sockets.eventsOf(listening, "prefect.flow-run."+id.String(), "")
	if o.Logs {
		w.sockets.logsOf(listening, id)
	}
	return w.untilEnd(ctx)
}

type watch struct {
	client  *client.Client
	id      uuid.UUID
	options Options
	sink    Sink
	sockets *listener
	reached time.Time            // when the API answered last
	state   uuid.UUID            // the last one seen
	untold  *api.FlowRunResponse // has a state that is not told yet
	after   api.Time             // of the last line told
	told    memory
	ending  ending
}

func (w *watch) untilEnd(ctx context.Context) (*api.FlowRunResponse, error) {
	for {
		run, lines, err := w.look(ctx)
		wait := w.options.Poll
		switch {
		case err != nil && !bearable(ctx, w.reached, err):
			return run, err
		case err != nil && w.sink.Trouble != nil:
			w.sink.Trouble(err)
		case err == nil && Ended(run):
			var over bool
			if wait, over = w.isOver(ctx, run, lines); over {
				w.tellState()
				return run, nil
			}
		}
		if err := w.rest(ctx, wait); err != nil {
			return run, err
		}
	}
}

// isOver reports whether a run that has ended says nothing more, or how long to wait.
func (w *watch) isOver(ctx context.Context, run *api.FlowRunResponse, lines int) (wait time.Duration, over bool) {
	now := time.Now()
	if !w.options.Logs {
		return 0, true
	}
	if w.ending.ended.IsZero() {
		w.ending.ended = now
		w.ending.engine = !endedLongAgo(run, now) && w.runsEngine(ctx, run)
	}
	return w.ending.wait(run, lines, now)
}

// patience is how long an API that was there may be away.
const patience = 2 * time.Minute

// bearable reports whether the error may pass: a server is started anew now and then. reached
// is when it answered last.
func bearable(ctx context.Context, reached time.Time, err error) bool {
	return ctx.Err() == nil && api.CodeOf(err) == api.CodeUnavailable && time.Since(reached) <= patience
}

// Ended says that a run has reached its last state.
func Ended(run *api.FlowRunResponse) bool {
	if run.StateType == nil {
		return false
	}
	switch *run.StateType {
	case api.StateTypeCompleted, api.StateTypeFailed, api.StateTypeCrashed, api.StateTypeCancelled:
		return true
	}
	return false
}

// look reads what is new and tells it.
func (w *watch) look(ctx context.Context) (run *api.FlowRunResponse, lines int, err error) {
	read, err := w.client.ReadFlowRun(ctx, w.id)
	if err != nil {
		return nil, 0, err
	}
	w.reached = time.Now()
	if read.StateID != nil && *read.StateID != w.state {
		w.state, w.untold = *read.StateID, &read
	}
	if w.options.Logs {
		lines, err = w.readLogs(ctx)
	}
	if !w.options.Logs || !Ended(&read) { // the last state comes when all lines from before it are in
		w.tellState()
	}
	return &read, lines, err
}

func (w *watch) tellState() {
	if w.untold != nil && w.sink.State != nil {
		w.sink.State(w.untold)
	}
	w.untold = nil
}

// overlap is how far a look for lines reaches back: lines are stored by several senders,
// so not in the order of their times.
const overlap = 10 * time.Second

func (w *watch) readLogs(ctx context.Context) (told int, err error) {
	filter := &api.LogFilter{FlowRunID: &api.Match[uuid.UUID]{Any: []uuid.UUID{w.id}}}
	if !w.after.IsZero() {
		since := api.At(w.after.Add(-overlap))
		filter.Timestamp = &api.Span{After: &since}
	}
	for offset := 0; ; offset += find.PageSize {
		page, err := w.client.ReadLogs(ctx, &api.ReadLogsRequest{
			Logs: filter, Sort: api.Some(api.LogSortTimestampAsc), Limit: api.Some(find.PageSize), Offset: api.Some(offset),
		})
		if err != nil {
			return told, err
		}
		told += w.tell(page)
		if len(page) < find.PageSize {
			return told, nil
		}
	}
}

// tell hands the lines that are new to the sink, and the state where it belongs among them.
func (w *watch) tell(page []api.Log) (told int) {
	var fresh []api.Log
	for _, l := range page {
		if !w.told.add(l.ID, l.Timestamp.Time) {
			continue
		}
		if w.untold != nil && w.untold.State != nil && l.Timestamp.After(w.untold.State.Timestamp.Time) {
			w.tellLines(fresh)
			w.tellState()
			fresh = nil
		}
		fresh = append(fresh, l)
		told++
		w.ending.hear(&l)
		if l.Timestamp.After(w.after.Time) {
			w.after = l.Timestamp
		}
	}
	w.tellLines(fresh)
	return told
}

func (w *watch) tellLines(lines []api.Log) {
	if len(lines) > 0 && w.sink.Logs != nil {
		w.sink.Logs(lines)
	}
}

// memory knows which lines were told, for as long as they may be read again.
type memory struct {
	young, old map[uuid.UUID]bool
	since      time.Time
}

// add notes a line and reports whether it is new.
func (m *memory) add(id uuid.UUID, at time.Time) bool {
	if m.young == nil || at.Sub(m.since) > 2*overlap {
		m.old, m.young, m.since = m.young, map[uuid.UUID]bool{}, at
	}
	if m.young[id] || m.old[id] {
		return false
	}
	m.young[id] = true
	return true
}

// shortest is the time between two looks, however much there is to see.
const shortest = 100 * time.Millisecond

// rest waits until a socket says something, at most d.
func (w *watch) rest(ctx context.Context, d time.Duration) error {
	if err := pause(ctx, min(d, shortest)); err != nil {
		return err
	}
	timer := time.NewTimer(d - shortest)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-w.sockets.wake:
	case <-timer.C:
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
