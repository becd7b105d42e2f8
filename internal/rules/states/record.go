package states

import (
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// Known is a stored task run that a report may be about.
type Known struct {
	ID        uuid.UUID
	Timestamp *api.Time // of its state; nil: it has none
}

// RowChange says what a report does to the row of its task run.
type RowChange uint8

// The changes of a row.
const (
	KeepRow   RowChange = iota // the report is not newer than what is known
	InsertRow                  // with the report's columns, keys and state
	UpdateRow                  // the same, leaving alone the columns that it lacks
)

// Recording says how to store a report.
type Recording struct {
	TaskRunID uuid.UUID // the row, and whose the state is; not always the reported id
	Row       RowChange
	State     api.State // to insert, unless a state of its id is stored
}

// Record decides how to store a report. byKey is the task run with the report's flow run,
// task key and dynamic key (look only when the report has a flow run); byID the one with
// its id; nil when there is none. Reports may come in any order and more than once: the
// row follows the newest state, and every state is kept.
func Record(r *Report, byKey, byID *Known) Recording {
	known := byKey
	if known == nil || r.FlowRunID == nil {
		known = byID
	}
	recording := Recording{TaskRunID: r.TaskRunID, Row: InsertRow, State: r.State}
	if known != nil {
		recording.TaskRunID, recording.Row = known.ID, KeepRow
		// A run that was made without any state is not ours to move.
		if known.Timestamp != nil && known.Timestamp.Before(r.State.Timestamp.Time) {
			recording.Row = UpdateRow
		}
	}
	id := recording.TaskRunID
	recording.State.StateDetails.TaskRunID = &id
	recording.State.StateDetails.FlowRunID = r.FlowRunID
	return recording
}
