package rest

import (
	"cmp"
	"net/http"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
)

var slaRoutes = []route{
	{api.OpCreateSla, "manage_automations", small, createSLA},
	{api.OpApplySlas, "manage_automations", small, applySLAs},
	{api.OpReadSlas, "see_automations", small, readSLAs},
	{api.OpReadSlasByOwnerResource, "see_automations", small, readSLAsByOwner},
	{api.OpReadSla, "see_automations", small, readSLA},
	{api.OpUpdateSla, "manage_automations", small, enableSLA},
	{api.OpDeleteSla, "manage_automations", small, deleteSLA},
	{api.OpReadFlowRunsInSlas, "see_automations", small, readRunsInViolation},
	{api.OpCreateDefaultSla, "manage_automations", small, createDefaultSLAs},
	{api.OpReadDefaultSlaList, "see_automations", small, readDefaultSLAs},
	{api.OpReadDefaultSla, "see_automations", small, readDefaultSLA},
	{api.OpDeleteDefaultSla, "manage_automations", small, deleteDefaultSLA},
}

func createSLA(c *core.Core, r *request) (answer, error) {
	var raw jsontext.Value
	if err := r.decode(&raw); err != nil {
		return answer{}, err
	}
	s, err := c.CreateSLA(r.Context(), r.who, raw)
	return give(http.StatusCreated, s, err)
}

func applySLAs(c *core.Core, r *request) (answer, error) {
	var list []jsontext.Value
	if err := r.decode(&list); err != nil {
		return answer{}, err
	}
	done, err := c.ApplySLAs(r.Context(), r.who, r.PathValue("resource_id"), r.body, list)
	return give(http.StatusOK, done, err)
}

func readSLAs(c *core.Core, r *request) (answer, error) {
	var in api.ReadSlasRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	return pageOfSLAs(c, r, in.Filter, nil, in.Limit, in.Offset)
}

func readSLAsByOwner(c *core.Core, r *request) (answer, error) {
	var in api.ReadSlasByOwnerResourceRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	owner := r.PathValue("owner_resource")
	return pageOfSLAs(c, r, in.Filter, &owner, in.Limit, in.Offset)
}

func pageOfSLAs(c *core.Core, r *request, f *api.SlaFilter, owner *string, size, offset api.Opt[int]) (answer, error) {
	sort, problem := choice[api.AutomationSort](cmp.Or(r.URL.Query().Get("sort"), string(api.AutomationSortNameAsc)), "query", "sort")
	if problem != nil {
		return answer{}, api.Invalid(r.body, *problem)
	}
	limit, err := api.PageLimit(size)
	if err != nil {
		return answer{}, err
	}
	list, err := c.SLAs(r.Context(), r.who, f, owner, sort, limit, offset.Or(0))
	return give(http.StatusOK, list, err)
}

func readSLA(c *core.Core, r *request) (answer, error) {
	id, err := r.id("sla_id")
	if err != nil {
		return answer{}, err
	}
	s, err := c.SLA(r.Context(), r.who, id)
	return give(http.StatusOK, s, err)
}

func enableSLA(c *core.Core, r *request) (answer, error) {
	id, err := r.id("sla_id")
	if err != nil {
		return answer{}, err
	}
	var in api.ServiceLevelAgreementPartialUpdate
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	return give(http.StatusOK, true, c.EnableSLA(r.Context(), r.who, id, in.Enabled))
}

func deleteSLA(c *core.Core, r *request) (answer, error) {
	id, err := r.id("sla_id")
	if err != nil {
		return answer{}, err
	}
	return give(http.StatusOK, true, c.DeleteSLA(r.Context(), r.who, id))
}

func readRunsInViolation(c *core.Core, r *request) (answer, error) {
	var in api.ReadFlowRunsInSlasRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	list, err := c.RunsInViolation(r.Context(), r.who, in.SlaIDs, in.Since)
	return give(http.StatusOK, list, err)
}

func createDefaultSLAs(c *core.Core, r *request) (answer, error) {
	var in api.CreateDefaultSlaRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	list, err := c.CreateDefaultSLAs(r.Context(), r.who, in.SlaSeverities, in.BlockID)
	return give(http.StatusCreated, list, err)
}

func readDefaultSLAs(c *core.Core, r *request) (answer, error) {
	list, err := c.DefaultSLAs(r.Context(), r.who)
	return give(http.StatusOK, list, err)
}

func readDefaultSLA(c *core.Core, r *request) (answer, error) {
	severity, problem := choice[api.SlaSeverity](r.PathValue("sla_severity"), "path", "sla_severity")
	if problem != nil {
		return answer{}, api.Invalid(nil, *problem)
	}
	a, err := c.DefaultSLA(r.Context(), r.who, severity)
	return give(http.StatusOK, a, err)
}

func deleteDefaultSLA(c *core.Core, r *request) (answer, error) {
	severity, problem := choice[api.SlaSeverity](r.PathValue("sla_severity"), "path", "sla_severity")
	if problem != nil {
		return answer{}, api.Invalid(nil, *problem)
	}
	return give(http.StatusOK, nil, c.DeleteDefaultSLA(r.Context(), r.who, severity))
}
