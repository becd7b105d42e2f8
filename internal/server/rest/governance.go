package rest

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
	"github.com/usherhq/usher/internal/server/identity"
	"github.com/usherhq/usher/internal/server/origin"
)

var roleRoutes = []governedRoute{
	{pattern: "POST " + inAccount + "/account_roles/", permission: "create:account_role", fresh: true, held: true, handle: createAccountRole},
	{pattern: "PATCH " + inAccount + "/account_roles/{id}", permission: "update:account_role", fresh: true, held: true, handle: updateAccountRole},
	{pattern: "DELETE " + inAccount + "/account_roles/{id}", permission: "delete:account_role", fresh: true, held: true, handle: deleteAccountRole},
}

var moveRoutes = []governedRoute{
	{pattern: "DELETE " + inAccount, permission: "delete:account", fresh: true, held: true, handle: deleteAccount},
	{pattern: "POST " + inWorkspace + "/validate_transfer", permission: "delete:workspace", handle: validateTransfer},
	{pattern: "POST " + inWorkspace + "/transfer", permission: "delete:workspace", fresh: true, held: true, handle: transferWorkspace},
	{pattern: "POST " + inWorkspace + "/invitations/", permission: "create:workspace_invitation", fresh: true, handle: createSpaceInvitation},
	{pattern: "GET " + inWorkspace + "/invitations/{id}", permission: "read:workspace_invitation", handle: readSpaceInvitation},
	{pattern: "POST " + inWorkspace + "/invitations/filter", permission: "read:workspace_invitation", handle: readSpaceInvitations},
	{pattern: "POST " + inWorkspace + "/invitations/{id}/revoke", permission: "update:workspace_invitation", handle: revokeSpaceInvitation},
}

var allowlistRoutes = []governedRoute{
	{pattern: "GET " + inAccount + "/ip_allowlist", permission: "read:ip_allowlist", handle: readAllowlist},
	{pattern: "PUT " + inAccount + "/ip_allowlist", permission: "update:ip_allowlist", fresh: true, held: true, handle: replaceAllowlist},
	{pattern: "GET " + inAccount + "/ip_allowlist/my_access", permission: "read:ip_allowlist", handle: readMyAddress},
}

var rateRoutes = []governedRoute{
	{pattern: "GET " + inAccount + "/rate-limits/status", permission: "read:account", handle: readRateStatus},
	{pattern: "GET " + inAccount + "/rate-limits/usage", permission: "read:account", handle: readRateUsage},
	{pattern: "GET " + inAccount + "/rate-limits/orchestration-api", permission: "read:account", handle: readGroupedUsage(identity.BucketOrchestration)},
	{pattern: "GET " + inAccount + "/rate-limits/events", permission: "read:account", handle: readGroupedUsage(identity.BucketEvents)},
	{pattern: "GET " + inAccount + "/rate-limits/api-key-names", permission: "read:account", handle: readUsageNames(false)},
	{pattern: "GET " + inAccount + "/rate-limits/actor-names", permission: "read:account", handle: readUsageNames(true)},
	{pattern: "GET " + inAccount + "/rate-limit-allocations/", permission: "read:account", handle: readAllocations},
	{pattern: "PUT " + inAccount + "/rate-limit-allocations/", permission: "update:account", handle: replaceAllocations},
}

var accountEventRoutes = []governedRoute{
	{pattern: "POST " + inAccount + "/events", permission: "create:audit_event", handle: reportAccountEvents},
	{pattern: "POST " + inAccount + "/events/filter", permission: "read:audit_event", handle: readAccountEvents},
	{pattern: "GET " + inAccount + "/events/filter/next", permission: "read:audit_event", handle: readAccountEventsPage},
	{pattern: "POST " + inAccount + "/events/count-by/{countable}", permission: "read:audit_event", handle: countAccountEvents},
}

func createAccountRole(s *identity.Service, r *request) (answer, error) {
	var in api.AccountRoleCreate
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	role, err := s.AddAccountRole(r.Context(), r.visitor.by, r.account, &in)
	return give(http.StatusCreated, role, err)
}

func updateAccountRole(s *identity.Service, r *request) (answer, error) {
	return onID(r, func(id uuid.UUID) (answer, error) {
		var in api.AccountRoleUpdate
		if err := r.decode(&in); err != nil {
			return answer{}, err
		}
		return none(s.UpdateAccountRole(r.Context(), r.visitor.by, r.account, id, &in))
	})
}

func deleteAccountRole(s *identity.Service, r *request) (answer, error) {
	return onID(r, func(id uuid.UUID) (answer, error) {
		return none(s.RemoveAccountRole(r.Context(), r.visitor.by, r.account, id))
	})
}

