package rest

import (
	"net/http"
	"strconv"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/identity"
)

var accessRequestRoutes = []governedRoute{
	{pattern: "POST " + inAccount + "/access_requests/", permission: "read:workspace", handle: requestAccess},
	{pattern: "GET " + inAccount + "/access_requests/", permission: "read:workspace", handle: readAccessRequests},
	{pattern: "POST " + inAccount + "/access_requests/{id}/approve", permission: "read:workspace", fresh: true, handle: decideAccess("APPROVED")},
	{pattern: "POST " + inAccount + "/access_requests/{id}/deny", permission: "read:workspace", handle: decideAccess("DENIED")},
	{pattern: "POST " + inAccount + "/access_requests/{id}/withdraw", permission: "read:workspace", handle: decideAccess("WITHDRAWN")},
	{pattern: "POST " + inAccount + "/access_requests/{id}/revoke", permission: "read:workspace", handle: decideAccess("REVOKED")},
}

func requestAccess(s *identity.Service, r *request) (answer, error) {
	var in api.AccessRequestCreate
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	out, err := s.RequestAccess(r.Context(), r.visitor.by, r.account, &in)
	return give(http.StatusCreated, out, err)
}

func readAccessRequests(s *identity.Service, r *request) (answer, error) {
	offset := 0
	if text := r.URL.Query().Get("offset"); text != "" {
		var err error
		if offset, err = strconv.Atoi(text); err != nil || offset < 0 {
			return answer{}, api.Errorf(api.CodeInvalid, "offset is a number, not %q.", text)
		}
	}
	list, err := s.AccessRequests(r.Context(), r.visitor.by, r.account, api.MaxPage, offset)
	return give(http.StatusOK, list, err)
}

func decideAccess(status string) func(*identity.Service, *request) (answer, error) {
	return func(s *identity.Service, r *request) (answer, error) {
		return onID(r, func(id uuid.UUID) (answer, error) {
			out, err := s.DecideAccess(r.Context(), r.visitor.by, r.account, id, status)
			return give(http.StatusOK, out, err)
		})
	}
}
