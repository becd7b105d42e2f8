package rest_test

import (
	"net/http"
	"testing"
)

func TestManagedAutomationsOverHTTP(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(t *testing.T, url string) {
		must(t, url, "GET /automations/managed/", "", http.StatusOK, "")
		if got := must(t, url, "GET /automations/managed/types", "", http.StatusOK, "0.defaults.within_seconds"); got != "90" {
			t.Errorf("by default %s seconds", got)
		}
		first := must(t, url, "PUT /automations/managed/zombie-cleanup", `{}`, http.StatusOK, "automation.id")
		must(t, url, "GET /automations/"+first, "", http.StatusOK, "")
		must(t, url, "PUT /automations/managed/zombie-cleanup", `{"enabled":false,"settings":{"within_seconds":300}}`, http.StatusOK, "")
		must(t, url, "GET /automations/"+first, "", http.StatusNotFound, "")
		if got := must(t, url, "GET /automations/managed/", "", http.StatusOK, "0.settings.within_seconds"); got != "300" {
			t.Errorf("it is kept as %s seconds", got)
		}
		for _, bad := range []string{`{"settings":{"within_seconds":1}}`, `{"settings":{"minutes":1}}`, `{"settings":{"within_seconds":"x"}}`, `{"enabled":7}`} {
			must(t, url, "PUT /automations/managed/zombie-cleanup", bad, http.StatusUnprocessableEntity, "")
		}
		must(t, url, "PUT /automations/managed/vampires", `{}`, http.StatusUnprocessableEntity, "")
		must(t, url, "DELETE /automations/managed/stuck-cancelling", "", http.StatusNotFound, "")
		must(t, url, "DELETE /automations/managed/zombie-cleanup", "", http.StatusNoContent, "")
		must(t, url, "DELETE /automations/managed/zombie-cleanup", "", http.StatusNotFound, "")
	})
}
