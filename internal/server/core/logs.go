package core

import (
	"context"
	"math"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

// Mutes say what is not to be heard: log lines, which are taken and forgotten then, what the
// sockets for log lines and events would tell, and the secrets of blocks, which are refused.
type Mutes struct{ Logs, LogsOut, EventsOut, Credentials bool }

// CreateLogs stores lines that runs wrote and publishes them as LogsWritten.
func (c *Core) CreateLogs(ctx context.Context, who Caller, lines []api.LogCreate) error {
	for i := range lines {
		if lines[i].Level > math.MaxInt16 || lines[i].Level < math.MinInt16 {
			return api.Invalid(nil, api.Violation{Type: "value_error", Loc: []any{"body", i, "level"}, Msg: "Value error, the level is out of range"})
		}
	}
	if len(lines) == 0 || c.Mutes.Logs {
		return nil
	}
	for i := range lines {
		lines[i].Message = c.Masks.Mask(lines[i].Message)
	}
	return c.write(ctx, who, func(w *work) error {
		if err := w.boundLogs(lines); err != nil {
			return err
		}
		logs, err := w.InsertLogs(lines, w.now)
		if err == nil {
			w.publish(LogsWritten{who.Workspace, logs})
		}
		return err
	})
}

// Logs lists log lines.
func (c *Core) Logs(ctx context.Context, who Caller, f *api.LogFilter, sort api.LogSort, limit, offset int) ([]api.Log, error) {
	return value(ctx, c, who, func(tx *store.Tx) ([]api.Log, error) { return tx.Logs(f, sort, limit, offset) })
}

// logPage is how many lines are read at a time.
const logPage = 5000

// EachLog calls each for the lines of a flow run, oldest first.
func (c *Core) EachLog(ctx context.Context, who Caller, run uuid.UUID, each func(*api.Log) error) error {
	var last store.LogPlace
	for {
		page, next, err := c.logsBehind(ctx, who, run, last)
		if err != nil || len(page) == 0 {
			return err
		}
		for i := range page {
			if err := each(&page[i]); err != nil {
				return err
			}
		}
		last = next
	}
}

func (c *Core) logsBehind(ctx context.Context, who Caller, run uuid.UUID, last store.LogPlace) (page []api.Log, next store.LogPlace, err error) {
	err = c.read(ctx, who, func(tx *store.Tx) (err error) {
		page, next, err = tx.LogsBehind(run, last, logPage)
		return err
	})
	return page, next, err
}