func deleteAccount(s *identity.Service, r *request) (answer, error) {
	return none(s.RemoveAccount(r.Context(), r.visitor.by, r.account))
}

func validateTransfer(s *identity.Service, r *request) (answer, error) {
	var in api.WorkspaceTransfer
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	problems, err := s.TransferProblems(r.Context(), r.visitor.by, r.who.Workspace, in.To, in.NewHandle.Or(""))
	return give(http.StatusOK, problems, err)
}

func transferWorkspace(s *identity.Service, r *request) (answer, error) {
	var in api.WorkspaceTransfer
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	return none(s.Transfer(r.Context(), r.visitor.by, r.who.Workspace, in.To, in.NewHandle.Or(""), r.core.RewrapKeys))
}

func createSpaceInvitation(s *identity.Service, r *request) (answer, error) {
	var in api.WorkspaceInvitationCreate
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	i, err := s.InviteTo(r.Context(), r.visitor.by, r.who.Workspace, in.Email)
	return give(http.StatusCreated, i, err)
}

func readSpaceInvitation(s *identity.Service, r *request) (answer, error) {
	return onID(r, func(id uuid.UUID) (answer, error) {
		list, err := s.SpaceInvitations(r.Context(), r.account, r.who.Workspace, nil)
		for _, i := range list {
			if i.ID == id {
				return ok(i)
			}
		}
		if err == nil {
			err = api.NotFound("Invitation")
		}
		return answer{}, err
	})
}

func readSpaceInvitations(s *identity.Service, r *request) (answer, error) {
	var in struct {
		listing

		Invitations *api.InvitationFilter `json:"workspace_invitations,omitzero" check:"null"`
	}
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	list, err := s.SpaceInvitations(r.Context(), r.account, r.who.Workspace, in.Invitations)
	return give(http.StatusOK, page(list, in.Limit, in.Offset), err)
}

func revokeSpaceInvitation(s *identity.Service, r *request) (answer, error) {
	return onID(r, func(id uuid.UUID) (answer, error) {
		return none(s.RevokeInvitation(r.Context(), r.visitor.by, r.account, &r.who.Workspace, id))
	})
}

func readAllowlist(s *identity.Service, r *request) (answer, error) {
	list, err := s.Allowlist(r.Context(), r.account)
	return give(http.StatusOK, list, err)
}

func replaceAllowlist(s *identity.Service, r *request) (answer, error) {
	var in api.IPAllowlist
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	return none(s.SetAllowlist(r.Context(), r.visitor.by, r.account, &in))
}

func readMyAddress(s *identity.Service, r *request) (answer, error) {
	out, err := s.MyAccess(r.Context(), r.account, r.visitor.by.IP)
	return give(http.StatusOK, out, err)
}

func readRateStatus(s *identity.Service, r *request) (answer, error) {
	list, err := s.ExceededBuckets(r.Context(), r.account)
	return give(http.StatusOK, api.RateStatus{Exceeded: list}, err)
}

// span reads since and until from a query: the last hour if they are not there.
func (r *request) span() (since, until time.Time, err error) {
	until = time.Now().UTC()
	for name, at := range map[string]*time.Time{"until": &until, "since": &since} {
		text := r.URL.Query().Get(name)
		if text == "" {
			continue
		}
		if *at, err = time.Parse(time.RFC3339, strings.ReplaceAll(text, " ", "+")); err != nil {
			return since, until, api.Errorf(api.CodeInvalid, "%s is no time such as 2026-01-02T15:04:05Z.", name)
		}
	}
	if since.IsZero() {
		since = until.Add(-time.Hour)
	}
	return since, until, nil
}

func readRateUsage(s *identity.Service, r *request) (answer, error) {
	since, until, err := r.span()
	if err != nil {
		return answer{}, err
	}
	out, err := s.UsageReport(r.Context(), r.account, since, until, r.URL.Query()["keys"])
	return give(http.StatusOK, out, err)
}

func readGroupedUsage(bucket string) func(*identity.Service, *request) (answer, error) {
	return func(s *identity.Service, r *request) (answer, error) {
		since, until, err := r.span()
		if err != nil {
			return answer{}, err
		}
		q := r.URL.Query()
		choice := identity.UsageChoice{Since: since, Until: until, Bucket: bucket, By: q.Get("group_by"), ActorName: q.Get("actor_name"), KeyName: q.Get("api_key_name")}
		if text := q.Get("workspace_id"); text != "" {
			if choice.Workspace, err = uuid.Parse(text); err != nil {
				return answer{}, api.Errorf(api.CodeInvalid, "workspace_id is no id.")
			}
		}
		out, err := s.UsageByGroup(r.Context(), r.account, choice)
		return give(http.StatusOK, out, err)
	}
}

