package states

import (
	"compress/gzip"
	"errors"
	"math"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// recorded is one case of testdata/transitions.json.gz: what testdata/record.py saw
// before a request to the reference, the request, the answer, and what it saw after.
type recorded struct {
	Name     string          `json:"name"`
	Kind     string          `json:"kind"`
	Policy   string          `json:"policy"`
	Force    bool            `json:"force"`
	Client   string          `json:"client"`
	Proposal api.StateCreate `json:"proposal"`
	beforeAndAfter
	Deployment      *recordedDeployment `json:"deployment"`
	DeploymentAfter *recordedDeployment `json:"deployment_after"`
	LeaseHeld       bool                `json:"lease_held"`
	FlowRun         *struct {
		State    *api.State `json:"state"`
		RunCount int        `json:"run_count"`
	} `json:"flow_run"`
	TagLimits      []recordedLimit `json:"tag_limits"`
	TagLimitsAfter []recordedLimit `json:"tag_limits_after"`
	Cached         *api.State      `json:"cached"`
	Parent         *beforeAndAfter `json:"parent"`
	Asked          api.Time        `json:"asked"`
	Answered       api.Time        `json:"answered"`
	Code           int             `json:"code"`
	Answer         struct {
		Status  api.SetStateStatus `json:"status"`
		State   *api.State         `json:"state"`
		Stored  bool               `json:"answers_stored_state"` // State is the one of After
		Details struct {
			Type         string `json:"type"`
			Reason       string `json:"reason"`
			DelaySeconds int    `json:"delay_seconds"`
		} `json:"details"`
	} `json:"answer"`
}

// beforeAndAfter is a run; of the run after the request only what differs is recorded.
type beforeAndAfter struct {
	BeforeJSON jsontext.Value `json:"before"`
	Difference jsontext.Value `json:"after"`
	Before     recordedRun    `json:"-"`
	After      recordedRun    `json:"-"`
}

func (r *beforeAndAfter) complete() error {
	if err := json.Unmarshal(r.BeforeJSON, &r.Before); err != nil {
		return err
	}
	after := map[string]jsontext.Value{}
	if err := json.Unmarshal(r.BeforeJSON, &after); err != nil {
		return err
	}
	if err := json.Unmarshal(r.Difference, &after); err != nil {
		return err
	}
	whole, err := json.Marshal(after)
	if err != nil {
		return err
	}
	return json.Unmarshal(whole, &r.After)
}

type recordedRun struct {
	ID                     uuid.UUID      `json:"id"`
	FlowRunID              *uuid.UUID     `json:"flow_run_id"`
	DeploymentID           *uuid.UUID     `json:"deployment_id"`
	ParentTaskRunID        *uuid.UUID     `json:"parent_task_run_id"`
	InfrastructurePID      *string        `json:"infrastructure_pid"`
	Tags                   []string       `json:"tags"`
	RunCount               int            `json:"run_count"`
	FlowRunRunCount        int            `json:"flow_run_run_count"`
	EmpiricalPolicy        jsontext.Value `json:"empirical_policy"`
	ExpectedStartTime      *api.Time      `json:"expected_start_time"`
	NextScheduledStartTime *api.Time      `json:"next_scheduled_start_time"`
	StartTime              *api.Time      `json:"start_time"`
	EndTime                *api.Time      `json:"end_time"`
	TotalRunTime           float64        `json:"total_run_time"`
	State                  *api.State     `json:"state"`
}

type recordedLimit struct {
	ID          uuid.UUID `json:"id"`
	Name        string    `json:"name"`
	Limit       int       `json:"limit"`
	Active      bool      `json:"active"`
	ActiveSlots int       `json:"active_slots"`
}

type recordedDeployment struct {
	Limit   *recordedLimit          `json:"limit"`
	Options *api.ConcurrencyOptions `json:"options"`
}

// loadTransitions returns the recorded cases; they are shared and not to be changed.
func loadTransitions(tb testing.TB) []recorded {
	tb.Helper()
	cases, err := transitions()
	if err != nil {
		tb.Fatal(err)
	}
	return cases
}

var transitions = sync.OnceValues(func() ([]recorded, error) {
	cases, err := loadRecorded[recorded]("transitions.json.gz")
	for i := range cases {
		c := &cases[i]
		err = errors.Join(err, c.complete())
		if c.Parent != nil {
			err = errors.Join(err, c.Parent.complete())
		}
		if c.Answer.Stored {
			c.Answer.State = c.After.State
		}
	}
	return cases, err
})

// loadRecorded reads a recording.
func loadRecorded[T any](file string) ([]T, error) {
	packed, err := os.Open("testdata/" + file)
	if err != nil {
		return nil, err
	}
	defer packed.Close()
	unpacked, err := gzip.NewReader(packed)
	if err != nil {
		return nil, err
	}
	var cases []T
	err = json.UnmarshalRead(unpacked, &cases)
	return cases, err
}

func (c *recorded) kind() Kind {
	if c.Kind == "task" {
		return TaskRun
	}
	return FlowRun
}

// input returns the input of the decision, and its time: that of the written state, which
// the reference read first thing.
func (c *recorded) input() (Input, api.Time) {
	b := &c.Before
	in := Input{
		Kind: c.kind(), Policy: Forced(c.Force), ID: b.ID, Current: b.State, Run: b.run(c.kind()),
		DeploymentID: b.DeploymentID, ParentTaskRunID: b.ParentTaskRunID, InfrastructurePID: b.InfrastructurePID,
		ClientVersion: c.Client, FlowRunID: b.FlowRunID, Tags: b.Tags, Cached: c.Cached, LeaseHeld: c.LeaseHeld,
	}
	if c.Policy == "late" {
		in.Policy = MarkLate
	}
	if c.Deployment != nil {
		in.Deployment = &Deployment{Limit: c.Deployment.Limit.limit(), Options: c.Deployment.Options}
	}
	if c.FlowRun != nil {
		in.FlowRun = &Enclosing{State: c.FlowRun.State, RunCount: c.FlowRun.RunCount}
	}
	for i := range c.TagLimits {
		in.TagLimits = append(in.TagLimits, *c.TagLimits[i].limit())
	}
	at, id := c.Asked, uuid.Nil
	if c.wrote() {
		at, id = c.After.State.Timestamp, c.After.State.ID
		if lease := c.After.State.StateDetails.DeploymentConcurrencyLeaseID; lease != nil {
			in.Draw.Lease = *lease
		}
	}
	in.Proposed = Propose(c.Proposal, id, at.Time)
	return in, at
}

func (c *recorded) wrote() bool {
	return c.After.State != nil && (c.Before.State == nil || c.Before.State.ID != c.After.State.ID)
}

func (l *recordedLimit) limit() *Limit {
	if l == nil {
		return nil
	}
	return &Limit{
		ID: l.ID, Name: l.Name, Limit: l.Limit, Active: l.Active, ActiveSlots: l.ActiveSlots,
		AverageOccupancy: 2 * time.Second,
	}
}

func (r *recordedRun) run(kind Kind) Run {
	run := Run{
		RunCount: r.RunCount, FlowRunRunCount: r.FlowRunRunCount, ExpectedStartTime: r.ExpectedStartTime,
		NextScheduledStartTime: r.NextScheduledStartTime, StartTime: r.StartTime, EndTime: r.EndTime,
		TotalRunTime: time.Duration(math.Round(r.TotalRunTime*1e6)) * time.Microsecond,
	}
	if len(r.EmpiricalPolicy) == 0 {
		return run
	}
	var target any = &run.FlowPolicy
	if kind == TaskRun {
		target = &run.TaskPolicy
	}
	if err := json.Unmarshal(r.EmpiricalPolicy, target); err != nil {
		panic(err) // a broken recording
	}
	return run
}
