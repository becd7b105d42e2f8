package rest

import (
	"net/http"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/assurance"
	"github.com/usherhq/usher/internal/server/identity"
)

var securityRoutes = []governedRoute{
	{pattern: "GET " + inAccount + "/security/report", permission: "read:account", handle: readSecurity},
	{pattern: "GET " + inAccount + "/security/data-map", permission: "read:account", handle: readDataMap},
	{pattern: "POST " + inAccount + "/security/evidence", permission: "update:account_membership", fresh: true, handle: collectEvidence},
}

func readSecurity(s *identity.Service, r *request) (answer, error) {
	standing, err := s.Standing(r.Context(), r.account)
	if err != nil {
		return answer{}, err
	}
	return ok(r.api.securityReport(standing))
}

func readDataMap(_ *identity.Service, r *request) (answer, error) {
	rows, err := r.core.DataMap()
	return give(http.StatusOK, rows, err)
}

// collectEvidence writes down how an account stands, for auditors.
func collectEvidence(s *identity.Service, r *request) (answer, error) {
	standing, err := s.Standing(r.Context(), r.account)
	if err != nil {
		return answer{}, err
	}
	rows, err := r.core.DataMap()
	if err != nil {
		return answer{}, err
	}
	out, err := s.CollectEvidence(r.Context(), r.visitor.by, r.account,
		identity.Given{Name: "how the server is set up", Criteria: []string{"CC5.2", "CC6.1", "CC6.6", "CC7.1"}, Content: r.api.securityReport(standing)},
		identity.Given{Name: "what is kept", Criteria: []string{"C1.1", "P4.2"}, Content: rows})
	return give(http.StatusCreated, out, err)
}

// securityReport says how the server stands, and an account if one asks.
func (a *API) securityReport(account *assurance.Account) api.SecurityReport {
	facts := assurance.Facts{}
	if a.Facts != nil {
		facts = a.Facts()
	}
	facts.Account = account
	out := api.SecurityReport{Version: facts.Version, Rows: []api.SecurityRow{}}
	for _, row := range assurance.Rows() {
		live, tests := row.Live(&facts), row.Tests
		if tests == nil {
			tests = []string{}
		}
		out.Rows = append(out.Rows, api.SecurityRow{
			ID: row.ID, Level: row.Level, Promise: row.Promise, Live: live.Text, Weak: live.Weak, Proof: row.Proof(), Tests: tests, Missing: row.Missing,
		})
	}
	return out
}
