package rest

import (
	"net/http"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/access"
	"github.com/usherhq/usher/internal/server/origin"
)

// Check finds who sends a request to a workspace and whether its sender has the scopes there.
func (a *API) Check(r *http.Request, account, workspace uuid.UUID, needs access.Scopes) error {
	v := &visitor{tenant: origin.Tenant{Account: account, Workspace: workspace}.Named()}
	if err := a.identify(r, v, "GET /api/flow_runs/{id}"); err != nil {
		return err
	}
	_, err := a.admitted(r.Context(), v, needs)
	return err
}

// Permission is an operation with the scopes that it needs.
type Permission struct {
	api.Operation

	Needs access.Scopes
}

// Governed lists the routes of who may use the server, with the permission or the scopes
// that they need.
func Governed() (list [][3]string) {
	for _, row := range governedRoutes() {
		list = append(list, [3]string{row.pattern, string(row.permission), string(row.scopes)})
	}
	return list
}

// Permissions lists all operations that are served.
func Permissions() (list []Permission) {
	for _, row := range routes() {
		list = append(list, Permission{row.op, row.permission.scopes()})
	}
	return list
}
