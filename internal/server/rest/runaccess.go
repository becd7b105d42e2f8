package rest

import (
	"net/http"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
)

// runRule says what the token of a run is good for: the operation, on what belongs to the
// run. The rule without a kind is for operations that name nothing of the kind in their path;
// what their bodies name is judged by core, and lists have only what belongs to the run.
type runRule struct {
	kind      string
	parameter string // of the path, or of the query if the path has none of that name
}

var (
	anything   = runRule{}
	ofFlowRun  = runRule{core.FlowRunKind, "id"}
	ofTaskRun  = runRule{core.TaskRunKind, "id"}
	ofArtifact = runRule{core.ArtifactKind, "id"}
)

// runRules are all operations that the program of a run may ask for: those of the SDK while
// a flow runs. Whoever has started the run must have their scopes, too.
var runRules = map[api.Operation]runRule{
	api.OpCreateFlowRun: anything, api.OpReadFlowRuns: anything, api.OpCountFlowRuns: anything, api.OpPaginateFlowRuns: anything,
	api.OpReadFlowRun: ofFlowRun, api.OpUpdateFlowRun: ofFlowRun, api.OpUpdateFlowRunLabels: ofFlowRun, api.OpSetFlowRunState: ofFlowRun,
	api.OpReadFlowRunStates: {core.FlowRunKind, "flow_run_id"},
	api.OpResumeFlowRun:     ofFlowRun, api.OpCreateFlowRunInput: ofFlowRun, api.OpFilterFlowRunInput: ofFlowRun, api.OpReadFlowRunInput: ofFlowRun, api.OpDeleteFlowRunInput: ofFlowRun,

	api.OpCreateTaskRun: anything, api.OpReadTaskRuns: anything, api.OpCountTaskRuns: anything, api.OpPaginateTaskRuns: anything,
	api.OpReadTaskRun: ofTaskRun, api.OpUpdateTaskRun: ofTaskRun, api.OpSetTaskRunState: ofTaskRun,
	api.OpReadTaskRunStates: {core.TaskRunKind, "task_run_id"},

	api.OpCreateLogs: anything, api.OpReadLogs: anything, api.OpDownloadLogs: ofFlowRun,
	api.OpCreateEvents: anything, api.OpExportMetrics: anything,

	api.OpCreateArtifact: anything, api.OpReadArtifacts: anything, api.OpCountArtifacts: anything, api.OpReadLatestArtifacts: anything, api.OpCountLatestArtifacts: anything,
	api.OpReadArtifact: ofArtifact, api.OpUpdateArtifact: ofArtifact,

	api.OpCreateFlow: anything, api.OpReadFlow: {core.FlowKind, "id"},
	api.OpReadDeployment: anything, api.OpReadDeploymentByName: anything, api.OpCreateFlowRunFromDeployment: anything,

	api.OpReadWorkQueue: {core.WorkQueueKind, "id"}, api.OpReadWorkPool: anything,

	api.OpReadVariableByName: anything, api.OpCreateVariable: anything, api.OpUpdateVariableByName: anything,
	api.OpReadBlockTypeBySlug: anything, api.OpReadBlockSchemaByChecksum: anything, api.OpReadBlockSchemas: anything,
	api.OpReadBlockDocumentByID: anything, api.OpReadBlockDocumentByNameForBlockType: anything,
	api.OpReadServerDefaultResultStorage: anything,

	api.OpBulkIncrementActiveSlots: anything, api.OpBulkIncrementActiveSlotsWithLease: anything, api.OpBulkDecrementActiveSlotsWithLease: anything,
	api.OpRenewConcurrencyLease:        {core.LeaseKind, "lease_id"},
	api.OpIncrementConcurrencyLimitsV1: anything, api.OpDecrementConcurrencyLimitsV1: anything,
}

// runSockets are the scopes of the sockets that the program of a run may open.
var runSockets = map[string]bool{"manage_events": true, "see_events": true}

// errNotForRuns is the answer to the program of a run that asks for what is not for runs.
var errNotForRuns = api.Errorf(api.CodeForbidden, "The token of a run is good for the run itself and what it has made, not for this.")

