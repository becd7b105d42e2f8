package core

import (
	"context"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/automation"
	"github.com/usherhq/usher/internal/store"
)

const noAutomation = "Automation not found"

func automationMissing(err error) error {
	if missing(noAutomation, err) != err {
		return exception(api.CodeNotFound, noAutomation)
	}
	return err
}

// CreateAutomation adds an automation, which may belong to a resource.
func (c *Core) CreateAutomation(ctx context.Context, who Caller, in *api.AutomationCreate, body jsontext.Value) (a *api.Automation, err error) {
	err = c.write(ctx, who, func(w *work) error {
		a, err = w.createAutomation(in, body)
		return err
	})
	return a, err
}

func (w *work) createAutomation(in *api.AutomationCreate, body jsontext.Value) (*api.Automation, error) {
	trigger, acts, err := readAutomation(body, in, in.Trigger, in.Actions, in.ActionsOnTrigger.Or(nil), in.ActionsOnResolve.Or(nil))
	if err != nil {
		return nil, err
	}
	if problem := automation.CheckLoop(trigger, acts[0]); problem != "" && in.Enabled.Or(true) {
		return nil, loopError(body, body, problem, "body")
	}
	if err := w.checkActions(acts[0]); err != nil {
		return nil, err
	}
	a := &api.Automation{
		ID: newID(), Created: &w.now, Updated: &w.now, Name: in.Name, Description: in.Description.Or(""),
		Enabled: in.Enabled.Or(true), Tags: in.Tags.Or([]string{}),
		Actions: stored(acts[0]), ActionsOnTrigger: stored(acts[1]), ActionsOnResolve: stored(acts[2]),
	}
	if a.Trigger, err = json.Marshal(trigger); err != nil {
		return nil, err
	}
	if err := w.addAutomation(a, acts[0], in.OwnerResource.Or("")); err != nil {
		return nil, err
	}
	return a, w.own(a.ID)
}

// own makes the caller, where callers are known, the owner of an automation.
func (w *work) own(id uuid.UUID) error {
	if w.core.MayAct == nil || w.who.By == nil || w.who.By.ID == nil {
		return nil
	}
	return w.SetAutomationOwner(id, *w.who.By.ID)
}

func (w *work) addAutomation(a *api.Automation, actions []automation.Action, owner string) error {
	// Nothing that happens from now on may be missed, whenever somebody first looks at the workspace.
	if err := w.StartCursor(triggersReader, w.now); err != nil {
		return err
	}
	if err := w.InsertAutomation(a); err != nil {
		return err
	}
	if err := w.relateToDeployments(a.ID, actions); err != nil {
		return err
	}
	if owner != "" {
		if err := w.RelateAutomation(a.ID, owner, true); err != nil {
			return err
		}
	}
	return w.emitAutomation("created", a)
}

// readAutomation reads the trigger and the lists of actions of a request, whose body was
// read into in.
func readAutomation(body jsontext.Value, in any, trigger jsontext.Value, lists ...[]jsontext.Value) (*automation.Trigger, [][]automation.Action, error) {
	read, found := automation.ReadTrigger(trigger, uuid.New)
	acts := make([][]automation.Action, len(lists))
	for i, member := range []string{"actions", "actions_on_trigger", "actions_on_resolve"}[:len(lists)] {
		list, problems := automation.ReadActions(lists[i], member)
		acts[i], found = list, append(found, problems...)
	}
	if len(found) > 0 {
		return nil, nil, api.Refused(body, in, found...)
	}
	return read, acts, nil
}

func loopError(body, input jsontext.Value, problem string, at ...any) error {
	if at == nil {
		at = []any{}
	}
	return api.Invalid(body, api.Violation{Type: "value_error", Loc: at, Msg: "Value error, " + problem, Input: input})
}

func stored(actions []automation.Action) []jsontext.Value {
	out := make([]jsontext.Value, len(actions))
	for i := range actions {
		out[i] = actions[i].Stored
	}
	return out
}

// relateToDeployments notes which deployments an automation runs.
func (w *work) relateToDeployments(id uuid.UUID, actions []automation.Action) error {
	for _, a := range actions {
		if a.Type != automation.RunDeployment || a.Source != automation.Selected {
			continue
		}
		if err := w.RelateAutomation(id, deploymentResource(*a.Target), false); err != nil {
			return err
		}
	}
	return nil
}

func deploymentResource(id uuid.UUID) string { return "prefect.deployment." + id.String() }

// ReplaceAutomation gives an automation another trigger and other actions; what else the
// request leaves out stays as it is.
func (c *Core) ReplaceAutomation(ctx context.Context, who Caller, id uuid.UUID, in *api.AutomationUpdate, body jsontext.Value) error {
	trigger, acts, err := readAutomation(body, in, in.Trigger, in.Actions, in.ActionsOnTrigger.Or(nil), in.ActionsOnResolve.Or(nil))
	if err != nil {
		return err
	}
	if problem := automation.CheckLoop(trigger, acts[0]); problem != "" && in.Enabled.Or(true) {
		return loopError(body, body, problem, "body")
	}
	sets, err := automationColumns(in, trigger, acts)
	if err != nil {
		return err
	}
	return automationMissing(c.write(ctx, who, func(w *work) error {
		if err := w.checkActions(acts[0]); err != nil {
			return err
		}
		if err := w.UpdateAutomation(id, append(sets, store.Set{Column: "updated", Value: w.now})...); err != nil {
			return err
		}
		if err := w.own(id); err != nil { // whoever says what it does answers for it
			return err
		}
		if err := w.ForgetTriggers(id); err != nil {
			return err
		}
		if err := w.UnrelateAutomation(id); err != nil {
			return err
		}
		if err := w.relateToDeployments(id, acts[0]); err != nil {
			return err
		}
		return w.automationUpdated(id)
	}))
}

