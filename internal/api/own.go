package api

import "github.com/google/uuid"

// OpReadLimitHolders is an operation that only usher has.
var OpReadLimitHolders = Operation{"ReadLimitHolders", "GET", "/v2/concurrency_limits/{id_or_name}/holders", "Concurrency Limits V2"}

// OpCreateRunToken, OpReadRunTokens and OpDeleteRunTokens are about what lets the program of a run in.
var (
	OpCreateRunToken  = Operation{"CreateRunToken", "POST", "/flow_runs/{id}/token", "Flow Runs"}
	OpReadRunTokens   = Operation{"ReadRunTokens", "GET", "/flow_runs/{id}/token", "Flow Runs"}
	OpDeleteRunTokens = Operation{"DeleteRunTokens", "DELETE", "/flow_runs/{id}/token", "Flow Runs"}
)

// OpReadRunAccess and OpUpdateRunAccess are about what the programs of a deployment's runs may
// use.
var (
	OpReadRunAccess   = Operation{"ReadRunAccess", "GET", "/deployments/{id}/run_access", "Deployments"}
	OpUpdateRunAccess = Operation{"UpdateRunAccess", "PUT", "/deployments/{id}/run_access", "Deployments"}
)

// OpExportMetrics takes what OpenTelemetry measures of runs: the SDK sends it to where the
// hosted service takes it, of which its contract says nothing.
var OpExportMetrics = Operation{"ExportMetrics", "POST", "/telemetry/v1/metrics", "Metrics"}

// OwnOperations lists the operations that usher adds to the contract. No client of the
// contract asks for them.
func OwnOperations() []Operation {
	return append(AddedOperations(), OpReadLimitHolders, OpCreateRunToken, OpReadRunTokens, OpDeleteRunTokens, OpReadRunAccess, OpUpdateRunAccess, OpExportMetrics)
}

// LimitHolder is who holds slots of a concurrency limit: a lease, and the run that it was
// given to, as far as the one who asked for the slots said.
type LimitHolder struct {
	LeaseID  uuid.UUID  `json:"lease_id"`
	Slots    int        `json:"slots"`
	Acquired Time       `json:"acquired"`
	Expires  *Time      `json:"expires"` // null: when the holder gives them back
	Type     *string    `json:"type"`    // flow_run, task_run or deployment
	ID       *uuid.UUID `json:"id"`
	Name     *string    `json:"name"` // null when the run is gone
	State    *string    `json:"state"`
}

// RunTokenCreate asks for the token of a flow run.
type RunTokenCreate struct {
	// Keep lets the tokens that the run has be good on; without it they end.
	Keep bool `json:"keep,omitzero"`
}

// RunToken lets the program of a flow run in until the run has ended.
type RunToken struct {
	Token   string `json:"token"`
	Expires Time   `json:"expires"` // at the latest
}

// RunTokensDeleted says how many tokens of a flow run were ended.
type RunTokensDeleted struct {
	Deleted int `json:"deleted"`
}

// RunTokenInfo is a token of a flow run, without its secret.
type RunTokenInfo struct {
	ID        uuid.UUID `json:"id"`
	Created   Time      `json:"created"`
	Expires   Time      `json:"expires"`
	ActorID   uuid.UUID `json:"actor_id"` // for whom it acts
	FlowRunID uuid.UUID `json:"flow_run_id"`
}

// RunAccess is what the programs of a deployment's runs may use with tokens of their own; a
// list that is not there allows all.
type RunAccess struct {
	Blocks    *[]string `json:"blocks"`    // as type/name
	Variables *[]string `json:"variables"` // by name
}

// RunMetric is what was measured of a resource that a flow run has used.
type RunMetric struct {
	Name   string           `json:"metric_name"`
	Unit   string           `json:"unit"`   // as OpenTelemetry has it: By for bytes, 1 for a ratio
	Points []RunMetricPoint `json:"points"` // the earliest first
}

// RunMetricPoint is one measurement.
type RunMetricPoint struct {
	At    Time  `json:"timestamp"`
	Value Float `json:"value"`
}

// RunMetrics are the metrics of a flow run, by name.
type RunMetrics struct {
	Metrics []RunMetric `json:"metrics"`
}

// RunMetricNames are the names of the metrics of a flow run.
type RunMetricNames struct {
	Names []string `json:"metric_names"`
}