// runBound refuses the program of a run what does not belong to the run.
func runBound(c *core.Core, r *request, op api.Operation) error {
	if r.who.Run == nil {
		return nil
	}
	rule, may := runRules[op]
	switch {
	case !may:
		return errNotForRuns
	case rule.kind == "":
		return nil
	}
	text := r.PathValue(rule.parameter)
	if text == "" {
		text = r.URL.Query().Get(rule.parameter)
	}
	id, err := uuid.Parse(text)
	if err != nil {
		return nil //nolint:nilerr // the operation itself says what is wrong
	}
	ok, err := c.Reaches(r.Context(), r.who, rule.kind, id)
	if err == nil && !ok && rule.kind == core.FlowKind {
		ok, err = r.mayRunOthers(), nil // it names the flow of a deployment that it starts
	}
	if err == nil && !ok {
		err = errNotForRuns
	}
	return err
}

// mayRunOthers says that a run may start other deployments.
func (r *request) mayRunOthers() bool {
	return r.visitor.grant.Scopes.Has("run_deployments")
}

// runSees keeps from the program of a run what an answer tells of others: a deployment that
// it may start has for it a name and a schema of parameters, not how and with what it runs,
// and so it is with its own work pool.
func runSees(c *core.Core, r *request, out answer) (answer, error) {
	if r.who.Run == nil {
		return out, nil
	}
	switch body := out.body.(type) {
	case *api.DeploymentResponse:
		ok, err := c.Reaches(r.Context(), r.who, core.DeploymentKind, body.ID)
		switch {
		case err != nil || ok:
			return out, err
		case !r.mayRunOthers():
			return out, api.NotFound("Deployment")
		}
		shown := *body
		shown.JobVariables, shown.PullSteps, shown.Parameters = jsontext.Value("{}"), nil, jsontext.Value("{}")
		shown.Path, shown.Entrypoint, shown.Schedules = nil, nil, []api.DeploymentSchedule{}
		return answer{out.status, &shown}, nil
	case *api.WorkPoolResponse:
		ok, err := c.Reaches(r.Context(), r.who, core.WorkPoolKind, body.ID)
		if err == nil && !ok {
			err = api.NotFound("Work pool")
		}
		shown := *body
		shown.BaseJobTemplate = jsontext.Value("{}")
		return answer{out.status, &shown}, err
	}
	return out, nil
}

var runTokenRoutes = []route{
	{api.OpCreateRunToken, "run_flows write_workers", small, createRunToken},
	{api.OpReadRunTokens, "see_flows", small, readRunTokens},
	{api.OpDeleteRunTokens, "run_flows", small, deleteRunTokens},
	{api.OpReadRunAccess, "see_deployments", small, readRunAccess},
	{api.OpUpdateRunAccess, "manage_deployments", small, updateRunAccess},
}

// readRunAccess says what the programs of a deployment's runs may use.
func readRunAccess(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	out, err := c.RunAccess(r.Context(), r.who, id)
	return give(http.StatusOK, out, err)
}

// updateRunAccess decides what the programs of a deployment's runs may use.
func updateRunAccess(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	var in api.RunAccess
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	out, err := c.SetRunAccess(r.Context(), r.who, id, &in, r.api.Identity.NoteRunAccess(r.visitor.by, r.visitor.grant, id))
	return give(http.StatusOK, out, err)
}

// readRunTokens lists the tokens of a run.
func readRunTokens(_ *core.Core, r *request) (answer, error) {
	if r.visitor.grant == nil {
		return answer{}, errNoTokens
	}
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	list, err := r.api.Identity.RunTokens(r.Context(), r.who.Workspace, id)
	return give(http.StatusOK, list, err)
}

// errNoTokens is the answer of a server on which runs need none.
var errNoTokens = api.Errorf(api.CodeNotFound, "This server has no accounts, so runs need no tokens.")

// createRunToken gives a worker what it lets the program of a run in with.
func createRunToken(_ *core.Core, r *request) (answer, error) {
	if r.visitor.grant == nil {
		return answer{}, errNoTokens
	}
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	var in api.RunTokenCreate
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	secret, expires, err := r.api.Identity.GrantRunToken(r.Context(), r.visitor.by, r.who.Workspace, id, in.Keep)
	return give(http.StatusCreated, api.RunToken{Token: secret, Expires: expires}, err)
}

// deleteRunTokens ends the tokens of a run.
func deleteRunTokens(_ *core.Core, r *request) (answer, error) {
	if r.visitor.grant == nil {
		return answer{}, errNoTokens
	}
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	g := r.visitor.grant.Workspace
	n, err := r.api.Identity.RevokeRunTokens(r.Context(), r.visitor.by, g.AccountID, g.ID, id)
	return give(http.StatusOK, api.RunTokensDeleted{Deleted: n}, err)
}
