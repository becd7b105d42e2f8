package report

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/client"
)

// The levels of log records: Python's numbers.
const (
	Debug    = 10
	Info     = 20
	Warning  = 30
	Error    = 40
	Critical = 50
)

// The loggers whose records belong to a flow run.
const (
	FlowRunLogger = "prefect.flow_runs"
	WorkerLogger  = "prefect.flow_runs.worker"
	RunnerLogger  = "prefect.flow_runs.runner"
)

const (
	logInterval  = 40 * time.Millisecond // below what a person following a run would notice
	maxMessage   = 1_000_000             // bytes; the API refuses more
	maxLogBatch  = 3_000_000
	maxLogQueue  = 64_000_000
	recordWeight = 200 // what a record costs beyond its message
	finalFlush   = 5 * time.Second
	cutMark      = "... [truncated]"
)

// Logs ships log records to the API in batches.
type Logs struct{ q *queue[api.LogCreate] }

// NewLogs makes Logs; lost is told of records that the API refused.
func NewLogs(c *client.Client, lost func(n int, err error)) *Logs {
	return &Logs{newQueue(&queue[api.LogCreate]{
		interval: logInterval, maxBatch: maxLogBatch, maxQueue: maxLogQueue, failed: lost,
		size: func(r api.LogCreate) int { return len(r.Message) + recordWeight },
		send: func(ctx context.Context, batch []api.LogCreate) error {
			_, err := c.CreateLogs(ctx, batch)
			return err
		},
	})}
}

// Run ships until ctx ends, then for a few seconds what is left.
func (l *Logs) Run(ctx context.Context) error {
	l.q.run(ctx)
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), finalFlush)
	defer cancel()
	l.q.flush(last)
	return nil
}

// Add queues a record of a flow run. When the queue is full, because the API has been away
// for long, the record is dropped.
func (l *Logs) Add(logger string, run uuid.UUID, level int, at time.Time, message string) {
	l.q.add(record(logger, run, level, at, message))
}

// AddWhenRoom is Add that waits for room in the queue.
func (l *Logs) AddWhenRoom(ctx context.Context, logger string, run uuid.UUID, level int, at time.Time, message string) error {
	return l.q.addWhenRoom(ctx, record(logger, run, level, at, message))
}

// Settled waits until the API has taken everything that was added.
func (l *Logs) Settled(ctx context.Context) error { return l.q.settled(ctx) }

// Idle says that the API has taken everything that was added.
func (l *Logs) Idle() bool { return l.q.idle() }

func record(logger string, run uuid.UUID, level int, at time.Time, message string) api.LogCreate {
	message = strings.ToValidUTF8(message, "\uFFFD")
	if len(message) > maxMessage {
		cut := maxMessage - len(cutMark)
		for !utf8.RuneStart(message[cut]) {
			cut--
		}
		message = message[:cut] + cutMark
	}
	return api.LogCreate{Name: logger, Level: level, Message: message, Timestamp: api.At(at), FlowRunID: api.Some(run)}
}
