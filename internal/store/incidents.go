package store

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

func scanIncident(row *Row) (i api.Incident, err error) {
	var content jsontext.Value
	if err := row.Scan(&content); err != nil {
		return i, err
	}
	return i, json.Unmarshal(content, &i)
}

// SaveIncident writes an incident, in place of what it was.
func (tx *Tx) SaveIncident(i *api.Incident) error {
	content, err := json.Marshal(i)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`
		insert into incident (workspace_id, id, status, severity, content)
		values (?, ?, ?, ?, ?)
		on conflict (workspace_id, id) do update
		set status = excluded.status,
			severity = excluded.severity,
			content = excluded.content`, tx.workspace, i.ID, i.Status, i.Severity, jsontext.Value(content))
	return err
}

// LockIncident returns an incident that nobody else changes before the transaction ends.
func (tx *Tx) LockIncident(id uuid.UUID) (*api.Incident, error) {
	return one(tx, "select content\nfrom incident\nwhere workspace_id = ?\nand id = ?"+tx.D().ForUpdate(), []any{tx.workspace, id}, scanIncident)
}

// Incident returns an incident.
func (tx *Tx) Incident(id uuid.UUID) (*api.Incident, error) {
	return one(tx, "select content\nfrom incident\nwhere workspace_id = ?\nand id = ?", []any{tx.workspace, id}, scanIncident)
}

// Incidents lists incidents, the one that was declared last first.
func (tx *Tx) Incidents(f *api.IncidentFilter, limit, offset int) ([]api.Incident, error) {
	where := tx.own("incident")
	if f != nil && f.Status != nil {
		where = all(where, oneOf("status", f.Status))
	}
	if f != nil && f.Severity != nil {
		where = all(where, oneOf("severity", f.Severity))
	}
	page := page(limit, offset)
	return many(tx, "select content\nfrom incident\nwhere "+where.sql+"\norder by id desc"+page.sql, append(where.args, page.args...), scanIncident)
}

// DeleteIncident removes an incident.
func (tx *Tx) DeleteIncident(id uuid.UUID) error { return known(tx.deleteRow("incident", id)) }
