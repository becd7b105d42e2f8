package ws

import (
	"context"
	"net/http"
	"slices"

	"github.com/coder/websocket"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/filter"
	"github.com/usherhq/usher/internal/server/bus"
	"github.com/usherhq/usher/internal/server/core"
)

// logsOut sends the log lines that match the client's filter, each as it is stored.
// There is no backfill: what was stored before is read through POST /logs/filter.
func (s *sockets) logsOut(w http.ResponseWriter, r *http.Request) {
	conn, s := s.accept(w, r, websocket.AcceptOptions{}, "see_flows")
	if conn == nil {
		return
	}
	defer s.hold(conn)()
	live := bus.SubscribeWeighed(s.core.Bus, backlog, nil, weightOfLogs, heaviest)
	defer live.Close()
	var want api.LogFilter
	if _, ok := subscribe(s.ctx, conn, &want); !ok {
		return
	}
	ctx, stop := s.while(conn)
	defer stop()
	if s.core.Mutes.LogsOut {
		<-ctx.Done()
		return
	}
	s.pump(ctx, conn, live.Missed, func() error { return s.nextLogs(ctx, conn, live, &want) })
}

// weightOfLogs is about how many bytes a batch of lines holds.
func weightOfLogs(batch core.LogsWritten) int {
	sum := 0
	for i := range batch.Logs {
		sum += 256 + len(batch.Logs[i].Message)
	}
	return sum
}

func (s *sockets) nextLogs(ctx context.Context, conn *websocket.Conn, live *bus.Subscription[core.LogsWritten], want *api.LogFilter) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case batch := <-live.C:
		live.Took(batch)
		if batch.Workspace != s.who.Workspace {
			return nil
		}
		for i := range batch.Logs {
			if !wantsLog(want, &batch.Logs[i]) {
				continue
			}
			err := send(ctx, conn, struct {
				Type string   `json:"type"`
				Log  *api.Log `json:"log"`
			}{"log", &batch.Logs[i]})
			if err != nil {
				return err
			}
		}
		return nil
	}
}

// wantsLog says whether a line is in the filter; what the filter leaves out matches.
func wantsLog(f *api.LogFilter, l *api.Log) bool {
	switch {
	case f.Level != nil && (f.Level.Ge != nil && l.Level < *f.Level.Ge || f.Level.Le != nil && l.Level > *f.Level.Le):
		return false
	case f.Timestamp != nil && (f.Timestamp.After != nil && l.Timestamp.Before(f.Timestamp.After.Time) ||
		f.Timestamp.Before != nil && l.Timestamp.After(f.Timestamp.Before.Time)):
		return false
	case f.FlowRunID != nil && f.FlowRunID.Any != nil && !contains(f.FlowRunID.Any, l.FlowRunID):
		return false
	case f.TaskRunID != nil && f.TaskRunID.Any != nil && !contains(f.TaskRunID.Any, l.TaskRunID):
		return false
	case f.TaskRunID != nil && f.TaskRunID.IsNull != nil && *f.TaskRunID.IsNull != (l.TaskRunID == nil):
		return false
	case f.Text != nil && !filter.ParseText(f.Text.Query).Matches(l.Message+" "+l.Name):
		return false
	}
	return true
}

func contains(ids []uuid.UUID, id *uuid.UUID) bool { return id != nil && slices.Contains(ids, *id) }
