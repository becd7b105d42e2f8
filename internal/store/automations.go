package store

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

const (
	automationFields = `
select automation.id, automation.created, automation.updated, automation.name, automation.description, automation.enabled,
	automation.tags, automation.trigger, automation.actions, automation.actions_on_trigger, automation.actions_on_resolve`
	automationColumns = automationFields + "\nfrom automation\n"
)

func scanAutomation(row *Row) (api.Automation, error) { return scanAutomationAnd(row) }

// scanAutomationAnd reads an automation and what follows its columns.
func scanAutomationAnd(row *Row, more ...any) (a api.Automation, err error) {
	var actions, onTrigger, onResolve jsontext.Value
	err = row.Scan(append([]any{
		&a.ID, &a.Created, &a.Updated, &a.Name, &a.Description, &a.Enabled, &a.Tags, &a.Trigger, &actions, &onTrigger, &onResolve,
	}, more...)...)
	for _, list := range []struct {
		stored jsontext.Value
		into   *[]jsontext.Value
	}{{actions, &a.Actions}, {onTrigger, &a.ActionsOnTrigger}, {onResolve, &a.ActionsOnResolve}} {
		if err == nil {
			err = json.Unmarshal(list.stored, list.into)
		}
	}
	return a, err
}

// InsertAutomation adds an automation.
func (tx *Tx) InsertAutomation(a *api.Automation) error {
	lists := make([]jsontext.Value, 3)
	for i, list := range [][]jsontext.Value{a.Actions, a.ActionsOnTrigger, a.ActionsOnResolve} {
		text, err := json.Marshal(list)
		if err != nil {
			return err
		}
		lists[i] = text
	}
	_, err := tx.Exec(`
		insert into automation (workspace_id, id, created, updated, name, description, enabled, tags, trigger, actions, actions_on_trigger, actions_on_resolve)
		values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		tx.workspace, a.ID, a.Created, a.Updated, a.Name, a.Description, a.Enabled, a.Tags, a.Trigger, lists[0], lists[1], lists[2])
	return err
}

// Automation returns an automation by its id.
func (tx *Tx) Automation(id uuid.UUID) (*api.Automation, error) {
	return one(tx, automationColumns+`
		where automation.workspace_id = ?
		and automation.id = ?`, []any{tx.workspace, id}, scanAutomation)
}

// Automations lists automations, without agreements.
func (tx *Tx) Automations(f *api.AutomationFilter, sort api.AutomationSort, limit, offset int) ([]api.Automation, error) {
	where, page := tx.whereAutomations(f), page(limit, offset)
	return many(tx, automationColumns+"where "+where.sql+"\norder by "+automationOrder(sort)+page.sql, append(where.args, page.args...), scanAutomation)
}

// CountAutomations counts every automation that is no agreement.
func (tx *Tx) CountAutomations() (int, error) {
	return tx.count("automation", tx.whereAutomations(nil))
}

// UpdateAutomation writes columns of an automation.
func (tx *Tx) UpdateAutomation(id uuid.UUID, sets ...Set) error {
	return known(tx.setRow("automation", id, sets))
}

// DeleteAutomation removes an automation.
func (tx *Tx) DeleteAutomation(id uuid.UUID) error { return known(tx.deleteRow("automation", id)) }

// RelateAutomation notes that an automation belongs to a resource (owned), or acts on it.
func (tx *Tx) RelateAutomation(id uuid.UUID, resource string, owned bool) error {
	_, err := tx.Exec(`
		insert into automation_related_resource (workspace_id, automation_id, resource_id, owned)
		values (?, ?, ?, ?)
		on conflict (workspace_id, automation_id, resource_id) do update
		set owned = excluded.owned`, tx.workspace, id, resource, owned)
	return err
}

// UnrelateAutomation forgets the deployments that an automation acts on without
// belonging to them.
func (tx *Tx) UnrelateAutomation(id uuid.UUID) error {
	_, err := tx.Exec(`
		delete from automation_related_resource
		where workspace_id = ?
		and automation_id = ?
		and resource_id like 'prefect.deployment.%'
		and owned = ?`, tx.workspace, id, false)
	return err
}

// AutomationsRelatedTo lists the automations that belong to a resource or act on it.
func (tx *Tx) AutomationsRelatedTo(resource string) ([]api.Automation, error) {
	return many(tx, automationColumns+`
		join automation_related_resource
			on automation_related_resource.workspace_id = automation.workspace_id
			and automation_related_resource.automation_id = automation.id
		where automation.workspace_id = ?
		and automation_related_resource.resource_id = ?
		order by automation.id`, []any{tx.workspace, resource}, scanAutomation)
}

// DeleteAutomationsOwnedBy removes the automations that belong to a resource.
func (tx *Tx) DeleteAutomationsOwnedBy(resource string) error {
	_, err := tx.Exec(`
		delete from automation
		where workspace_id = ?
		and id in (
			select automation_id
			from automation_related_resource
			where workspace_id = ?
			and resource_id = ?
			and owned = ?)`, tx.workspace, tx.workspace, resource, true)
	return err
}
