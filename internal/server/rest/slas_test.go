package rest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
)

func TestAgreementsOverHTTP(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(t *testing.T, url string) {
		flow := must(t, url, "POST /flows/", `{"name":"f"}`, http.StatusCreated, "id")
		d := must(t, url, "POST /deployments/", fmt.Sprintf(`{"name":"d","flow_id":%q}`, flow), http.StatusCreated, "id")
		owner := "prefect.deployment." + d
		id := must(t, url, "POST /slas/", fmt.Sprintf(`{"name":"a","severity":"low","within":600,"owner_resource":%q}`, owner), http.StatusCreated, "id")
		must(t, url, "POST /slas/", `{"name":"everywhere","stale_after":3600}`, http.StatusCreated, "")
		for do, want := range map[string]string{
			`POST /slas/filter {}`:                                          `a everywhere`,
			`POST /slas/filter?sort=NAME_DESC {}`:                           `everywhere a`,
			`POST /slas/filter {"filter":{"severity":"low"}}`:               `a`,
			`POST /slas/filter {"filter":{"name":{"any_":["everywhere"]}}}`: `everywhere`,
			`POST /slas/by-owner/` + owner + ` {}`:                          `a`,
			`POST /slas/by-owner/prefect.deployment.x {}`:                   ``,
			`POST /automations/filter {}`:                                   ``,
		} {
			path, body, _ := strings.Cut(do, " {")
			_, answer := ask(t, url, path, "{"+body)
			var names []string
			for i := range strings.Count(string(answer), `"description"`) {
				names = append(names, pick(t, answer, fmt.Sprintf("%d.name", i)))
			}
			if got := strings.Join(names, " "); got != want {
				t.Errorf("%s: %q, want %q", do, got, want)
			}
		}
		for do, want := range map[string]int{
			`GET /slas/` + id:                                          200,
			`GET /slas/` + uuid.NewString():                            404,
			`GET /slas/x`:                                              404,
			`PATCH /slas/` + id + ` {"enabled":false}`:                 200,
			`PATCH /slas/` + id + ` {}`:                                422,
			`PATCH /slas/` + id + ` {"enabled":true,"x":1}`:            422,
			`PATCH /slas/` + uuid.NewString() + ` {"enabled":false}`:   404,
			`DELETE /slas/` + uuid.NewString():                         404,
			`POST /slas/ {"name":"x"}`:                                 422,
			`POST /slas/ {"name":"x","duration":5,"within":5}`:         422,
			`POST /slas/ {"name":"x","duration":5,"severity":"awful"}`: 422,
			`POST /slas/ {"name":"x","duration":-1}`:                   422,
			`POST /slas/ {"name":"x","duration":5,"owner_resource":"prefect.deployment.` + uuid.NewString() + `"}`: 404,
			`POST /slas/ {"name":"x","duration":5,"owner_resource":"prefect.deployment.x"}`:                        404,
			`POST /slas/apply-resource-slas/prefect.deployment.` + uuid.NewString() + ` []`:                        404,
			`POST /slas/apply-resource-slas/` + owner + ` {}`:                                                      422,
			`POST /slas/filter?sort=x {}`:                                                    422,
			`POST /slas/filter {"filter":{"x":1}}`:                                           422,
			`POST /slas/flow-runs {"sla_ids":["` + id + `"],"since":"2026-01-01T00:00:00Z"}`: 200,
			`POST /slas/flow-runs {}`:                                                        422,
			`GET /slas/default/high`:                                                         404,
			`GET /slas/default/awful`:                                                        422,
			`DELETE /slas/default/high`:                                                      404,
			`POST /slas/default {"sla_severities":["high"],"block_id":"` + uuid.NewString() + `"}`:                                                    404,
			`POST /automations/ {"name":"x","trigger":{"type":"event","posture":"Reactive"},"actions":[{"type":"sla-violation"}]}`:                    201,
			`POST /automations/ {"name":"x","trigger":{"type":"event","posture":"Reactive"},"actions":[{"type":"sla-violation","sla_severity":"x"}]}`: 422,
		} {
			words := strings.SplitN(do, " ", 3)
			if got, answer := ask(t, url, strings.Join(words[:2], " "), strings.Join(words[2:], "")); got != want {
				t.Errorf("%s: %d, want %d: %s", do, got, want, answer)
			}
		}
		must(t, url, "DELETE /slas/"+id, "", http.StatusOK, "")
		must(t, url, "GET /slas/"+id, "", http.StatusNotFound, "")
	})
}

func TestDefaultAgreementsNotifyThroughABlock(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(t *testing.T, url string) {
		kind := must(t, url, "POST /block_types/", `{"name":"n","slug":"n"}`, http.StatusCreated, "id")
		schema := must(t, url, "POST /block_schemas/", fmt.Sprintf(`{"block_type_id":%q,"fields":{"title":"n","type":"object","properties":{}}}`, kind), http.StatusCreated, "id")
		block := must(t, url, "POST /block_documents/", fmt.Sprintf(`{"name":"n","block_type_id":%q,"block_schema_id":%q,"data":{}}`, kind, schema), http.StatusCreated, "id")
		body := fmt.Sprintf(`{"sla_severities":["high","low"],"block_id":%q}`, block)
		old := must(t, url, "POST /slas/default", body, http.StatusCreated, "0.id")
		first := must(t, url, "POST /slas/default", body, http.StatusCreated, "0.id")
		must(t, url, "GET /automations/"+old, "", http.StatusNotFound, "")
		if got := must(t, url, "GET /automations/"+first, "", http.StatusOK, "actions.0.block_document_id"); got != block {
			t.Errorf("it sends through block %s", got)
		}
		if got := must(t, url, "GET /slas/default/list", "", http.StatusOK, "1.name"); got != "Default SLA: low" {
			t.Errorf("the list is %q", got)
		}
		if got := must(t, url, "GET /slas/default/high", "", http.StatusOK, "workspace"); got != uuid.Nil.String() {
			t.Errorf("it is in workspace %s", got)
		}
		must(t, url, "DELETE /slas/default/high", "", http.StatusOK, "")
		must(t, url, "GET /slas/default/high", "", http.StatusNotFound, "")
		must(t, url, "DELETE /automations/"+must(t, url, "GET /slas/default/low", "", http.StatusOK, "id"), "", http.StatusNoContent, "")
		must(t, url, "GET /slas/default/low", "", http.StatusNotFound, "")
	})
}
