package identity

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

// Entry is something to be written into the audit log of an account.
type Entry struct {
	Account   uuid.UUID // of zeros: what concerns no account, such as a refused sign-in
	Workspace *uuid.UUID
	// Type and Action make the event's name: prefect-cloud.{type}.{action}.
	Type, Action string
	ID           uuid.UUID // of what was changed
	Name         string
	// Changes are the old and the new value of fields; secrets are "***" in both.
	Changes map[string][2]any
	Details map[string]any
	// Actor is who did it when By knows nobody yet, as while signing in.
	Actor *uuid.UUID
}

// Audit writes an entry down. It belongs into the transaction of what it tells: either
// both are kept or neither.
func (s *Service) Audit(tx *store.Tx, by By, e Entry) error {
	row := &store.AuditEntry{
		AccountID: e.Account, ID: newID(), Occurred: s.Now(), Event: ownEvents + e.Type + "." + e.Action,
		WorkspaceID: e.Workspace, ActorID: e.Actor, ResourceID: "prefect-cloud." + e.Type + "." + e.ID.String(),
	}
	if by.Actor != nil {
		row.ActorID = &by.Actor.ID
	}
	text, err := json.Marshal(eventOf(by, e, row), json.Deterministic(true))
	if err != nil {
		return err
	}
	return chain(tx, row, string(text))
}

// chain puts an entry with its text behind the last one of its account.
func chain(tx *store.Tx, row *store.AuditEntry, text string) error {
	seq, prev, err := tx.AuditHead(row.AccountID)
	if err != nil {
		return err
	}
	row.Seq, row.Prev, row.Entry = seq+1, prev, text
	row.Hash = chained(row)
	return tx.AppendAudit(row)
}

// witnesses tell of whom an entry is: the account, the workspace and who did it.
func witnesses(by By, row *store.AuditEntry) []api.Resource {
	related := []api.Resource{{"prefect.resource.id": "prefect-cloud.account." + row.AccountID.String(), "prefect.resource.role": "account"}}
	if row.WorkspaceID != nil {
		related = append(related, api.Resource{"prefect.resource.id": "prefect-cloud.workspace." + row.WorkspaceID.String(), "prefect.resource.role": "workspace"})
	}
	if row.ActorID == nil {
		return related
	}
	actor := api.Resource{"prefect.resource.id": "prefect-cloud.actor." + row.ActorID.String(), "prefect.resource.role": "actor"}
	if a := by.Actor; a != nil {
		actor["prefect.resource.name"], actor["prefect-cloud.name"], actor["prefect-cloud.handle"], actor["prefect-cloud.email"] = a.Name(), a.Name(), a.Handle, a.Email
	}
	return append(related, actor)
}

// eventOf words an entry as an event.
func eventOf(by By, e Entry, row *store.AuditEntry) *api.ReceivedEvent {
	auth := map[string]any{}
	if a := by.Actor; a != nil {
		auth["method"], auth["credential_id"] = a.Credential.Method, a.Credential.ID
	}
	payload := map[string]any{"ip": by.IP, "user_agent": by.UserAgent, "request_id": by.RequestID, "auth": auth}
	if len(e.Changes) > 0 {
		payload["changes"] = e.Changes
	}
	for k, v := range e.Details {
		payload[k] = v
	}
	text, err := json.Marshal(payload, json.Deterministic(true))
	if err != nil {
		text = jsontext.Value("{}")
	}
	resource := api.Resource{"prefect.resource.id": row.ResourceID}
	if e.Name != "" {
		resource["prefect.resource.name"] = e.Name
	}
	return &api.ReceivedEvent{ID: row.ID, Occurred: row.Occurred, Received: row.Occurred, Event: row.Event, Resource: resource, Related: witnesses(by, row), Payload: text}
}

// chained is the hash of an entry: of all that is kept of it, and of the one before.
func chained(e *store.AuditEntry) []byte {
	h := sha256.New()
	h.Write(e.Prev)
	h.Write(e.AccountID[:])
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(e.Seq))) //nolint:gosec // it counts from 1
	h.Write([]byte(e.Entry))
	return h.Sum(nil)
}

// auditPage is how many entries are read at once.
const auditPage = 500

// VerifyAudit checks the chain of an account. It returns how many entries are right; an
// error of the code CodeConflict says which one is not, and why.
func (s *Service) VerifyAudit(ctx context.Context, account uuid.UUID) (entries int64, err error) {
	var prev []byte
	left := map[int64]string{} // of entries from which somebody was erased, by number
	for {
		var page []store.AuditEntry
		var end int64
		var head []byte
		err := s.Read(ctx, func(tx *store.Tx) (err error) {
			if page, err = tx.AuditEntries(account, entries, auditPage); err == nil {
				end, head, err = tx.AuditEnd(account)
			}
			return missing("audit log", err)
		})
		if err != nil {
			return entries, err
		}
		for i := range page {
			if problem := broken(&page[i], entries+1, prev); problem != "" {
				return entries, api.Errorf(api.CodeConflict, "Entry %d of the audit log was tampered with: %s.", entries+1, problem)
			}
			if page[i].RedactedBy != nil {
				left[page[i].Seq] = remains(page[i].Entry)
			}
			for seq, hash := range vouched(&page[i]) { // an earlier one vouches for what was left then
				if left[seq] == hash {
					delete(left, seq)
				}
			}
			entries, prev = page[i].Seq, page[i].Hash
		}
		if len(page) == auditPage {
			continue
		}
		if entries != end || string(prev) != string(head) {
			return entries, api.Errorf(api.CodeConflict, "The audit log ends at entry %d, but %d were written.", entries, end)
		}
		for seq := range left {
			return entries, api.Errorf(api.CodeConflict, "Entry %d of the audit log was tampered with: no later entry vouches for what is left of it.", seq)
		}
		return entries, nil
	}
}

// broken says what is wrong with an entry, "" when nothing is.
func broken(e *store.AuditEntry, seq int64, prev []byte) string {
	var told api.ReceivedEvent
	switch {
	case e.Seq != seq:
		return fmt.Sprintf("it is missing, the next is %d", e.Seq)
	case string(e.Prev) != string(prev):
		return "it does not follow the one before"
	case e.RedactedBy == nil && string(chained(e)) != string(e.Hash):
		return "it does not match its hash"
	case json.Unmarshal([]byte(e.Entry), &told) != nil || told.ID != e.ID || told.Event != e.Event || !told.Occurred.Equal(e.Occurred.Time) || told.Resource["prefect.resource.id"] != e.ResourceID:
		return "its columns do not match what was written"
	}
	return ""
}

// eventIn reads an entry of the log as the event that it was written down as.
func eventIn(entry string) (*api.ReceivedEvent, error) {
	e := &api.ReceivedEvent{}
	return e, json.Unmarshal([]byte(entry), e)
}

func hexOf(b []byte) string { return hex.EncodeToString(b) }
