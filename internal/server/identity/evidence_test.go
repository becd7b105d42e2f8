package identity_test

import (
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/identity"
	"github.com/usherhq/usher/internal/store"
	"github.com/usherhq/usher/internal/store/storetest"
)

// Evidence has every part, its hashes hold however it is laid out and break when anything is
// changed, and the entry of the audit log behind the end that it names has its hash.
func TestEvidenceIsVouchedFor(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, db *store.Store) {
		h := open(t, db)
		h.joined("bob@example.com")
		by := identity.By{Actor: h.mustResolve(h.Service, h.first.APIKey)}
		e, err := h.CollectEvidence(t.Context(), by, h.first.AccountID, identity.Given{Name: "given", Criteria: []string{"CC1.1"}, Content: map[string]int{"one": 1}})
		if err != nil {
			t.Fatal(err)
		}
		if e.AuditProblem != "" || e.AuditSeq == 0 || len(e.Parts) != 6 {
			t.Errorf("it is %+v", e)
		}
		for _, p := range e.Parts {
			if len(p.Criteria) == 0 || len(p.Content) == 0 || string(p.Content) == "null" {
				t.Errorf("%s has %s", p.Name, p.Content)
			}
		}
		if got := string(e.Parts[1].Content); !strings.Contains(got, "bob@example.com") || strings.Contains(got, h.first.APIKey) {
			t.Errorf("who has access: %s", got)
		}
		if err := e.Parts[1].Content.Indent(); err != nil {
			t.Fatal(err)
		}
		if err := e.Check(); err != nil {
			t.Errorf("laid out otherwise: %v", err)
		}
		log, err := h.AuditEvents(t.Context(), h.first.AccountID, e.AuditSeq, 1)
		if err != nil || len(log) != 1 || log[0].Event.Event != "prefect-cloud.evidence.collected" || !strings.Contains(string(log[0].Event.Payload), e.SHA256) {
			t.Errorf("the entry is %+v %v", log, err)
		}
		for name, change := range map[string]func(*api.Evidence){
			"a part": func(e *api.Evidence) { e.Parts[0].Content = jsontext.Value(`{"one":2}`) },
			"its hash, too": func(e *api.Evidence) {
				e.Parts[0].Content = jsontext.Value(`{"one":2}`)
				_, sums, _ := e.Digest()
				e.Parts[0].SHA256 = sums[0]
			},
			"a part less": func(e *api.Evidence) { e.Parts = e.Parts[1:] },
			"the audit":   func(e *api.Evidence) { e.AuditHash = strings.Repeat("0", 64) },
			"the time":    func(e *api.Evidence) { e.Collected = api.At(e.Collected.Add(time.Second)) },
		} {
			changed := *e
			changed.Parts = append([]api.EvidencePart{}, e.Parts...)
			if change(&changed); api.CodeOf(changed.Check()) != api.CodeConflict {
				t.Errorf("%s was changed and nobody noticed", name)
			}
		}
	})
}
