package rest

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"net/http"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/identity"
	"github.com/usherhq/usher/internal/server/origin"
)

var changeRoutes = []governedRoute{
	{pattern: "GET " + inAccount + "/change_control", permission: "read:account", handle: readChangeControl},
	{pattern: "PUT " + inAccount + "/change_control", permission: "update:account", fresh: true, held: true, handle: setChangeControl},
	{pattern: "GET " + inAccount + "/changes/", permission: "read:account", handle: readChanges},
	{pattern: "POST " + inAccount + "/changes/{id}/approve", permission: "read:account", fresh: true, handle: approveChange},
	{pattern: "POST " + inAccount + "/changes/{id}/reject", permission: "read:account", handle: dropChange(identity.ChangeRejected)},
	{pattern: "POST " + inAccount + "/changes/{id}/withdraw", permission: "read:account", handle: dropChange(identity.ChangeWithdrawn)},
}

func readChangeControl(s *identity.Service, r *request) (answer, error) {
	out, err := s.ChangeControl(r.Context(), r.account)
	return give(http.StatusOK, out, err)
}

func setChangeControl(s *identity.Service, r *request) (answer, error) {
	var in api.ChangeControl
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	return none(s.SetChangeControl(r.Context(), r.visitor.by, r.account, &in))
}

func readChanges(s *identity.Service, r *request) (answer, error) {
	list, err := s.Changes(r.Context(), r.visitor.by, r.account)
	return give(http.StatusOK, list, err)
}

func dropChange(status string) func(*identity.Service, *request) (answer, error) {
	return func(s *identity.Service, r *request) (answer, error) {
		return onID(r, func(id uuid.UUID) (answer, error) {
			_, err := s.DecideChange(r.Context(), r.visitor.by, r.account, id, status)
			return none(err)
		})
	}
}

// madeFor is the key in the context of a request that makes an approved change: who has
// proposed it.
type madeFor struct{}

// hold keeps a request whose change needs a second person; it says whether it did.
func (a *API) hold(r *request, row governedRoute) (out answer, held bool, err error) {
	if !row.held || r.Context().Value(madeFor{}) != nil {
		return answer{}, false, nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(r.writer, r.Body, r.limits.body))
	if err != nil {
		return answer{}, false, api.Errorf(api.CodeTooLarge, "the request body is larger than the %d bytes this operation takes", r.limits.body)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	change, err := a.Identity.Hold(r.Context(), r.visitor.by, r.account, identity.Proposed{Method: r.Method, Path: r.URL.Path, Permission: cmp.Or(row.permission, "delete:workspace"), Body: body})
	if err != nil || change == nil {
		return answer{}, false, err
	}
	return answer{http.StatusAccepted, change}, true, nil
}

// asProposed checks that who has proposed the change which a request makes may still do it.
func (a *API) asProposed(r *request, row governedRoute) error {
	proposer, ok := r.Context().Value(madeFor{}).(*identity.Actor)
	if !ok {
		return nil
	}
	approver := r.visitor
	r.visitor = &visitor{actor: proposer, by: approver.by}
	err := a.governed(r, row, row.scopes.scopes())
	r.visitor = approver
	if err != nil {
		return api.Errorf(api.CodeForbidden, "Who has proposed it may not do it any more: %w", err)
	}
	return nil
}

// approveChange makes a change that somebody else has proposed, as they have asked for it.
// Both must be allowed to; the answer is the one that the request gets.
func approveChange(s *identity.Service, r *request) (answer, error) {
	return onID(r, func(id uuid.UUID) (answer, error) {
		w, err := s.DecideChange(r.Context(), r.visitor.by, r.account, id, identity.ChangeApproved)
		if err != nil {
			return answer{}, err
		}
		v := *r.visitor
		v.tenant, v.grant = origin.Tenant{}, nil
		ctx := context.WithValue(context.WithValue(r.Context(), visitorKey{}, &v), madeFor{}, w.Proposer)
		made, err := http.NewRequestWithContext(ctx, w.Method, w.Path, bytes.NewReader([]byte(w.Body)))
		if err != nil {
			return answer{}, err
		}
		made.RemoteAddr, made.Host = r.RemoteAddr, r.Host
		made.Header.Set("Content-Type", "application/json")
		got := &kept{header: http.Header{}}
		r.api.mux.ServeHTTP(got, made)
		if got.status < http.StatusMultipleChoices {
			if got.body.Len() == 0 {
				return answer{status: got.status}, nil
			}
			return answer{got.status, jsontext.Value(got.body.Bytes())}, nil
		}
		var told struct {
			Detail any `json:"detail"`
		}
		reason := got.body.String()
		if json.Unmarshal(got.body.Bytes(), &told) == nil {
			if text, ok := told.Detail.(string); ok {
				reason = text
			}
		}
		if err := s.FailChange(r.Context(), r.visitor.by, w, reason); err != nil {
			return answer{}, err
		}
		return answer{}, api.Errorf(api.CodeConflict, "It was approved, and refused when it was made: %s", reason)
	})
}

// kept is an answer that goes nowhere yet.
type kept struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (k *kept) Header() http.Header { return k.header }

// WriteHeader implements http.ResponseWriter.
func (k *kept) WriteHeader(status int) {
	if k.status == 0 {
		k.status = status
	}
}

// Write implements http.ResponseWriter.
func (k *kept) Write(p []byte) (int, error) {
	k.WriteHeader(http.StatusOK)
	return k.body.Write(p)
}
