package rest

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/identity"
)

// What an account and its workspaces hold and look like, and what only a vendor has.
var holdingRoutes = []governedRoute{
	{pattern: "GET " + inAccount + "/usage_limits", permission: "read:account", handle: readUsageLimits},
	{pattern: "GET " + inAccount + "/usage", permission: "read:account", handle: readSpacesUsage},
	{pattern: "GET " + inAccount + "/image", permission: "read:account", handle: readAccountImage},
	{pattern: "PUT " + inAccount + "/image", permission: "update:account", handle: putAccountImage},
	{pattern: "DELETE " + inAccount + "/image", permission: "update:account", handle: deleteAccountImage},
	{pattern: "GET " + inAccount + "/rate-limits/usage/download", permission: "read:account", handle: downloadRateUsage},
	{pattern: "GET " + inWorkspace + "/settings", scopes: "see_workspace_settings", handle: readSpaceSettings},
	{pattern: "PATCH " + inWorkspace + "/settings", scopes: "write_workspace_settings", handle: updateSpaceSettings},
	{pattern: "GET " + inWorkspace + "/managed_execution/details", permission: "read:workspace", handle: readManagedExecution},
	{pattern: "GET " + inWorkspace + "/access/", scopes: "see_workspace_users see_workspace_service_accounts", handle: readActors},
	{pattern: "DELETE /me/workspaces/{workspace_id}", fresh: true, handle: leaveWorkspace},
	{pattern: "PUT /me/profile-image", handle: putMyImage},
	{pattern: "DELETE /me/profile-image", handle: deleteMyImage},
	{pattern: "POST /me/profile-image/reset", handle: deleteMyImage},
	{pattern: "GET /billing/{account_id}/details", permission: "read:billing", handle: readBilling},
	{pattern: "GET /billing/{account_id}/subscription_restrictions", permission: "read:billing", handle: readRestrictions},
	{pattern: "POST /billing/{account_id}/cancel_org_subscription", permission: "update:billing", handle: noBilling},
	{pattern: "POST /billing/{account_id}/update_slots", permission: "update:billing", handle: noBilling},
	{pattern: "POST /billing/{account_id}/create_billing_portal_session", permission: "update:billing", handle: noBilling},
	{pattern: "POST /billing/{account_id}/validate_subscription_status", permission: "update:billing", handle: noBilling},
	{pattern: "POST /billing/{account_id}/subscribe", permission: "update:billing", handle: noBilling},
	{pattern: "POST /billing/{account_id}/manage_subscription", permission: "update:billing", handle: noBilling},
}

func readUsageLimits(s *identity.Service, r *request) (answer, error) {
	out, err := s.UsageLimits(r.Context(), r.account)
	return give(http.StatusOK, out, err)
}

func readSpacesUsage(s *identity.Service, r *request) (answer, error) {
	out, err := s.SpacesUsage(r.Context(), r.account)
	return give(http.StatusOK, out, err)
}

func readAccountImage(s *identity.Service, r *request) (answer, error) {
	i, err := s.AccountImage(r.Context(), r.account)
	if err != nil {
		return answer{}, err
	}
	r.writer.Header().Set("X-Content-Type-Options", "nosniff")
	return ok(&file{disposition: "inline", kind: i.Kind, write: func(w io.Writer) error {
		_, err := w.Write(i.Content)
		return err
	}})
}

// image reads the file of a form.
func (r *request) image() (*identity.Image, error) {
	const form = 64 << 10 // what a form adds
	r.Body = http.MaxBytesReader(r.writer, r.Body, identity.MaxImage+form)
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, api.Errorf(api.CodeInvalid, "The image is sent as the field \"file\" of a multipart form.")
	}
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return nil, api.Errorf(api.CodeInvalid, "The form has no field \"file\".")
		}
		if err != nil {
			return nil, imageError(err)
		}
		if part.FormName() != "file" {
			continue
		}
		content, err := io.ReadAll(part)
		if err != nil {
			return nil, imageError(err)
		}
		return identity.CheckImage(content)
	}
}

func imageError(err error) error {
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return api.Errorf(api.CodeTooLarge, "the image is larger than the %d bytes that are taken", identity.MaxImage)
	}
	return api.Errorf(api.CodeInvalid, "read the form: %w", err)
}

func putAccountImage(s *identity.Service, r *request) (answer, error) {
	i, err := r.image()
	if err != nil {
		return answer{}, err
	}
	return none(s.SetAccountImage(r.Context(), r.visitor.by, r.account, i))
}

