package states

import (
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// Kind says whose state changes.
type Kind uint8

// The kinds of runs.
const (
	FlowRun Kind = iota
	TaskRun
)

// Policy chooses the rules that a proposed state has to pass.
type Policy uint8

// The policies. A task run whose proposed state is deferred gets the rules of background
// tasks, whatever the policy.
const (
	// Core is for what clients propose.
	Core Policy = iota
	// Minimal is for forced states, states given at creation, and most services.
	Minimal
	// MarkLate is for the service that marks flow runs late.
	MarkLate
)

// Forced returns Minimal when a request forces its state, else Core.
func Forced(force bool) Policy {
	if force {
		return Minimal
	}
	return Core
}

// Input is all that a decision depends on, besides the time.
type Input struct {
	Kind     Kind
	Policy   Policy
	ID       uuid.UUID  // of the run
	Current  *api.State // nil: the run has no state yet
	Proposed api.State  // from Propose, or one of this package's states
	Run      Run

	// Facts of a flow run.
	DeploymentID      *uuid.UUID
	ScheduleID        *uuid.UUID // set: a schedule of the deployment made the run
	ParentTaskRunID   *uuid.UUID // set: a subflow
	InfrastructurePID *string
	ClientVersion     string // from the User-Agent; "" when unknown

	// Facts of a task run.
	FlowRunID *uuid.UUID
	Tags      []string

	// Facts to read only when Needs asks for them. Limits must stay locked until the
	// decision is written.
	Deployment *Deployment // nil: there is none, or no longer
	LeaseHeld  bool        // the lease named by Current still exists
	Siblings   *Siblings   // of a run of a schedule that has a policy
	FlowRun    *Enclosing  // the flow run around a task run
	TagLimits  []Limit     // the limits named tag:<tag> of Tags
	GivenBack  bool        // the flow run was given back to its queue once, when its worker seemed gone
	Cached     *api.State  // the newest unexpired state under the proposed cache key

	// Taken holds the timestamps of the run's stored states that are not before now, if
	// any; the current state's need not be repeated.
	Taken []api.Time

	Draw     Draw
	Settings *Settings // nil: the defaults
}

// Run holds the columns of a run that transitions move. A Decision returns all of them.
type Run struct {
	RunCount               int
	FlowRunRunCount        int // of a task run: the flow run's count when it last ran
	ExpectedStartTime      *api.Time
	NextScheduledStartTime *api.Time
	StartTime              *api.Time
	EndTime                *api.Time
	TotalRunTime           time.Duration
	FlowPolicy             api.FlowRunPolicy // empirical_policy of a flow run
	TaskPolicy             api.TaskRunPolicy // empirical_policy of a task run; never changes
}

// Deployment holds what decisions read of a flow run's deployment.
type Deployment struct {
	Limit   *Limit // nil: no limit
	Options *api.ConcurrencyOptions
}

// Siblings holds what decisions read of the other runs of a flow run's schedule. The
// schedule must stay locked until the decision is written.
type Siblings struct {
	Overlap  api.ScheduleOverlap
	Latest   bool        // of the times that have come only the latest is run
	Begun    []uuid.UUID // have begun and not ended
	HasLater bool        // the time of a later one has come too
	IsNext   bool        // no earlier one waits to begin
}

// Limit is a concurrency limit and how much of it is taken.
type Limit struct {
	ID               uuid.UUID
	Name             string
	Limit            int
	Active           bool
	ActiveSlots      int // after decay
	AverageOccupancy time.Duration
}

// Enclosing is the flow run that a task run belongs to.
type Enclosing struct {
	State    *api.State
	RunCount int
}

// Draw holds what a pure decision can't make itself: fresh ids and chance.
type Draw struct {
	Lease  uuid.UUID // id of a lease, if one is made
	Mirror uuid.UUID // id of the parent task run's state, if one is written
	Random float64   // uniform in [0, 1)
}

// Settings are the server's settings that decisions read.
type Settings struct {
	LeaseDuration     time.Duration // of a deployment's slot before the client renews it
	SlotWait          time.Duration // of a flow run that found its deployment full
	TagSlotWait       time.Duration // longest wait of a task run that found a tag full
	MaxCacheKeyLength int
}

// DefaultSettings returns the reference's defaults.
func DefaultSettings() Settings {
	return Settings{
		LeaseDuration:     300 * time.Second,
		SlotWait:          30 * time.Second,
		TagSlotWait:       10 * time.Second,
		MaxCacheKeyLength: 2000,
	}
}

func (l *Limit) isFull() bool { return l.ActiveSlots >= l.Limit }

// limited returns the deployment's limit if there is one that counts. A limit that is
// switched off does not.
func (d *Deployment) limited() *Limit {
	if d == nil || d.Limit == nil || !d.Limit.Active {
		return nil
	}
	return d.Limit
}

func (d *Deployment) cancelsNew() bool {
	return d.Options != nil && d.Options.CollisionStrategy == api.ConcurrencyLimitStrategyCancelNew
}

// lease returns how long a fresh lease on the deployment's slot lives.
func (d *Deployment) lease(s *Settings) time.Duration {
	if d.Options != nil && d.Options.GracePeriodSeconds != nil {
		return time.Duration(*d.Options.GracePeriodSeconds) * time.Second
	}
	return s.LeaseDuration
}
