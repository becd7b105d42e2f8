package store

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// SLA is an agreement about runs: an automation, and what it is about.
type SLA struct {
	api.Automation

	Owner    string // the resource that it is about, "" for all
	Kind     string
	Severity api.SlaSeverity
	Bound    time.Duration
}

const slaColumns = automationFields + `,
	sla.owner_resource, sla.kind, sla.severity, sla.bound
from sla
join automation
	on automation.workspace_id = sla.workspace_id
	and automation.id = sla.automation_id
`

func scanSLA(row *Row) (s SLA, err error) {
	s.Automation, err = scanAutomationAnd(row, &s.Owner, &s.Kind, &s.Severity, &s.Bound)
	return s, err
}

// SaveSLA writes what an automation is about that is an agreement.
func (tx *Tx) SaveSLA(s *SLA) error {
	_, err := tx.Exec(`
		insert into sla (workspace_id, automation_id, owner_resource, kind, severity, bound)
		values (?, ?, ?, ?, ?, ?)
		on conflict (workspace_id, automation_id) do update
		set kind = excluded.kind,
			severity = excluded.severity,
			bound = excluded.bound`, tx.workspace, s.ID, s.Owner, s.Kind, s.Severity, s.Bound)
	return err
}

// SLA returns an agreement by its id.
func (tx *Tx) SLA(id uuid.UUID) (*SLA, error) {
	return one(tx, slaColumns+"where sla.workspace_id = ?\nand sla.automation_id = ?", []any{tx.workspace, id}, scanSLA)
}

// SLAs lists agreements; owner is the resource that they are about, nil for any.
func (tx *Tx) SLAs(f *api.SlaFilter, owner *string, sort api.AutomationSort, limit, offset int) ([]SLA, error) {
	where := all(tx.own("sla"), slaCondition(tx.sql, f))
	if owner != nil {
		where = all(where, is("sla.owner_resource = ?", *owner))
	}
	page := page(limit, offset)
	return many(tx, slaColumns+"where "+where.sql+"\norder by "+automationOrder(sort)+page.sql, append(where.args, page.args...), scanSLA)
}

// DeleteSLAsOf removes the agreements about a resource.
func (tx *Tx) DeleteSLAsOf(owner string) error {
	_, err := tx.Exec(`
		delete from automation
		where workspace_id = ?
		and id in (
			select automation_id
			from sla
			where workspace_id = ?
			and owner_resource = ?)`, tx.workspace, tx.workspace, owner)
	return err
}

// Kept is an automation that the server keeps under a name.
type Kept struct {
	api.Automation

	Name     string
	Settings jsontext.Value
}

// KeepAutomation notes that an automation is the one of a name.
func (tx *Tx) KeepAutomation(name string, id uuid.UUID, settings jsontext.Value) error {
	_, err := tx.Exec(`
		insert into kept_automation (workspace_id, name, automation_id, settings)
		values (?, ?, ?, ?)
		on conflict (workspace_id, name) do update
		set automation_id = excluded.automation_id,
			settings = excluded.settings`, tx.workspace, name, id, settings)
	return err
}

// KeptAutomations lists the automations that the server keeps under one of the names, by
// name.
func (tx *Tx) KeptAutomations(names ...string) ([]Kept, error) {
	where := all(tx.own("kept_automation"), oneOf("kept_automation.name", names))
	return many(tx, automationFields+`,
			kept_automation.name, kept_automation.settings
		from kept_automation
		join automation
			on automation.workspace_id = kept_automation.workspace_id
			and automation.id = kept_automation.automation_id
		where `+where.sql+`
		order by kept_automation.name`, where.args, func(row *Row) (k Kept, err error) {
		k.Automation, err = scanAutomationAnd(row, &k.Name, &k.Settings)
		return k, err
	})
}