func deleteAccountImage(s *identity.Service, r *request) (answer, error) {
	return none(s.SetAccountImage(r.Context(), r.visitor.by, r.account, nil))
}

func putMyImage(s *identity.Service, r *request) (answer, error) {
	i, err := r.image()
	if err != nil {
		return answer{}, err
	}
	return none(s.SetMyImage(r.Context(), r.visitor.by, i))
}

func deleteMyImage(s *identity.Service, r *request) (answer, error) {
	return none(s.SetMyImage(r.Context(), r.visitor.by, nil))
}

// downloadRateUsage answers with the report on rates as CSV, a line per minute and bucket.
func downloadRateUsage(s *identity.Service, r *request) (answer, error) {
	since, until, err := r.span()
	if err != nil {
		return answer{}, err
	}
	report, err := s.UsageReport(r.Context(), r.account, since, until, r.URL.Query()["keys"])
	if err != nil {
		return answer{}, err
	}
	names := make([]string, 0, len(report.Keys))
	for name := range report.Keys {
		names = append(names, name)
	}
	slices.Sort(names)
	return ok(&file{disposition: `attachment; filename="rate-limits.csv"`, kind: "text/csv; charset=utf-8", write: func(w io.Writer) error {
		if _, err := io.WriteString(w, "minute,key,limit,requested,granted\r\n"); err != nil {
			return err
		}
		for i, minute := range report.Minutes {
			for _, name := range names {
				k := report.Keys[name]
				if _, err := fmt.Fprintf(w, "%s,%s,%d,%d,%d\r\n", minute.UTC().Format("2006-01-02T15:04:05Z"), cell(name), k.Limit[i], k.Requested[i], k.Granted[i]); err != nil {
					return err
				}
			}
		}
		return nil
	}})
}

func readSpaceSettings(_ *identity.Service, r *request) (answer, error) {
	have, err := r.core.DefaultResultStorage(r.Context(), r.who)
	id := have.DefaultResultStorageBlockID
	return give(http.StatusOK, api.WorkspaceSettings{InheritDefaultResultStorage: id == nil, DefaultResultStorageBlockID: id}, err)
}

func updateSpaceSettings(_ *identity.Service, r *request) (answer, error) {
	var in api.WorkspaceSettingsUpdate
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	id, isSet := in.DefaultResultStorageBlockID.Get()
	switch {
	case isSet && in.InheritDefaultResultStorage.Or(false):
		return answer{}, api.Errorf(api.CodeInvalid, "A workspace inherits where results are stored, or names a block of its own: not both.")
	case isSet:
		_, err := r.core.SetDefaultResultStorage(r.Context(), r.who, id)
		return none(err)
	case in.DefaultResultStorageBlockID.IsNull() || in.InheritDefaultResultStorage.Or(false):
		return none(r.core.ClearDefaultResultStorage(r.Context(), r.who))
	}
	return none(nil)
}

// readManagedExecution tells whether the server may run flows itself.
func readManagedExecution(s *identity.Service, r *request) (answer, error) {
	a, err := s.Account(r.Context(), r.account)
	if err != nil {
		return answer{}, err
	}
	var settings struct {
		Managed bool `json:"managed_execution"`
	}
	if err := api.Decode(a.Settings, &settings); err != nil {
		return answer{}, err
	}
	return ok(map[string]any{"enabled": settings.Managed, "compute_limit": nil, "compute_used": 0})
}

func readActors(s *identity.Service, r *request) (answer, error) {
	out, err := s.Actors(r.Context(), r.account, r.who.Workspace)
	return give(http.StatusOK, out, err)
}

func leaveWorkspace(s *identity.Service, r *request) (answer, error) {
	g, err := r.myWorkspace()
	if err != nil {
		return answer{}, err
	}
	return none(s.LeaveWorkspace(r.Context(), r.visitor.by, g.Workspace.AccountID, g.Workspace.ID))
}

func readBilling(s *identity.Service, r *request) (answer, error) {
	spaces, err := s.SpacesUsage(r.Context(), r.account)
	return give(http.StatusOK, api.BillingDetails{PlanType: planType, Workspaces: api.BillingObject{UsedSlots: len(spaces)}}, err)
}

func readRestrictions(*identity.Service, *request) (answer, error) {
	return ok(api.BillingRestrictions{AvailableTiers: []string{}})
}

func noBilling(*identity.Service, *request) (answer, error) {
	return answer{}, api.Errorf(api.CodeNotFound, "This server bills nobody: there is nothing to subscribe to, to cancel or to pay.")
}
