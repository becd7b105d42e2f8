package states

import (
	"slices"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// recordedEvents is one case of testdata/recorder.json.gz: events sent to the reference
// one after the other, and what it then knew of the task runs.
type recordedEvents struct {
	Name   string              `json:"name"`
	Events []api.ReceivedEvent `json:"events"`
	Stored *struct {
		Run    jsontext.Value `json:"run"`
		States []api.State    `json:"states"`
	} `json:"stored"`
	Found []struct {
		ID     uuid.UUID      `json:"id"`
		Run    jsontext.Value `json:"run"`
		States []api.State    `json:"states"`
	} `json:"found"`
}

// runRow is the row of a task run in the table of the tests.
type runRow struct {
	ID         uuid.UUID  `json:"id"`
	FlowRunID  *uuid.UUID `json:"flow_run_id"`
	TaskKey    string     `json:"task_key"`
	DynamicKey string     `json:"dynamic_key"`
	Columns    `json:",inline"`
	State      api.State `json:"state"`
}

// table is what a database keeps, as far as recordings go.
type table struct {
	rows   []*runRow
	states []api.State
}

func (db *table) find(match func(*runRow) bool) *runRow {
	if i := slices.IndexFunc(db.rows, match); i >= 0 {
		return db.rows[i]
	}
	return nil
}

func known(row *runRow) *Known {
	if row == nil {
		return nil
	}
	return &Known{ID: row.ID, Timestamp: &row.State.Timestamp}
}

func (db *table) record(r *Report) {
	byKey := db.find(func(row *runRow) bool {
		return r.FlowRunID != nil && row.FlowRunID != nil && *row.FlowRunID == *r.FlowRunID &&
			row.TaskKey == r.TaskKey && row.DynamicKey == r.DynamicKey
	})
	byID := db.find(func(row *runRow) bool { return row.ID == r.TaskRunID })
	recording := Record(r, known(byKey), known(byID))
	if !slices.ContainsFunc(db.states, func(s api.State) bool { return s.ID == recording.State.ID }) {
		db.states = append(db.states, recording.State)
	}
	switch recording.Row {
	case InsertRow:
		db.rows = append(db.rows, &runRow{ID: recording.TaskRunID})
	case KeepRow:
		return
	}
	row := db.find(func(row *runRow) bool { return row.ID == recording.TaskRunID })
	row.FlowRunID, row.TaskKey, row.DynamicKey, row.State = r.FlowRunID, r.TaskKey, r.DynamicKey, recording.State
	row.set(&r.Columns)
}

// set writes the columns that a report carries.
func (row *runRow) set(c *Columns) {
	put(&row.Name, c.Name)
	put(&row.CacheKey, c.CacheKey)
	put(&row.CacheExpiration, c.CacheExpiration)
	put(&row.TaskVersion, c.TaskVersion)
	put(&row.EmpiricalPolicy, c.EmpiricalPolicy)
	put(&row.Tags, c.Tags)
	put(&row.Labels, c.Labels)
	put(&row.TaskInputs, c.TaskInputs)
	put(&row.RunCount, c.RunCount)
	put(&row.FlowRunRunCount, c.FlowRunRunCount)
	put(&row.ExpectedStartTime, c.ExpectedStartTime)
	put(&row.NextScheduledStartTime, c.NextScheduledStartTime)
	put(&row.StartTime, c.StartTime)
	put(&row.EndTime, c.EndTime)
	put(&row.TotalRunTime, c.TotalRunTime)
}

func put[T any](column *api.Opt[T], reported api.Opt[T]) {
	if reported.IsSet() {
		*column = reported
	}
}

func TestRecordKeepsWhatTheReferenceKeeps(t *testing.T) {
	t.Parallel()
	cases, err := loadRecorded[recordedEvents]("recorder.json.gz")
	if err != nil || len(cases) < 15 {
		t.Fatalf("only %d recorded cases: %v", len(cases), err)
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			db := c.stored(t)
			for i := range c.Events {
				db.send(t, &c.Events[i])
			}
			for _, found := range c.Found {
				db.check(t, found.ID, found.Run, found.States)
			}
		})
	}
}

func (c *recordedEvents) stored(t *testing.T) *table {
	db := &table{}
	if c.Stored != nil {
		row := readRow(t, c.Stored.Run)
		db.rows, db.states = []*runRow{&row}, c.Stored.States
	}
	return db
}

