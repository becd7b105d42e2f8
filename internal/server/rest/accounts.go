package rest

import (
	"net/http"
	"strconv"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/identity"
)

const (
	inAccount   = "/accounts/{account_id}"
	inWorkspace = inAccount + "/workspaces/{workspace_id}"
)

var accountRoutes = []governedRoute{
	{pattern: "GET " + inAccount, permission: "read:account", handle: readAccount},
	{pattern: "PATCH " + inAccount, permission: "update:account", fresh: true, held: true, handle: updateAccount},
	{pattern: "GET " + inAccount + "/settings", permission: "read:account", handle: readAccountSettings},
	{pattern: "PATCH " + inAccount + "/settings", permission: "update:account", fresh: true, held: true, handle: updateAccountSettings},
	{pattern: "GET " + inAccount + "/domains", permission: "read:sso", handle: readDomains},
	{pattern: "PATCH " + inAccount + "/domains", permission: "administrate:sso", fresh: true, held: true, handle: updateDomains},
	{pattern: "GET " + inAccount + "/account_roles/{id}", permission: "read:account_role", handle: readAccountRole},
	{pattern: "POST " + inAccount + "/account_roles/filter", permission: "read:account_role", handle: readAccountRoles},
}

var memberRoutes = []governedRoute{
	{pattern: "POST " + inAccount + "/account_memberships/filter", permission: "read:account_membership", handle: readMembers},
	{pattern: "POST " + inAccount + "/account_memberships/count", permission: "read:account_membership", handle: countMembers},
	{pattern: "GET " + inAccount + "/account_memberships/by-user/{id}", permission: "read:account_membership", handle: memberBy(true)},
	{pattern: "GET " + inAccount + "/account_memberships/by-bot/{id}", permission: "read:account_membership", handle: memberBy(true)},
	{pattern: "GET " + inAccount + "/account_memberships/{id}", permission: "read:account_membership", handle: memberBy(false)},
	{pattern: "PATCH " + inAccount + "/account_memberships/{id}", permission: "update:account_membership", fresh: true, held: true, handle: updateMember},
	{pattern: "DELETE " + inAccount + "/account_memberships/{id}", permission: "delete:account_membership", fresh: true, handle: deleteMember},
	{pattern: "PATCH " + inAccount + "/account_memberships/{id}/active", permission: "update:account_membership", fresh: true, handle: setMemberActive},
	{pattern: "POST " + inAccount + "/account_memberships/set_active", permission: "update:account_membership", fresh: true, handle: setMembersActive},
}

var botRoutes = []governedRoute{
	{pattern: "POST " + inAccount + "/bots/", permission: "create:bot", fresh: true, handle: createBot},
	{pattern: "GET " + inAccount + "/bots/{id}", permission: "read:bot", handle: readBot},
	{pattern: "PATCH " + inAccount + "/bots/{id}", permission: "update:bot", fresh: true, handle: updateBot},
	{pattern: "DELETE " + inAccount + "/bots/{id}", permission: "delete:bot", fresh: true, handle: deleteBot},
	{pattern: "POST " + inAccount + "/bots/filter", permission: "read:bot", handle: readBots},
	{pattern: "POST " + inAccount + "/bots/{id}/rotate_api_key", permission: "update:bot", fresh: true, handle: rotateBotKey},
	{pattern: "GET " + inAccount + "/bots/{id}/read_bot_api_keys", permission: "read:bot", handle: readBotKeys},
	{pattern: "DELETE " + inAccount + "/bots/{id}/delete_bot_api_key/{key_id}", permission: "update:bot", fresh: true, handle: deleteBotKey},
}

var invitationRoutes = []governedRoute{
	{pattern: "POST " + inAccount + "/invitations/", permission: "create:invitation", fresh: true, held: true, handle: createInvitations},
	{pattern: "GET " + inAccount + "/invitations/{id}", permission: "read:invitation", handle: readInvitation},
	{pattern: "POST " + inAccount + "/invitations/filter", permission: "read:invitation", handle: readInvitations},
	{pattern: "POST " + inAccount + "/invitations/count", permission: "read:invitation", handle: countInvitations},
	{pattern: "POST " + inAccount + "/invitations/{id}/revoke", permission: "update:invitation", handle: revokeInvitation},
	{pattern: "POST /invitations/{id}/accept", handle: acceptInvitation},
	{pattern: "POST /invitations/{id}/reject", handle: rejectInvitation},
}

var auditRoutes = []governedRoute{
	{pattern: "GET " + inAccount + "/audit", permission: "read:audit_event", handle: readAudit},
	{pattern: "GET " + inAccount + "/audit/verify", permission: "read:audit_event", handle: verifyAudit},
}