func automationColumns(in *api.AutomationUpdate, trigger *automation.Trigger, acts [][]automation.Action) ([]store.Set, error) {
	var ch changes
	ch.set("name", in.Name)
	patch(&ch, "description", in.Description)
	patch(&ch, "enabled", in.Enabled)
	patch(&ch, "tags", in.Tags)
	text, err := json.Marshal(trigger)
	if err != nil {
		return nil, err
	}
	ch.set("trigger", jsontext.Value(text))
	for i, list := range []struct {
		column string
		isSet  bool
	}{{"actions", true}, {"actions_on_trigger", in.ActionsOnTrigger.IsSet()}, {"actions_on_resolve", in.ActionsOnResolve.IsSet()}} {
		if !list.isSet {
			continue
		}
		text, err := json.Marshal(stored(acts[i]))
		if err != nil {
			return nil, err
		}
		ch.set(list.column, jsontext.Value(text))
	}
	return ch.sets, nil
}

// EnableAutomation switches an automation on or off. One that would run for ever can't
// be switched on.
func (c *Core) EnableAutomation(ctx context.Context, who Caller, id uuid.UUID, in *api.AutomationPartialUpdate) error {
	return automationMissing(c.write(ctx, who, func(w *work) error { return w.enableAutomation(id, in) }))
}

func (w *work) enableAutomation(id uuid.UUID, in *api.AutomationPartialUpdate) error {
	a, err := w.Automation(id)
	if err != nil {
		return err
	}
	if a.Enabled = in.Enabled.Or(true); a.Enabled {
		if err := checkStoredLoop(a); err != nil {
			return err
		}
	}
	sets := []store.Set{{Column: "updated", Value: w.now}}
	if in.Enabled.IsSet() {
		sets = append(sets, store.Set{Column: "enabled", Value: a.Enabled})
	}
	if err := w.UpdateAutomation(id, sets...); err != nil {
		return err
	}
	return w.automationUpdated(id)
}

func checkStoredLoop(a *api.Automation) error {
	trigger, acts, err := readAutomation(nil, nil, a.Trigger, a.Actions)
	if err != nil {
		return err
	}
	problem := automation.CheckLoop(trigger, acts[0])
	if problem == "" {
		return nil
	}
	whole, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return loopError(jsontext.Value(`{"enabled":true}`), whole, problem)
}

func (w *work) automationUpdated(id uuid.UUID) error {
	a, err := w.Automation(id)
	if err != nil {
		return err
	}
	return w.emitAutomation("updated", a)
}

// DeleteAutomation removes an automation.
func (c *Core) DeleteAutomation(ctx context.Context, who Caller, id uuid.UUID) error {
	return automationMissing(c.write(ctx, who, func(w *work) error {
		a, err := w.Automation(id)
		if err != nil {
			return err
		}
		return w.deleteAutomation(a)
	}))
}

func (w *work) deleteAutomation(a *api.Automation) error {
	if err := w.Tx.DeleteAutomation(a.ID); err != nil {
		return err
	}
	return w.emitAutomation("deleted", a)
}

// DeleteAutomationsOwnedBy removes the automations that belong to a resource, if any.
func (c *Core) DeleteAutomationsOwnedBy(ctx context.Context, who Caller, resource string) error {
	return c.write(ctx, who, func(w *work) error { return w.Tx.DeleteAutomationsOwnedBy(resource) })
}

// Automation returns an automation.
func (c *Core) Automation(ctx context.Context, who Caller, id uuid.UUID) (*api.Automation, error) {
	a, err := value(ctx, c, who, func(tx *store.Tx) (*api.Automation, error) { return tx.Automation(id) })
	return a, automationMissing(err)
}

// Automations lists automations.
func (c *Core) Automations(ctx context.Context, who Caller, f *api.AutomationFilter, sort api.AutomationSort, limit, offset int) ([]api.Automation, error) {
	return value(ctx, c, who, func(tx *store.Tx) ([]api.Automation, error) { return tx.Automations(f, sort, limit, offset) })
}

// CountAutomations counts every automation.
func (c *Core) CountAutomations(ctx context.Context, who Caller) (int, error) {
	return value(ctx, c, who, (*store.Tx).CountAutomations)
}

// AutomationsRelatedTo lists the automations that belong to a resource or act on it.
func (c *Core) AutomationsRelatedTo(ctx context.Context, who Caller, resource string) ([]api.Automation, error) {
	return value(ctx, c, who, func(tx *store.Tx) ([]api.Automation, error) { return tx.AutomationsRelatedTo(resource) })
}

func (w *work) emitAutomation(what string, a *api.Automation) (err error) {
	e := w.about("prefect.automation."+what, resource("automation", a.ID, a.Name))
	if e.Payload, err = json.Marshal(a); err != nil {
		return err
	}
	return w.emit(e)
}
