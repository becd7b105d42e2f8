package store

import (
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/states"
)

// history is where the states of one kind of run are.
type history struct{ table, run string }

var (
	flowRunHistory = history{"flow_run_state", "flow_run_id"}
	taskRunHistory = history{"task_run_state", "task_run_id"}
)

func (h history) columns() string {
	return "select id, type, name, timestamp, message, data, state_details\nfrom " + h.table + "\n"
}

func scanHistory(row *Row) (api.State, error) {
	var s storedState
	err := s.scan(row)
	if err != nil {
		return api.State{}, err
	}
	state, err := s.state()
	return *state, err
}

// FlowRunState returns a state of a flow run by its id.
func (tx *Tx) FlowRunState(id uuid.UUID) (*api.State, error) { return tx.state(flowRunHistory, id) }

// TaskRunState returns a state of a task run by its id.
func (tx *Tx) TaskRunState(id uuid.UUID) (*api.State, error) { return tx.state(taskRunHistory, id) }

func (tx *Tx) state(h history, id uuid.UUID) (*api.State, error) {
	return one(tx, h.columns()+"where workspace_id = ?\nand id = ?", []any{tx.workspace, id}, scanHistory)
}

// FlowRunStates lists the states of a flow run, oldest first.
func (tx *Tx) FlowRunStates(run uuid.UUID) ([]api.State, error) {
	return tx.states(flowRunHistory, run)
}

// TaskRunStates lists the states of a task run, oldest first.
func (tx *Tx) TaskRunStates(run uuid.UUID) ([]api.State, error) {
	return tx.states(taskRunHistory, run)
}

func (tx *Tx) states(h history, run uuid.UUID) ([]api.State, error) {
	return many(tx, h.columns()+"where workspace_id = ?\nand "+h.run+" = ?\norder by timestamp", []any{tx.workspace, run}, scanHistory)
}

// StatesSince lists the times of a flow run's states that are not before at.
func (tx *Tx) StatesSince(run uuid.UUID, at api.Time) ([]api.Time, error) {
	return many(tx, `
		select timestamp
		from flow_run_state
		where workspace_id = ?
		and flow_run_id = ?
		and timestamp >= ?`, []any{tx.workspace, run, at}, func(row *Row) (t api.Time, err error) {
		return t, row.Scan(&t)
	})
}

// insertFlowRunState adds a state to a flow run, with an artifact for its result.
func (tx *Tx) insertFlowRunState(run uuid.UUID, s *encodedState) error {
	if err := tx.insertResult(s, &run, nil); err != nil {
		return err
	}
	return tx.insertState(flowRunHistory, run, s)
}

// insertTaskRunState is the same for a task run.
func (tx *Tx) insertTaskRunState(run uuid.UUID, flowRun *uuid.UUID, s *encodedState) error {
	if err := tx.insertResult(s, flowRun, &run); err != nil {
		return err
	}
	return tx.insertState(taskRunHistory, run, s)
}

func (tx *Tx) insertState(h history, run uuid.UUID, s *encodedState) error {
	_, err := tx.Exec(`
		insert into `+h.table+` (workspace_id, id, `+h.run+`, type, name, timestamp, message, data, state_details, result_artifact_id)
		values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		tx.workspace, s.ID, run, s.Type, s.Name, s.Timestamp, s.Message, s.data, s.details, s.artifact)
	return err
}

// insertResult adds the artifact that a stored result appears as.
func (tx *Tx) insertResult(s *encodedState, flowRun, taskRun *uuid.UUID) error {
	if len(s.data) == 0 {
		return nil
	}
	s.artifact = &s.ID
	_, err := tx.Exec(`
		insert into artifact (workspace_id, id, created, updated, data, flow_run_id, task_run_id)
		values (?, ?, ?, ?, ?, ?, ?)`,
		tx.workspace, s.artifact, s.Timestamp, s.Timestamp, s.data, flowRun, taskRun)
	return err
}

// encodedState is a state as the tables keep it.
type encodedState struct {
	*api.State
	data     jsontext.Value
	details  jsontext.Value
	artifact *uuid.UUID
}

// encodeState leaves out what is null: most details of most states.
func encodeState(s *api.State) (*encodedState, error) {
	details, err := encodeDetails(&s.StateDetails)
	return &encodedState{State: s, data: states.Stored(s.Data), details: details}, err
}

// storedState is a state on its way out of a table, where a run may have none.
type storedState struct {
	id        *uuid.UUID
	kind      *string
	name      *string
	timestamp *api.Time
	message   *string
	data      jsontext.Value
	details   passing
}

// dest is what the columns id, type, name, timestamp, message, data and state_details
// are scanned into.
func (s *storedState) dest() []any {
	return []any{&s.id, &s.kind, &s.name, &s.timestamp, &s.message, &s.data, &s.details}
}

func (s *storedState) scan(row *Row) error { return row.Scan(s.dest()...) }

// state is nil when the run has none.
func (s *storedState) state() (*api.State, error) {
	if s.id == nil || s.kind == nil || s.timestamp == nil {
		return nil, nil
	}
	state := &api.State{
		ID: *s.id, Type: api.StateType(*s.kind), Name: s.name, Timestamp: *s.timestamp, Message: s.message, Data: s.data,
	}
	if len(s.details) == 0 {
		return state, nil
	}
	var err error
	state.StateDetails, err = decodeDetails(s.details)
	return state, err
}