func (db *table) send(t *testing.T, e *api.ReceivedEvent) {
	if !IsReport(e) {
		return
	}
	report, err := ReadReport(e)
	if err != nil {
		t.Fatal(err)
	}
	db.record(report)
}

func readRow(t *testing.T, text jsontext.Value) runRow {
	var row runRow
	if err := json.Unmarshal(text, &row); err != nil {
		t.Fatal(err)
	}
	return row
}

func (db *table) check(t *testing.T, id uuid.UUID, run jsontext.Value, states []api.State) {
	kept := []api.State{}
	for _, s := range db.states {
		if *s.StateDetails.TaskRunID == id {
			kept = append(kept, s)
		}
	}
	slices.SortFunc(kept, func(a, b api.State) int { return a.Timestamp.Compare(b.Timestamp.Time) })
	if diff := cmp.Diff(states, kept, compared); diff != "" {
		t.Errorf("states of %s, the reference's are -, ours +:\n%s", id, diff)
	}
	row := db.find(func(row *runRow) bool { return row.ID == id })
	switch {
	case row == nil && run.Kind() == 'n':
	case row == nil || run.Kind() == 'n':
		t.Errorf("task run %s: ours is %v, the reference's %s", id, row, run)
	default:
		want := readRow(t, run)
		if diff := cmp.Diff(want.view(), row.view(), compared); diff != "" {
			t.Errorf("task run %s, the reference's is -, ours +:\n%s", id, diff)
		}
	}
}

// view shows a row as it is read: null and absent are the same.
func (row *runRow) view() map[string]any {
	c := &row.Columns
	return map[string]any{
		"keys": []any{row.ID, row.FlowRunID, row.TaskKey, row.DynamicKey}, "state": row.State,
		"name": c.Name.Ptr(), "cache": []any{c.CacheKey.Ptr(), c.CacheExpiration.Ptr(), c.TaskVersion.Ptr()},
		"retries": c.EmpiricalPolicy.Or(api.TaskRunPolicy{}).Retries, "tags": c.Tags.Or(nil),
		"inputs": c.TaskInputs.Or(nil), "counts": []int{c.RunCount.Or(0), c.FlowRunRunCount.Or(0)},
		"times": []*api.Time{
			c.ExpectedStartTime.Ptr(), c.NextScheduledStartTime.Ptr(), c.StartTime.Ptr(), c.EndTime.Ptr(),
		},
		"run time": c.TotalRunTime.Or(0),
	}
}

func TestReadReportRefuses(t *testing.T) {
	t.Parallel()
	id := uuid.New().String()
	resource := api.Resource{resourceID: taskRunResource + id, "prefect.orchestration": "client"}
	whole := `{"validated_state":{"type":"RUNNING"},"task_run":{"task_key":"k","dynamic_key":"0"}}`
	cases := map[string]api.ReceivedEvent{
		"no id":        {Resource: api.Resource{}, Payload: jsontext.Value(whole)},
		"other kind":   {Resource: api.Resource{resourceID: flowRunResource + id}, Payload: jsontext.Value(whole)},
		"no uuid":      {Resource: api.Resource{resourceID: taskRunResource + "x"}, Payload: jsontext.Value(whole)},
		"no payload":   {Resource: resource, Payload: jsontext.Value(`{}`)},
		"no keys":      {Resource: resource, Payload: jsontext.Value(`{"validated_state":{"type":"RUNNING"},"task_run":{}}`)},
		"no state":     {Resource: resource, Payload: jsontext.Value(`{"task_run":{"task_key":"k","dynamic_key":"0"}}`)},
		"unknown type": {Resource: resource, Payload: jsontext.Value(`{"validated_state":{"type":"X"},"task_run":{"task_key":"k","dynamic_key":"0"}}`)},
		"a list":       {Resource: resource, Payload: jsontext.Value(`[]`)},
		"bad flow run": {
			Resource: resource, Payload: jsontext.Value(whole),
			Related: []api.RelatedResource{{resourceRole: "flow-run", resourceID: "x"}},
		},
	}
	for name, event := range cases {
		report, err := ReadReport(&event)
		if report != nil || api.CodeOf(err) != api.CodeInvalid {
			t.Errorf("%s: got %v, %v; want an invalid error", name, report, err)
		}
	}
	good := api.ReceivedEvent{Resource: resource, Payload: jsontext.Value(whole)}
	if _, err := ReadReport(&good); err != nil {
		t.Error(err)
	}
}