func readUsageNames(actors bool) func(*identity.Service, *request) (answer, error) {
	return func(s *identity.Service, r *request) (answer, error) {
		since, until, err := r.span()
		if err != nil {
			return answer{}, err
		}
		list, err := s.UsageNames(r.Context(), r.account, since, until, actors)
		search := strings.ToLower(r.URL.Query().Get("search"))
		list = slices.DeleteFunc(list, func(name string) bool { return !strings.Contains(strings.ToLower(name), search) })
		return give(http.StatusOK, api.DistinctValues{Values: list}, err)
	}
}

func readAllocations(s *identity.Service, r *request) (answer, error) {
	list, err := s.Allocations(r.Context(), r.account)
	return give(http.StatusOK, list, err)
}

func replaceAllocations(s *identity.Service, r *request) (answer, error) {
	var in api.RateAllocations
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	list, err := s.SetAllocations(r.Context(), r.visitor.by, r.account, in.Allocations)
	return give(http.StatusOK, list, err)
}

// maxAccountSpan is the longest time that one question about an account's events is about.
const maxAccountSpan = 14 * 24 * time.Hour

func reportAccountEvents(s *identity.Service, r *request) (answer, error) {
	var in api.Events
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	events, err := core.ReceivedAll(r.body, in)
	if err != nil {
		return answer{}, err
	}
	if err := r.api.spend(r.visitor, r.account, uuid.UUID{}, identity.BucketEvents, len(events)); err != nil {
		return answer{}, err
	}
	return none(s.Report(r.Context(), r.visitor.by, r.account, events))
}

func readAccountEvents(s *identity.Service, r *request) (answer, error) {
	var in api.AccountEventsRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	return accountEvents(s, r, pageToken{Filter: in.Filter, PageSize: in.Limit.Or(eventPage), Count: -1})
}

func readAccountEventsPage(s *identity.Service, r *request) (answer, error) {
	var at pageToken
	if !readToken(r.URL.Query().Get("page-token"), &at) || at.PageSize < 0 || at.PageSize > api.MaxPage || at.Offset < 0 {
		return answer{}, api.Errorf(api.CodeInvalid, "The page-token is not one of this server's.")
	}
	return accountEvents(s, r, at)
}

func countAccountEvents(s *identity.Service, r *request) (answer, error) {
	var in api.AccountEventCounts
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	by, wrong := choice[api.Countable](r.PathValue("countable"), "path", "countable")
	if wrong != nil {
		return answer{}, api.Invalid(r.body, *wrong)
	}
	_, q, all, err := eventsOfAccount(s, r, in.Filter)
	if err != nil {
		return answer{}, err
	}
	counts, err := r.core.CountThese(all, q, by, in.TimeUnit.Or(api.TimeUnitDay), float64(in.TimeInterval.Or(1)))
	return give(http.StatusOK, counts, err)
}

// eventsOfAccount is what the audit log says of a filter, the newest first.
func eventsOfAccount(s *identity.Service, r *request, text []byte) (in api.EventFilter, q *core.EventQuery, all []api.ReceivedEvent, err error) {
	if len(text) == 0 || string(text) == "null" {
		text = []byte("{}")
	}
	filter, scope, err := scopeOf(text)
	if err == nil {
		err = api.Decode(filter, &in)
	}
	if err != nil {
		return in, nil, nil, err
	}
	if in.Occurred == nil {
		in.Occurred = &api.EventOccurredFilter{}
	}
	if in.Occurred.Until == nil {
		in.Occurred.Until = api.AtPtr(r.core.Clock())
	}
	if in.Occurred.Since == nil {
		in.Occurred.Since = api.AtPtr(in.Occurred.Until.Add(-maxAccountSpan))
	}
	if in.Occurred.Until.Sub(in.Occurred.Since.Time) > maxAccountSpan {
		return in, nil, nil, api.Errorf(api.CodeInvalid, "One question is about at most 14 days.")
	}
	if q, err = r.core.ReadEventQuery(&in); err != nil {
		return in, nil, nil, err
	}
	all, err = s.AccountEvents(r.Context(), r.account, *in.Occurred.Since, *in.Occurred.Until, func(e *api.ReceivedEvent) bool { return q.Matches(e) && scope.wants(e) })
	return in, q, all, err
}

