package rest

import (
	"net/http"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
)

var automationRoutes = []route{
	{api.OpCreateAutomation, "manage_automations", medium, createAutomation},
	{api.OpReadAutomation, "see_automations", small, readAutomation},
	{api.OpReadAutomations, "see_automations", small, readAutomations},
	{api.OpCountAutomations, "see_automations", small, countAutomations},
	{api.OpReadAutomationsRelatedToResource, "see_automations", small, readAutomationsRelatedTo},
	{api.OpUpdateAutomation, "manage_automations", medium, replaceAutomation},
	{api.OpPatchAutomation, "manage_automations", small, enableAutomation},
	{api.OpDeleteAutomation, "manage_automations", small, deleteAutomation},
	{api.OpDeleteAutomationsOwnedByResource, "manage_automations", small, deleteAutomationsOwnedBy},
}

func createAutomation(c *core.Core, r *request) (answer, error) {
	var raw jsontext.Value
	if err := r.decode(&raw); err != nil {
		return answer{}, err
	}
	var in api.AutomationCreate
	if err := api.Decode(raw, &in); err != nil {
		return answer{}, err
	}
	a, err := c.CreateAutomation(r.Context(), r.who, &in, raw)
	return give(http.StatusCreated, a, err)
}

func readAutomation(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	a, err := c.Automation(r.Context(), r.who, id)
	return give(http.StatusOK, a, err)
}

func readAutomations(c *core.Core, r *request) (answer, error) {
	var in api.ReadAutomationsRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	limit, err := api.PageLimit(in.Limit)
	if err != nil {
		return answer{}, err
	}
	list, err := c.Automations(r.Context(), r.who, in.Automations, in.Sort.Or(api.AutomationSortNameAsc), limit, in.Offset.Or(0))
	return give(http.StatusOK, list, err)
}

func countAutomations(c *core.Core, r *request) (answer, error) {
	n, err := c.CountAutomations(r.Context(), r.who)
	return give(http.StatusOK, n, err)
}

func readAutomationsRelatedTo(c *core.Core, r *request) (answer, error) {
	list, err := c.AutomationsRelatedTo(r.Context(), r.who, r.PathValue("resource_id"))
	return give(http.StatusOK, list, err)
}

func replaceAutomation(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	var raw jsontext.Value
	if err := r.decode(&raw); err != nil {
		return answer{}, err
	}
	var in api.AutomationUpdate
	if err := api.Decode(raw, &in); err != nil {
		return answer{}, err
	}
	return none(c.ReplaceAutomation(r.Context(), r.who, id, &in, raw))
}

func enableAutomation(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	var in api.AutomationPartialUpdate
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	return none(c.EnableAutomation(r.Context(), r.who, id, &in))
}

func deleteAutomation(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	return none(c.DeleteAutomation(r.Context(), r.who, id))
}

func deleteAutomationsOwnedBy(c *core.Core, r *request) (answer, error) {
	return give(http.StatusAccepted, nil, c.DeleteAutomationsOwnedBy(r.Context(), r.who, r.PathValue("resource_id")))
}
