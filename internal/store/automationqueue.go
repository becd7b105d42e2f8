package store

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/trigger"
	"github.com/usherhq/usher/internal/store/dialect"
)

// QueuedAction is an action that a firing of an automation asks for.
type QueuedAction struct {
	ID             uuid.UUID // the invocation
	Due            api.Time
	Attempts       int
	Index          int
	Action         jsontext.Value
	Automation     *api.Automation
	Firing         *trigger.Firing
	Event          *api.ReceivedEvent // what the action answers to, nil when there is none
	TriggeredEvent uuid.UUID          // the event that tells of the firing
}

const actionColumns = "id, due, attempts, action_index, action, automation, firing, triggering_event, triggered_event_id"

// QueueAction adds an action that waits to be done.
func (tx *Tx) QueueAction(a *QueuedAction) error {
	automation, err := json.Marshal(a.Automation)
	if err != nil {
		return err
	}
	firing, err := json.Marshal(a.Firing)
	if err != nil {
		return err
	}
	var event jsontext.Value
	if a.Event != nil {
		if event, err = json.Marshal(a.Event); err != nil {
			return err
		}
	}
	_, err = tx.Exec("insert into automation_action (workspace_id, "+actionColumns+")\nvalues (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		tx.workspace, a.ID, a.Due, a.Attempts, a.Index, a.Action, jsontext.Value(automation), jsontext.Value(firing), event, a.TriggeredEvent)
	return err
}

// TakeActions takes up to n actions that are due, which nobody else gets until then.
func (tx *Tx) TakeActions(now, until api.Time, n int) ([]QueuedAction, error) {
	list, err := many(tx, "select "+actionColumns+"\nfrom automation_action\nwhere workspace_id = ?\nand due <= ?\norder by due, id\nlimit ?"+tx.D().SkipLocked(),
		[]any{tx.workspace, now, n}, scanAction)
	if err != nil || len(list) == 0 {
		return list, err
	}
	ids := make([]uuid.UUID, len(list))
	for i := range list {
		list[i].Attempts++
		ids[i] = list[i].ID
	}
	_, err = tx.Exec("update automation_action\nset due = ?, attempts = attempts + 1\nwhere workspace_id = ?\nand "+dialect.In("id", len(ids)),
		dialect.Pad([]any{until, tx.workspace}, ids)...)
	return list, err
}

// FirstAction is when the next action is due, nil when none waits.
func (tx *Tx) FirstAction() (due *api.Time, err error) {
	err = tx.QueryRow("select min(due)\nfrom automation_action\nwhere workspace_id = ?", []any{tx.workspace}, &due)
	return due, err
}

// EndAction removes an action that was taken for that attempt; false says that somebody
// else has it since.
func (tx *Tx) EndAction(id uuid.UUID, attempt int) (bool, error) {
	rows, err := tx.Exec("delete from automation_action\nwhere workspace_id = ?\nand id = ?\nand attempts = ?", tx.workspace, id, attempt)
	return rows > 0, err
}

// PostponeAction lets an action that was taken for that attempt be tried again later.
func (tx *Tx) PostponeAction(id uuid.UUID, attempt int, due api.Time) error {
	_, err := tx.Exec("update automation_action\nset due = ?\nwhere workspace_id = ?\nand id = ?\nand attempts = ?", due, tx.workspace, id, attempt)
	return err
}

func scanAction(row *Row) (a QueuedAction, err error) {
	var automation, firing, event jsontext.Value
	if err = row.Scan(&a.ID, &a.Due, &a.Attempts, &a.Index, &a.Action, &automation, &firing, &event, &a.TriggeredEvent); err != nil {
		return a, err
	}
	a.Automation, a.Firing = &api.Automation{}, &trigger.Firing{}
	if err = json.Unmarshal(automation, a.Automation); err != nil {
		return a, err
	}
	if event != nil {
		a.Event = &api.ReceivedEvent{}
		if err = json.Unmarshal(event, a.Event); err != nil {
			return a, err
		}
	}
	return a, json.Unmarshal(firing, a.Firing)
}
