package store

import (
	"errors"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/states"
)

// RecordTaskRun stores what a client reports of a task run, as states.Record decides; a
// new one that is reported without a name gets the given one. ErrForeignKey says that its
// flow run is gone.
func (tx *Tx) RecordTaskRun(r *states.Report, name string, now api.Time) error {
	byKey, byID, err := tx.knownTaskRuns(r)
	if err != nil {
		return err
	}
	recording := states.Record(r, byKey, byID)
	columns, err := tx.reportedColumns(r, &recording)
	if err != nil {
		return err
	}
	switch recording.Row {
	case states.InsertRow:
		err = tx.insertReported(r, &recording, append([]Set{{"name", name}}, columns...), now)
	case states.UpdateRow:
		_, err = tx.setRow("task_run", recording.TaskRunID, append(columns, Set{"updated", now}))
	}
	if err != nil {
		return err
	}
	return tx.insertReportedState(&recording)
}

// knownTaskRuns finds the task run that a report may be about, by its keys and by its id.
func (tx *Tx) knownTaskRuns(r *states.Report) (byKey, byID *states.Known, err error) {
	if r.FlowRunID != nil {
		byKey, err = tx.knownTaskRun(is("flow_run_id = ?\nand task_key = ?\nand dynamic_key = ?", *r.FlowRunID, r.TaskKey, r.DynamicKey))
		if err != nil || byKey != nil {
			return byKey, nil, err
		}
	}
	byID, err = tx.knownTaskRun(is("id = ?", r.TaskRunID))
	return nil, byID, err
}

func (tx *Tx) knownTaskRun(where condition) (*states.Known, error) {
	known := &states.Known{}
	where = all(tx.own("task_run"), where)
	err := tx.QueryRow("select id, state_timestamp\nfrom task_run\nwhere "+where.sql+tx.D().ForUpdate(), where.args, &known.ID, &known.Timestamp)
	if errors.Is(err, ErrNoRows) {
		return nil, nil
	}
	return known, err
}

// reportedColumns are the columns that a report carries, with those of its state.
func (tx *Tx) reportedColumns(r *states.Report, recording *states.Recording) ([]Set, error) {
	details, err := json.Marshal(&recording.State.StateDetails)
	if err != nil {
		return nil, err
	}
	s, c := &recording.State, &r.Columns
	sets := []Set{
		{"flow_run_id", r.FlowRunID}, {"task_key", r.TaskKey}, {"dynamic_key", r.DynamicKey},
		{"state_id", s.ID}, {"state_type", s.Type}, {"state_name", s.Name}, {"state_timestamp", s.Timestamp},
		{"state_message", s.Message}, {"state_data", s.Data}, {"state_details", jsontext.Value(details)},
	}
	sets = reported(sets, "cache_key", c.CacheKey)
	sets = reported(sets, "cache_expiration", c.CacheExpiration)
	sets = reported(sets, "task_version", c.TaskVersion)
	sets = reported(sets, "labels", c.Labels)
	sets = reported(sets, "expected_start_time", c.ExpectedStartTime)
	sets = reported(sets, "next_scheduled_start_time", c.NextScheduledStartTime)
	sets = reported(sets, "start_time", c.StartTime)
	sets = reported(sets, "end_time", c.EndTime)
	return append(sets, requiredColumns(c)...), nil
}

func reported[T any](sets []Set, column string, o api.Opt[T]) []Set {
	if !o.IsSet() {
		return sets
	}
	return append(sets, Set{column, o.Ptr()})
}

// requiredColumns are the reported columns that can't be null; null leaves them alone.
func requiredColumns(c *states.Columns) (sets []Set) {
	if v, ok := c.Name.Get(); ok {
		sets = append(sets, Set{"name", v})
	}
	if v, ok := c.EmpiricalPolicy.Get(); ok {
		if policy, err := json.Marshal(&v); err == nil {
			sets = append(sets, Set{"empirical_policy", jsontext.Value(policy)})
		}
	}
	if v, ok := c.Tags.Get(); ok {
		sets = append(sets, Set{"tags", v})
	}
	if v, ok := c.TaskInputs.Get(); ok {
		sets = append(sets, Set{"task_inputs", v})
	}
	if v, ok := c.RunCount.Get(); ok {
		sets = append(sets, Set{"run_count", v})
	}
	if v, ok := c.FlowRunRunCount.Get(); ok {
		sets = append(sets, Set{"flow_run_run_count", v})
	}
	if v, ok := c.TotalRunTime.Get(); ok {
		sets = append(sets, Set{"total_run_time", time.Duration(v * float64(time.Second))})
	}
	return sets
}

func (tx *Tx) insertReported(r *states.Report, recording *states.Recording, columns []Set, now api.Time) error {
	if r.FlowRunID != nil {
		if known, err := tx.has("flow_run", *r.FlowRunID); err != nil || !known {
			return errors.Join(err, ErrForeignKey)
		}
	}
	// What a report lacks has a default; a column that it carries comes later and wins.
	row := map[string]any{
		"workspace_id": tx.workspace, "id": recording.TaskRunID, "created": now, "updated": now,
		"task_inputs": jsontext.Value("{}"), "empirical_policy": jsontext.Value("{}"), "tags": []string{},
	}
	order := []string{"workspace_id", "id", "created", "updated", "task_inputs", "empirical_policy", "tags"}
	for _, set := range columns {
		if _, have := row[set.Column]; !have {
			order = append(order, set.Column)
		}
		row[set.Column] = set.Value
	}
	values := make([]any, len(order))
	for i, column := range order {
		values[i] = row[column]
	}
	_, err := tx.Insert("task_run", order, [][]any{values}, "")
	return err
}

func (tx *Tx) insertReportedState(recording *states.Recording) error {
	s := &recording.State
	details, err := json.Marshal(&s.StateDetails)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`
		insert into task_run_state (workspace_id, id, task_run_id, type, name, timestamp, message, data, state_details)
		values (?, ?, ?, ?, ?, ?, ?, ?, ?)
		on conflict do nothing`,
		tx.workspace, s.ID, recording.TaskRunID, s.Type, s.Name, s.Timestamp, s.Message, s.Data, jsontext.Value(details))
	return err
}
