package store

import (
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store/dialect"
)

// What is removed for its age, a part at a time.

// DeleteEvents removes up to limit events that occurred before a time, those of one name
// or, with "", of all, and says how many. It passes over what another server is removing.
func (tx *Tx) DeleteEvents(name string, before api.Time, limit int) (int64, error) {
	sql, args := oldEvents(), []any{tx.workspace, before, limit}
	if name != "" {
		sql, args = oldEventsNamed(tx.D()), []any{tx.workspace, nameTerm(name), name, before, limit}
	}
	if !tx.sql.Returns() {
		if err := tx.mentionAll(); err != nil {
			return 0, err
		}
	}
	var ids []uuid.UUID
	var said mentions
	err := tx.Query(sql+tx.D().SkipLocked("event"), args, func(row *Row) error {
		var seq int64
		e, err := scanEventAnd(row, &seq)
		ids = append(ids, e.ID)
		said.event(&e, seq)
		return err
	})
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	if _, err := tx.deleteOf("event_resource", "event_id", ids); err != nil { // of an earlier version
		return 0, err
	}
	n, err := tx.deleteOf("event", "id", ids)
	if err != nil {
		return 0, err
	}
	return n, tx.forgetMentions(&said)
}

func oldEvents() string {
	return "select " + eventColumns + `, event.seq
		from event
		where event.workspace_id = ?
		and event.occurred < ?
		order by event.occurred
		limit ?`
}

func oldEventsNamed(d dialect.SQL) string {
	return "select " + eventColumns + `, event.seq
		from event_mention
		cross join event
		where event_mention.workspace_id = ?
		and event_mention.term = ?
		and event.seq between event_mention.first_seq and event_mention.last_seq
		and ` + d.Plain("event.workspace_id") + ` = event_mention.workspace_id
		and event.event = ?
		and ` + d.Plain("event.occurred") + ` < ?
		order by event_mention.first_seq, event.seq
		limit ?`
}

// OldFlowRuns lists up to limit runs that ended before a time. Subflows stay as long as
// the task run that stands for them.
func (tx *Tx) OldFlowRuns(before api.Time, limit int) ([]uuid.UUID, error) {
	where := all(tx.old(before), is("parent_task_run_id is null"))
	return many(tx, oldest("flow_run", "end_time", where), append(where.args, limit), scanID)
}

func (tx *Tx) old(before api.Time) condition {
	return all(tx.own("flow_run"), is("end_time < ?", before), is("state_type in "+over))
}

// DeleteOldFlowRuns removes those of the flow runs that still are as OldFlowRuns found
// them. Their task runs should be gone: see DeleteTaskRunsOf.
func (tx *Tx) DeleteOldFlowRuns(before api.Time, ids []uuid.UUID) error {
	where := all(tx.old(before), oneOf("id", ids))
	_, err := tx.Exec("delete from flow_run\nwhere "+where.sql, where.args...)
	return err
}

// DeleteTaskRunsOf removes up to limit task runs of flow runs and says how many.
func (tx *Tx) DeleteTaskRunsOf(runs []uuid.UUID, limit int) (int64, error) {
	where := all(tx.own("task_run"), oneOf("flow_run_id", runs))
	ids, err := many(tx, "select id\nfrom task_run\nwhere "+where.sql+"\nlimit ?", append(where.args, limit), scanID)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	return tx.deleteOf("task_run", "id", ids)
}

// DeleteOldLogs removes up to limit logs of all workspaces that were written before a
// time and says how many. It looks at the oldest only, so that it costs nothing when
// there are none.
func (tx *Tx) DeleteOldLogs(before api.Time, limit int) (int64, error) {
	return tx.Exec(`
		delete from log
		where seq in (
			select seq
			from (
				select seq, created
				from log
				order by seq
				limit ?) as oldest
			where created < ?)`, limit, before)
}

// GoneFlowRuns lists up to limit runs that were deleted and not yet swept up after.
func (tx *Tx) GoneFlowRuns(limit int) ([]uuid.UUID, error) {
	return many(tx, `
		select flow_run_id
		from flow_run_gone
		where workspace_id = ?
		limit ?`, []any{tx.workspace, limit}, scanID)
}

// ForgetGone notes that runs were swept up after.
func (tx *Tx) ForgetGone(runs []uuid.UUID) error {
	_, err := tx.deleteOf("flow_run_gone", "flow_run_id", runs)
	return err
}

// DeleteLogsOf removes up to limit logs of flow runs and says how many.
func (tx *Tx) DeleteLogsOf(runs []uuid.UUID, limit int) (int64, error) {
	where := all(tx.own("log"), oneOf("flow_run_id", runs))
	return tx.Exec(`
		delete from log
		where seq in (
			select seq
			from log
			where `+where.sql+`
			limit ?)`, append(where.args, limit)...)
}

// ArtifactsOf lists up to limit artifacts of flow runs.
func (tx *Tx) ArtifactsOf(runs []uuid.UUID, limit int) ([]uuid.UUID, error) {
	where := all(tx.own("artifact"), oneOf("flow_run_id", runs))
	return many(tx, "select id\nfrom artifact\nwhere "+where.sql+"\nlimit ?", append(where.args, limit), scanID)
}

// oldest reads ids in the order of a time; the last argument is how many.
func oldest(table, column string, where condition) string {
	return "select id\nfrom " + table + "\nwhere " + where.sql + "\norder by " + column + "\nlimit ?"
}

func (tx *Tx) deleteOf(table, column string, ids []uuid.UUID) (int64, error) {
	return tx.Exec("delete from "+table+"\nwhere workspace_id = ?\nand "+dialect.In(column, len(ids)), dialect.Pad([]any{tx.workspace}, ids)...)
}
