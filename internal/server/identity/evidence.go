package identity

import (
	"context"
	"encoding/hex"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

// Given is a part of evidence that others know.
type Given struct {
	Name     string
	Criteria []string
	Content  any
}

// CollectEvidence writes down how an account stands: what is given, who has access and since
// when, reviews, changes, ages of keys and the end of the audit log, which gets an entry with
// the hash of all of it.
func (s *Service) CollectEvidence(ctx context.Context, by By, account uuid.UUID, given ...Given) (out *api.Evidence, err error) {
	problem := ""
	if _, err := s.VerifyAudit(ctx, account); api.CodeOf(err) == api.CodeConflict {
		problem = err.Error()
	} else if err != nil {
		return nil, err
	}
	err = s.Write(ctx, func(tx *store.Tx) error {
		seq, hash, err := tx.AuditHead(account)
		if err != nil {
			return err
		}
		out = &api.Evidence{Collected: s.Now(), AccountID: account, AuditSeq: seq, AuditHash: hex.EncodeToString(hash), AuditProblem: problem, Parts: []api.EvidencePart{}}
		parts, err := s.evidenceOf(tx, account)
		if err != nil {
			return err
		}
		for _, p := range append(given, parts...) {
			content, err := json.Marshal(p.Content, json.Deterministic(true))
			if err != nil {
				return err
			}
			out.Parts = append(out.Parts, api.EvidencePart{Name: p.Name, Criteria: p.Criteria, Content: content})
		}
		whole, sums, err := out.Digest()
		if err != nil {
			return err
		}
		out.SHA256 = whole
		for i := range out.Parts {
			out.Parts[i].SHA256 = sums[i]
		}
		return s.Audit(tx, by, Entry{Account: account, Type: "evidence", Action: "collected", ID: newID(), Details: map[string]any{"sha256": whole}})
	})
	return out, err
}

// evidenceOf are the parts that this package knows.
func (s *Service) evidenceOf(tx *store.Tx, account uuid.UUID) ([]Given, error) {
	items, err := s.reviewed(tx, account)
	if err != nil {
		return nil, err
	}
	reviews, err := tx.AccessReviews(account, api.MaxPage)
	if err != nil {
		return nil, err
	}
	type review struct {
		ID        uuid.UUID `json:"id"`
		Created   api.Time  `json:"created"`
		Due       api.Time  `json:"due"`
		Completed *api.Time `json:"completed"`
	}
	held := []review{}
	for _, r := range reviews {
		held = append(held, review{r.ID, r.Created, r.Due, r.Completed})
	}
	hours, err := tx.ChangeControl(account)
	if err != nil {
		return nil, err
	}
	changes, err := tx.AccountChanges(account, api.MaxPage)
	if err != nil {
		return nil, err
	}
	type change struct {
		ID      uuid.UUID `json:"id"`
		Created api.Time  `json:"created"`
		Actor   uuid.UUID `json:"actor_id"`
		Request string    `json:"request"`
		Status  string    `json:"status"`
		Decider any       `json:"decided_by"`
	}
	made := []change{}
	for _, c := range changes {
		made = append(made, change{c.ID, c.Created, c.ActorID, c.Method + " " + c.Path, c.Status, c.DecidedBy})
	}
	keys, err := tx.KeyAges(account)
	if err != nil {
		return nil, err
	}
	roles, err := tx.AccountRoles(account)
	if err != nil {
		return nil, err
	}
	own := map[string][]string{}
	for _, r := range roles {
		own[r.Name] = r.Permissions
	}
	return []Given{
		{"members, access and keys", []string{"CC6.1", "CC6.2", "CC6.3"}, items},
		{"roles of its own", []string{"CC6.3"}, own},
		{"reviews of access", []string{"CC6.2", "CC4.1"}, held},
		{"changes by two people", []string{"CC8.1"}, map[string]any{"waits_hours": hours, "changes": made}},
		{"keys that seal secrets", []string{"CC6.1", "CC6.7"}, keys},
	}, nil
}