func readAccount(s *identity.Service, r *request) (answer, error) {
	a, err := s.Account(r.Context(), r.account)
	return give(http.StatusOK, a, err)
}

func updateAccount(s *identity.Service, r *request) (answer, error) {
	var in api.AccountUpdate
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	return none(s.UpdateAccount(r.Context(), r.visitor.by, r.account, &in))
}

func readAccountSettings(s *identity.Service, r *request) (answer, error) {
	a, err := s.Account(r.Context(), r.account)
	if err != nil {
		return answer{}, err
	}
	return ok(a.Settings)
}

func updateAccountSettings(s *identity.Service, r *request) (answer, error) {
	var in map[string]any
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	return none(s.UpdateAccountSettings(r.Context(), r.visitor.by, r.account, in))
}

func readDomains(s *identity.Service, r *request) (answer, error) {
	list, err := s.Domains(r.Context(), r.account)
	return give(http.StatusOK, list, err)
}

func updateDomains(s *identity.Service, r *request) (answer, error) {
	var in api.AccountDomainsUpdate
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	return none(s.SetDomains(r.Context(), r.visitor.by, r.account, in.DomainNames))
}

func readAccountRole(s *identity.Service, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	all, err := s.AccountRoles(r.Context(), r.account)
	for _, role := range all {
		if role.ID == id {
			return ok(role)
		}
	}
	if err == nil {
		err = api.NotFound("Account role")
	}
	return answer{}, err
}

func readAccountRoles(s *identity.Service, r *request) (answer, error) {
	var in struct {
		listing

		Roles *api.AccountRoleFilter `json:"account_roles,omitzero" check:"null"`
	}
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	all, err := s.AccountRoles(r.Context(), r.account)
	out := []api.AccountRole{}
	for _, role := range all {
		if in.Roles == nil || identity.Matches(in.Roles.Name, role.Name) && identity.Matches(in.Roles.ID, role.ID) {
			out = append(out, role)
		}
	}
	return give(http.StatusOK, page(out, in.Limit, in.Offset), err)
}

func readMembers(s *identity.Service, r *request) (answer, error) {
	var in api.AccountMembershipsRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	list, err := s.Members(r.Context(), r.account, &in)
	return give(http.StatusOK, page(list, in.Limit, in.Offset), err)
}

func countMembers(s *identity.Service, r *request) (answer, error) {
	var in api.AccountMembershipsRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	list, err := s.Members(r.Context(), r.account, &in)
	return give(http.StatusOK, len(list), err)
}

func memberBy(actor bool) func(*identity.Service, *request) (answer, error) {
	return func(s *identity.Service, r *request) (answer, error) {
		id, err := r.id("id")
		if err != nil {
			return answer{}, err
		}
		m, err := s.Member(r.Context(), r.account, id, actor)
		return give(http.StatusOK, m, err)
	}
}

func updateMember(s *identity.Service, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	var in api.AccountMembershipUpdate
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	return none(s.SetMemberRole(r.Context(), r.visitor.by, r.account, id, in.RoleID))
}

func deleteMember(s *identity.Service, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	return none(s.RemoveMember(r.Context(), r.visitor.by, r.account, id))
}

func setMemberActive(s *identity.Service, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	var in api.AccountMembershipSetActive
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	return none(s.SetMemberActive(r.Context(), r.visitor.by, r.account, id, in.Active))
}

func setMembersActive(s *identity.Service, r *request) (answer, error) {
	var in api.AccountMembershipBulkSetActive
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	for _, id := range in.MembershipIDs {
		if err := s.SetMemberActive(r.Context(), r.visitor.by, r.account, id, in.Active); err != nil {
			return answer{}, err
		}
	}
	return none(nil)
}

func createBot(s *identity.Service, r *request) (answer, error) {
	var in api.BotCreate
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	b, err := s.AddBot(r.Context(), r.visitor.by, r.account, &in)
	return give(http.StatusCreated, b, err)
}

// onID reads the id of a path and does something with it.
func onID(r *request, do func(id uuid.UUID) (answer, error)) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	return do(id)
}

func readBot(s *identity.Service, r *request) (answer, error) {
	return onID(r, func(id uuid.UUID) (answer, error) {
		b, err := s.Bot(r.Context(), r.account, id)
		return give(http.StatusOK, b, err)
	})
}

func updateBot(s *identity.Service, r *request) (answer, error) {
	return onID(r, func(id uuid.UUID) (answer, error) {
		var in api.BotUpdate
		if err := r.decode(&in); err != nil {
			return answer{}, err
		}
		return none(s.UpdateBot(r.Context(), r.visitor.by, r.account, id, &in))
	})
}

