package rest

import (
	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/access"
)

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
