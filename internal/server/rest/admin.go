package rest

import (
	"net/http"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
)

var adminRoutes = []route{
	{api.OpReadServerDefaultResultStorage, "see_workspace_settings", small, readResultStorage},
	{api.OpUpdateServerDefaultResultStorage, "manage_workspace_settings", small, setResultStorage},
	{api.OpClearServerDefaultResultStorage, "manage_workspace_settings", small, clearResultStorage},
	{api.OpReadSettings, "see_workspace_settings", small, readSettings},
	{api.OpReadViewContent, "see_work_pools", small, readCollection},
	{api.OpReadAvailableWorkPoolTypes, "see_work_pools", small, readWorkPoolTypes},
}

// readSettings answers with what the server is configured with; its secrets are masked.
func readSettings(c *core.Core, _ *request) (answer, error) {
	if c.Settings == nil {
		return ok(api.DefaultSettings())
	}
	return ok(c.Settings)
}

func readResultStorage(c *core.Core, r *request) (answer, error) {
	out, err := c.DefaultResultStorage(r.Context(), r.who)
	return give(http.StatusOK, out, err)
}

func setResultStorage(c *core.Core, r *request) (answer, error) {
	var in api.ServerDefaultResultStorageUpdate
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	out, err := c.SetDefaultResultStorage(r.Context(), r.who, in.DefaultResultStorageBlockID)
	return give(http.StatusOK, out, err)
}

func clearResultStorage(c *core.Core, r *request) (answer, error) {
	return none(c.ClearDefaultResultStorage(r.Context(), r.who))
}

// readCollection answers with the types of work pools too that have no worker, if it is asked
// as the hosted service is.
func readCollection(_ *core.Core, r *request) (answer, error) {
	name := r.PathValue("view")
	if name == "aggregate-worker-metadata" && !r.visitor.tenant.IsZero() {
		return readWorkPoolTypes(nil, r)
	}
	view, err := core.Collection(name)
	return give(http.StatusOK, view, err)
}

func readWorkPoolTypes(*core.Core, *request) (answer, error) {
	types, err := core.WorkPoolTypes()
	return give(http.StatusOK, types, err)
}
