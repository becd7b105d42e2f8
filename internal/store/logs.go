package store

import (
	"strings"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

var logColumns = []string{"workspace_id", "id", "created", "name", "level", "message", "timestamp", "flow_run_id", "task_run_id"}

// InsertLogs stores lines, in their order, and returns them as they are read back.
func (tx *Tx) InsertLogs(lines []api.LogCreate, now api.Time) ([]api.Log, error) {
	rows, logs := make([][]any, len(lines)), make([]api.Log, len(lines))
	for i := range lines {
		in := &lines[i]
		id, err := uuid.NewV7()
		if err != nil {
			return nil, err
		}
		logs[i] = api.Log{
			ID: id, Created: &now, Name: withoutNUL(in.Name), Level: in.Level, Message: withoutNUL(in.Message),
			Timestamp: in.Timestamp, FlowRunID: in.FlowRunID.Ptr(), TaskRunID: in.TaskRunID.Ptr(),
		}
		l := &logs[i]
		rows[i] = []any{tx.workspace, l.ID, now, l.Name, l.Level, l.Message, l.Timestamp, l.FlowRunID, l.TaskRunID}
	}
	_, err := tx.Insert("log", logColumns, rows, "")
	return logs, err
}

// withoutNUL removes what no database keeps in a text.
func withoutNUL(s string) string {
	if strings.IndexByte(s, 0) < 0 {
		return s
	}
	return strings.ReplaceAll(s, "\x00", "")
}

// Logs lists log lines.
func (tx *Tx) Logs(f *api.LogFilter, sort api.LogSort, limit, offset int) ([]api.Log, error) {
	where, page := tx.whereLogs(f), page(limit, offset)
	return many(tx, `
		select `+logSelected+`
		from log
		where `+where.sql+`
		order by `+logOrder(sort)+page.sql, append(where.args, page.args...), scanLog)
}

// LogPlace is a place in the order of a flow run's lines; the zero value is before all.
type LogPlace struct {
	at  api.Time
	seq int64
}

// LogsBehind lists up to n lines of a flow run behind a place, oldest first, and returns
// the last one's.
func (tx *Tx) LogsBehind(run uuid.UUID, place LogPlace, n int) ([]api.Log, LogPlace, error) {
	list, err := many(tx, LogsBehindSQL, []any{tx.workspace, run, place.at, place.at, place.seq, n}, func(row *Row) (api.Log, error) {
		l, err := scanLogAnd(row, &place.seq)
		place.at = l.Timestamp
		return l, err
	})
	return list, place, err
}

// LogsBehindSQL is the query of LogsBehind.
const LogsBehindSQL = `
	select ` + logSelected + `, seq
	from log
	where workspace_id = ?
	and flow_run_id = ?
	and timestamp >= ?
	and (timestamp > ? or seq > ?)
	order by timestamp, seq
	limit ?`

const logSelected = "id, created, name, level, message, timestamp, flow_run_id, task_run_id"

func scanLog(row *Row) (api.Log, error) { return scanLogAnd(row) }

// scanLogAnd scans a line from the first columns and more from the others.
func scanLogAnd(row *Row, more ...any) (l api.Log, err error) {
	columns := []any{&l.ID, &l.Created, &l.Name, &l.Level, &l.Message, &l.Timestamp, &l.FlowRunID, &l.TaskRunID}
	err = row.Scan(append(columns, more...)...)
	l.Updated = l.Created // a line never changes
	return l, err
}

// CountLogs counts what Logs lists without a limit.
func (tx *Tx) CountLogs(f *api.LogFilter) (int, error) { return tx.count("log", tx.whereLogs(f)) }
