package rest

import (
	"net/http"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
	"github.com/usherhq/usher/internal/server/identity"
)

var managedRoutes = []route{
	{api.OpListManagedAutomations, "see_automations", small, readManaged},
	{api.OpListManagedAutomationTypes, "see_automations", small, readManagedTypes},
	{api.OpCreateOrUpdateManagedAutomation, "manage_automations", small, manageAutomation},
	{api.OpDeleteManagedAutomation, "manage_automations", small, unmanageAutomation},
}

func readManaged(c *core.Core, r *request) (answer, error) {
	list, err := c.ManagedAutomations(r.Context(), r.who)
	return give(http.StatusOK, list, err)
}

func readManagedTypes(*core.Core, *request) (answer, error) {
	return give(http.StatusOK, core.ManagedAutomationTypes(), nil)
}

func (r *request) managedType() (api.ManagedAutomationType, error) {
	t, problem := choice[api.ManagedAutomationType](r.PathValue("automation_type"), "path", "automation_type")
	if problem != nil {
		return t, api.Invalid(nil, *problem)
	}
	return t, nil
}

func manageAutomation(c *core.Core, r *request) (answer, error) {
	t, err := r.managedType()
	if err != nil {
		return answer{}, err
	}
	var in api.CreateOrUpdateManagedAutomationRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	a, err := c.ManageAutomation(r.Context(), r.who, t, in.Enabled.Or(true), api.Object(in.Settings.Or(nil)), r.body)
	return give(http.StatusOK, a, err)
}

func unmanageAutomation(c *core.Core, r *request) (answer, error) {
	t, err := r.managedType()
	if err != nil {
		return answer{}, err
	}
	return none(c.UnmanageAutomation(r.Context(), r.who, t))
}

// The automations that the server manages, of all workspaces of an account that the caller
// is in.
var managedAccountRoutes = []governedRoute{
	{pattern: "GET " + inAccount + "/managed-automations/", permission: "administrate:workspace", handle: readAccountManaged},
	{pattern: "DELETE " + inAccount + "/managed-automations", permission: "administrate:workspace", handle: unmanageAccount},
	{pattern: "POST " + inAccount + "/managed-automations/quick-enable", permission: "administrate:workspace", handle: manageAccount},
}

type managedOfWorkspace struct {
	ID          uuid.UUID        `json:"workspace_id"`
	Name        string           `json:"workspace_name"`
	Handle      string           `json:"workspace_handle"`
	Automations []managedSummary `json:"automations"`
}

type managedSummary struct {
	Type    api.ManagedAutomationType `json:"type"`
	Enabled bool                      `json:"enabled"`
}

// eachManaged calls each for the workspaces of the account, with what they have.
func (r *request) eachManaged(each func(who core.Caller, space *managedOfWorkspace) error) error {
	for _, g := range r.actor().Workspaces() {
		if g.Workspace.AccountID != r.account {
			continue
		}
		who := r.who
		who.Workspace = g.Workspace.ID
		list, err := r.core.ManagedAutomations(r.Context(), who)
		if err != nil {
			return err
		}
		space := &managedOfWorkspace{g.Workspace.ID, g.Workspace.Name, g.Workspace.Handle, make([]managedSummary, len(list))}
		for i, a := range list {
			space.Automations[i] = managedSummary{a.Type, a.Enabled}
		}
		if err := each(who, space); err != nil {
			return err
		}
	}
	return nil
}

func readAccountManaged(_ *identity.Service, r *request) (answer, error) {
	out := []managedOfWorkspace{}
	err := r.eachManaged(func(_ core.Caller, space *managedOfWorkspace) error {
		out = append(out, *space)
		return nil
	})
	return give(http.StatusOK, out, err)
}

// manageAccount switches on, with their defaults, the automations that workspaces lack.
func manageAccount(_ *identity.Service, r *request) (answer, error) {
	err := r.eachManaged(func(who core.Caller, space *managedOfWorkspace) error {
		has := map[api.ManagedAutomationType]bool{}
		for _, a := range space.Automations {
			has[a.Type] = a.Enabled
		}
		for _, known := range core.ManagedAutomationTypes() {
			if has[known.Type] {
				continue
			}
			if _, err := r.core.ManageAutomation(r.Context(), who, known.Type, true, known.Defaults, nil); err != nil {
				return err
			}
		}
		return nil
	})
	return give(http.StatusAccepted, jsontext.Value("null"), err)
}

func unmanageAccount(_ *identity.Service, r *request) (answer, error) {
	err := r.eachManaged(func(who core.Caller, space *managedOfWorkspace) error {
		for _, a := range space.Automations {
			if err := r.core.UnmanageAutomation(r.Context(), who, a.Type); err != nil && api.CodeOf(err) != api.CodeNotFound {
				return err
			}
		}
		return nil
	})
	return give(http.StatusAccepted, jsontext.Value("null"), err)
}
