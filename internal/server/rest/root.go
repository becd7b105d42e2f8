package rest

import (
	"net/http"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
)

// Versions that clients compare with their own (server-side of the 3.x contract).
const (
	contractVersion = "0.8.4"
	productVersion  = "3.8.3"
)

var rootRoutes = []route{
	{api.OpHealthCheck, "", small, health},
	{api.OpServerVersion, "", small, version},
	{api.OpReadVersion, "", small, adminVersion},
	{api.OpHello, "", small, hello},
	{api.OpPerformReadinessCheck, "", small, ready},
	{api.OpCreateCSRFToken, "", small, csrfToken},
}

func health(*core.Core, *request) (answer, error)       { return ok(true) }
func version(*core.Core, *request) (answer, error)      { return ok(contractVersion) }
func adminVersion(*core.Core, *request) (answer, error) { return ok(productVersion) }
func hello(*core.Core, *request) (answer, error)        { return ok("👋") }

func ready(c *core.Core, r *request) (answer, error) {
	if err := c.Ready(r.Context()); err != nil {
		return answer{http.StatusServiceUnavailable, struct {
			Message string `json:"message"`
		}{"Database is not available"}}, nil
	}
	return ok(struct {
		Message string `json:"message"`
	}{"OK"})
}

func csrfToken(c *core.Core, r *request) (answer, error) {
	if !r.URL.Query().Has("client") {
		return answer{}, api.Invalid(jsontext.Value("null"), api.Violation{Type: "missing", Loc: []any{"query", "client"}, Msg: "Field required"})
	}
	token, err := c.NewCSRFToken(r.Context(), r.URL.Query().Get("client"))
	return give(http.StatusOK, token, err)
}