// accountEvents answers a page of what the audit log says.
func accountEvents(s *identity.Service, r *request, at pageToken) (answer, error) {
	in, _, all, err := eventsOfAccount(s, r, at.Filter)
	if err != nil {
		return answer{}, err
	}
	if in.Order.Or(api.EventOrderDesc) == api.EventOrderAsc {
		slices.Reverse(all)
	}
	out := api.EventPage{Events: []api.ReceivedEvent{}, Total: len(all)}
	if from := min(at.Offset, len(all)); from < len(all) {
		out.Events = all[from:min(from+at.PageSize, len(all))]
	}
	if at.Offset += at.PageSize; at.Offset < len(all) && at.PageSize > 0 {
		at.Count = len(all)
		token, err := json.Marshal(at)
		if err != nil {
			return answer{}, err
		}
		url := origin.URL(r.Request, "/api/accounts/"+r.account.String()+"/events/filter/next") + "?page-token=" + twice(token)
		out.NextPage = &url
	}
	return ok(out)
}

// scope bounds a question about an account's events to some of its workspaces.
type scope struct {
	Account    *uuid.UUID  `json:"account,omitzero"`
	Workspaces []uuid.UUID `json:"workspace,omitzero"`
}

// scopeOf takes the scope out of a filter, which those of a workspace have not.
func scopeOf(filter []byte) (rest []byte, s scope, err error) {
	var members map[string]jsonValue
	if err := json.Unmarshal(filter, &members); err != nil {
		return nil, s, api.Errorf(api.CodeInvalid, "The filter is no object.")
	}
	if raw, has := members["scope"]; has {
		if err := json.Unmarshal(raw, &s); err != nil {
			return nil, s, api.Errorf(api.CodeInvalid, "The scope of the filter names an account and workspaces by their ids.")
		}
		delete(members, "scope")
	}
	rest, err = json.Marshal(members, json.Deterministic(true))
	return rest, s, err
}

func (s scope) wants(e *api.ReceivedEvent) bool {
	if len(s.Workspaces) == 0 {
		return true
	}
	return slices.ContainsFunc(e.Related, func(r api.RelatedResource) bool {
		id, is := strings.CutPrefix(r["prefect.resource.id"], "prefect-cloud.workspace.")
		return is && slices.ContainsFunc(s.Workspaces, func(w uuid.UUID) bool { return w.String() == id })
	})
}

var webhookRoutes = []governedRoute{
	{pattern: "POST " + inWorkspace + "/webhooks/", scopes: "manage_webhooks", handle: createWebhook},
	{pattern: "GET " + inWorkspace + "/webhooks/", scopes: "see_webhooks", handle: listWebhooks},
	{pattern: "POST " + inWorkspace + "/webhooks/filter", scopes: "see_webhooks", handle: readWebhooks},
	{pattern: "GET " + inWorkspace + "/webhooks/{id}", scopes: "see_webhooks", handle: readWebhook},
	{pattern: "PUT " + inWorkspace + "/webhooks/{id}", scopes: "manage_webhooks", handle: replaceWebhook},
	{pattern: "PATCH " + inWorkspace + "/webhooks/{id}", scopes: "manage_webhooks", handle: patchWebhook},
	{pattern: "DELETE " + inWorkspace + "/webhooks/{id}", scopes: "manage_webhooks", handle: deleteWebhook},
	{pattern: "POST " + inWorkspace + "/webhooks/{id}/rotate", scopes: "manage_webhooks", handle: rotateWebhook},
}

func (r *request) hook(w *core.Webhook) api.Webhook {
	return api.Webhook{
		ID: w.ID, Created: w.Created, Updated: w.Updated, Account: r.account, Workspace: w.WorkspaceID, Name: w.Name, Description: w.Description,
		Enabled: w.Enabled, BotID: w.Bot, Template: w.Template, Slug: w.Slug,
	}
}

// guarded refuses a webhook that lets everybody in where the account wants none, and one
// of a service account of somebody else.
func guarded(s *identity.Service, r *request, in *api.WebhookCreate) error {
	if in.BotID != nil {
		_, err := s.Bot(r.Context(), r.account, *in.BotID)
		return err
	}
	must, err := s.WantsGuardedWebhooks(r.Context(), r.account)
	if err == nil && must {
		err = api.Errorf(api.CodeForbidden, "This account wants every webhook to have a service account.")
	}
	return err
}

func createWebhook(s *identity.Service, r *request) (answer, error) {
	var in api.WebhookCreate
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	if err := guarded(s, r, &in); err != nil {
		return answer{}, err
	}
	w, err := r.core.CreateWebhook(r.Context(), r.who, &in)
	if err != nil {
		return answer{}, err
	}
	return give(http.StatusCreated, r.hook(w), s.AuditWebhook(r.Context(), r.visitor.by, r.account, r.who.Workspace, w.ID, w.Name, "created"))
}