func deleteBot(s *identity.Service, r *request) (answer, error) {
	return onID(r, func(id uuid.UUID) (answer, error) { return none(s.RemoveBot(r.Context(), r.visitor.by, r.account, id)) })
}

func readBots(s *identity.Service, r *request) (answer, error) {
	var in struct {
		listing

		Bots *api.IDNameFilter `json:"service_accounts,omitzero" check:"null"`
	}
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	list, err := s.Bots(r.Context(), r.account, in.Bots)
	return give(http.StatusOK, page(list, in.Limit, in.Offset), err)
}

func rotateBotKey(s *identity.Service, r *request) (answer, error) {
	return onID(r, func(id uuid.UUID) (answer, error) {
		var in api.BotRotateAPIKey
		if err := r.decode(&in); err != nil {
			return answer{}, err
		}
		b, err := s.RotateBotKey(r.Context(), r.visitor.by, r.account, id, &in)
		return give(http.StatusCreated, b, err)
	})
}

func readBotKeys(s *identity.Service, r *request) (answer, error) {
	return onID(r, func(id uuid.UUID) (answer, error) {
		keys, err := s.BotKeys(r.Context(), r.account, id)
		return give(http.StatusOK, keys, err)
	})
}

func deleteBotKey(s *identity.Service, r *request) (answer, error) {
	return onID(r, func(id uuid.UUID) (answer, error) {
		key, err := r.id("key_id")
		if err == nil {
			err = s.RemoveBotKey(r.Context(), r.visitor.by, r.account, id, key)
		}
		return give(http.StatusOK, nil, err)
	})
}

func createInvitations(s *identity.Service, r *request) (answer, error) {
	var in []api.InvitationCreate
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	list, err := s.Invite(r.Context(), r.visitor.by, r.account, in)
	return give(http.StatusCreated, list, err)
}

func invitations(s *identity.Service, r *request) ([]api.Invitation, listing, error) {
	var in struct {
		listing

		Invitations *api.InvitationFilter `json:"invitations,omitzero" check:"null"`
	}
	if err := r.decode(&in); err != nil {
		return nil, in.listing, err
	}
	list, err := s.Invitations(r.Context(), r.account, in.Invitations)
	return list, in.listing, err
}

func readInvitations(s *identity.Service, r *request) (answer, error) {
	list, in, err := invitations(s, r)
	return give(http.StatusOK, page(list, in.Limit, in.Offset), err)
}

func countInvitations(s *identity.Service, r *request) (answer, error) {
	list, _, err := invitations(s, r)
	return give(http.StatusOK, len(list), err)
}

func readInvitation(s *identity.Service, r *request) (answer, error) {
	return onID(r, func(id uuid.UUID) (answer, error) {
		list, err := s.Invitations(r.Context(), r.account, nil)
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

func revokeInvitation(s *identity.Service, r *request) (answer, error) {
	return onID(r, func(id uuid.UUID) (answer, error) {
		return none(s.RevokeInvitation(r.Context(), r.visitor.by, r.account, nil, id))
	})
}

func acceptInvitation(s *identity.Service, r *request) (answer, error) {
	return onID(r, func(id uuid.UUID) (answer, error) {
		return none(s.AnswerInvitation(r.Context(), r.visitor.by, id, r.URL.Query().Get("invite_code"), true))
	})
}

func rejectInvitation(s *identity.Service, r *request) (answer, error) {
	return onID(r, func(id uuid.UUID) (answer, error) {
		return none(s.AnswerInvitation(r.Context(), r.visitor.by, id, r.URL.Query().Get("invite_code"), false))
	})
}

func readAudit(s *identity.Service, r *request) (answer, error) {
	after, limit := int64(0), api.MaxPage
	var err error
	if text := r.URL.Query().Get("after"); text != "" {
		if after, err = strconv.ParseInt(text, 10, 64); err != nil || after < 0 {
			return answer{}, api.Errorf(api.CodeInvalid, "after is the number of an entry, not %q.", text)
		}
	}
	if text := r.URL.Query().Get("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 0 || limit > api.MaxPage {
			return answer{}, api.Errorf(api.CodeInvalid, "limit is a number up to %d, not %q.", api.MaxPage, text)
		}
	}
	list, err := s.AuditEvents(r.Context(), r.account, after, limit)
	return give(http.StatusOK, list, err)
}

func verifyAudit(s *identity.Service, r *request) (answer, error) {
	n, err := s.VerifyAudit(r.Context(), r.account)
	switch api.CodeOf(err) {
	case "":
		return ok(api.AuditVerdict{Entries: n, Intact: true})
	case api.CodeConflict:
		return ok(api.AuditVerdict{Entries: n, Problem: err.Error()})
	}
	return answer{}, err
}