func (r *request) webhooks(s *identity.Service, list []core.Webhook) ([]api.WebhookRead, error) {
	bots, err := s.Bots(r.Context(), r.account, nil)
	out := []api.WebhookRead{}
	for i := range list {
		line := api.WebhookRead{Webhook: r.hook(&list[i])}
		for k := range bots {
			if line.BotID != nil && bots[k].ID == *line.BotID {
				line.Bot = &bots[k]
			}
		}
		out = append(out, line)
	}
	return out, err
}

func listWebhooks(s *identity.Service, r *request) (answer, error) {
	list, err := r.core.Webhooks(r.Context(), r.who)
	if err != nil {
		return answer{}, err
	}
	out, err := r.webhooks(s, list)
	return give(http.StatusOK, out, err)
}

func readWebhooks(s *identity.Service, r *request) (answer, error) {
	var in api.WebhooksRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	list, err := r.core.Webhooks(r.Context(), r.who)
	if err != nil {
		return answer{}, err
	}
	order := map[string]func(a, b core.Webhook) int{
		"NAME_ASC": func(a, b core.Webhook) int { return strings.Compare(a.Name, b.Name) }, "CREATED_ASC": func(a, b core.Webhook) int { return a.Created.Compare(b.Created.Time) },
		"UPDATED_ASC": func(a, b core.Webhook) int { return a.Updated.Compare(b.Updated.Time) }, "KEY_EXPIRATION_ASC": func(a, b core.Webhook) int { return bytes.Compare(a.ID[:], b.ID[:]) },
	}
	sort := in.Sort.Or("NAME_ASC")
	name, isDesc := strings.CutSuffix(sort, "_DESC")
	if isDesc {
		name += "_ASC"
	}
	by := order[name]
	if by == nil {
		return answer{}, api.Errorf(api.CodeInvalid, "There is no order %q.", sort)
	}
	slices.SortStableFunc(list, func(a, b core.Webhook) int {
		if isDesc {
			return by(b, a)
		}
		return by(a, b)
	})
	out, err := r.webhooks(s, page(list, in.Limit, in.Offset))
	return give(http.StatusOK, out, err)
}

func readWebhook(s *identity.Service, r *request) (answer, error) {
	return onID(r, func(id uuid.UUID) (answer, error) {
		w, err := r.core.Webhook(r.Context(), r.who, id)
		if err != nil {
			return answer{}, err
		}
		out, err := r.webhooks(s, []core.Webhook{*w})
		if err != nil {
			return answer{}, err
		}
		return ok(out[0])
	})
}

func replaceWebhook(s *identity.Service, r *request) (answer, error) {
	return onID(r, func(id uuid.UUID) (answer, error) {
		var in api.WebhookCreate
		if err := r.decode(&in); err != nil {
			return answer{}, err
		}
		if err := guarded(s, r, &in); err != nil {
			return answer{}, err
		}
		if err := r.core.UpdateWebhook(r.Context(), r.who, id, &in); err != nil {
			return answer{}, err
		}
		return none(s.AuditWebhook(r.Context(), r.visitor.by, r.account, r.who.Workspace, id, in.Name, "updated"))
	})
}

func patchWebhook(s *identity.Service, r *request) (answer, error) {
	return onID(r, func(id uuid.UUID) (answer, error) {
		var in api.WebhookPatch
		if err := r.decode(&in); err != nil {
			return answer{}, err
		}
		if err := r.core.EnableWebhook(r.Context(), r.who, id, in.Enabled.Or(true)); err != nil {
			return answer{}, err
		}
		return none(s.AuditWebhook(r.Context(), r.visitor.by, r.account, r.who.Workspace, id, "", "updated"))
	})
}

func deleteWebhook(s *identity.Service, r *request) (answer, error) {
	return onID(r, func(id uuid.UUID) (answer, error) {
		if err := r.core.DeleteWebhook(r.Context(), r.who, id); err != nil {
			return answer{}, err
		}
		return none(s.AuditWebhook(r.Context(), r.visitor.by, r.account, r.who.Workspace, id, "", "deleted"))
	})
}

func rotateWebhook(s *identity.Service, r *request) (answer, error) {
	return onID(r, func(id uuid.UUID) (answer, error) {
		w, err := r.core.RotateWebhook(r.Context(), r.who, id)
		if err != nil {
			return answer{}, err
		}
		return give(http.StatusOK, r.hook(w), s.AuditWebhook(r.Context(), r.visitor.by, r.account, r.who.Workspace, id, w.Name, "rotated"))
	})
}
