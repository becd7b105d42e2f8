package identity

import (
	"context"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

// FindUser finds a user by an address.
func (s *Service) FindUser(ctx context.Context, email string) (uuid.UUID, error) {
	u, err := read(ctx, s, func(tx *store.Tx) (*store.User, error) { return s.UserByEmail(tx, email) })
	if err == nil && u == nil {
		err = api.Errorf(api.CodeNotFound, "Nobody here has the address %s.", strings.TrimSpace(email))
	}
	if err != nil {
		return uuid.UUID{}, err
	}
	return u.ID, nil
}

// ExportPerson collects all that is kept about a user, in every account. That it was done is
// written into the log of each.
func (s *Service) ExportPerson(ctx context.Context, by By, user uuid.UUID) (*api.PersonExport, error) {
	out, err := read(ctx, s, func(tx *store.Tx) (*api.PersonExport, error) {
		u, err := tx.User(user)
		if err != nil {
			return nil, missing("User", err)
		}
		out := &api.PersonExport{
			Exported: s.Now(), ID: u.ID, Created: u.Created, Handle: u.Handle, FirstName: u.FirstName, LastName: u.LastName, Email: u.Email,
			Location: u.Location, Title: u.Title, Settings: u.Settings, LastLogin: u.LastLogin,
			Accounts: []api.PersonAccount{}, Access: []api.PersonAccess{}, Identities: []api.PersonIdentity{}, Factors: []api.PersonFactor{},
			Sessions: []api.PersonSession{}, Keys: []api.PersonKey{}, Invitations: []api.PersonInvitation{}, Made: []api.PersonMade{}, Audit: []api.PersonAuditRecord{},
		}
		for _, part := range []func(*store.Tx, *store.User, *api.PersonExport) error{s.exportRights, s.exportWaysIn, s.exportAudit} {
			if err := part(tx, u, out); err != nil {
				return nil, err
			}
		}
		return out, nil
	})
	if err != nil {
		return nil, err
	}
	err = s.eachWorkspace(ctx, s.store.Read, func(tx *store.Tx, workspace uuid.UUID) error {
		made, err := tx.MadeByActor(user)
		for _, m := range made {
			out.Made = append(out.Made, api.PersonMade{WorkspaceID: workspace, Kind: m.Kind, ID: m.ID, Name: m.Name})
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, s.Write(ctx, func(tx *store.Tx) (err error) {
		for i := 0; i < len(out.Accounts) && err == nil; i++ {
			err = s.Audit(tx, by, Entry{Account: out.Accounts[i].AccountID, Type: "user", Action: "exported", ID: user})
		}
		return err
	})
}

// eachWorkspace runs fn in each workspace, in a transaction of its own.
func (s *Service) eachWorkspace(ctx context.Context, run func(context.Context, uuid.UUID, func(*store.Tx) error) error, fn func(*store.Tx, uuid.UUID) error) error {
	all, err := read(ctx, s, (*store.Tx).Workspaces)
	for i := 0; i < len(all) && err == nil; i++ {
		id := all[i].ID
		err = run(ctx, id, func(tx *store.Tx) error { return fn(tx, id) })
	}
	return err
}

func (s *Service) exportRights(tx *store.Tx, u *store.User, out *api.PersonExport) error {
	memberships, err := tx.MembershipsOf(u.ID)
	if err != nil {
		return err
	}
	for _, m := range memberships {
		a, err := tx.Account(m.AccountID)
		if err != nil {
			return err
		}
		out.Accounts = append(out.Accounts, api.PersonAccount{AccountID: a.ID, Handle: a.Handle, RoleID: m.RoleID, Active: m.Active, Since: m.Created})
	}
	accesses, err := tx.AccessOf(u.ID)
	for _, a := range accesses {
		row := api.PersonAccess{WorkspaceID: a.WorkspaceID, RoleID: a.RoleID, Expires: a.Expires}
		if a.SubjectType == store.ActorTeam {
			row.TeamID = &a.SubjectID
		}
		out.Access = append(out.Access, row)
	}
	if err != nil {
		return err
	}
	invitations, err := tx.InvitationsTo(u.EmailNorm)
	for _, i := range invitations {
		out.Invitations = append(out.Invitations, api.PersonInvitation{AccountID: i.AccountID, Created: i.Created, Status: i.Status})
	}
	return err
}

func (s *Service) exportWaysIn(tx *store.Tx, u *store.User, out *api.PersonExport) error {
	identities, err := tx.UserIdentities(u.ID)
	if err != nil {
		return err
	}
	for _, i := range identities {
		out.Identities = append(out.Identities, api.PersonIdentity{Provider: i.Provider, Issuer: i.Issuer, Subject: i.Subject, Email: i.Email, LastLogin: i.LastLogin})
	}
	factors, err := tx.Factors(u.ID)
	if err != nil {
		return err
	}
	for _, f := range factors {
		out.Factors = append(out.Factors, api.PersonFactor{Kind: f.Kind, Name: f.Name, Created: f.Created, LastUsed: f.LastUsed})
	}
	sessions, err := tx.SessionsOf(u.ID, s.Now())
	if err != nil {
		return err
	}
	for _, t := range sessions {
		out.Sessions = append(out.Sessions, api.PersonSession{Kind: t.Kind, Client: t.Client, IP: t.IP, Agent: t.Agent, Created: t.Created, LastUsed: t.LastUsed})
	}
	keys, err := tx.APIKeys(u.ID)
	for _, k := range keys {
		out.Keys = append(out.Keys, api.PersonKey{Name: k.Name, Created: k.Created, Expiration: k.Expiration, LastUsed: k.LastUsed, LastIP: k.LastIP})
	}
	return err
}

func (s *Service) exportAudit(tx *store.Tx, u *store.User, out *api.PersonExport) error {
	p := personOf(u)
	return eachAudit(tx, func(e *store.AuditEntry) error {
		if p.isNamed(e) {
			out.Audit = append(out.Audit, api.PersonAuditRecord{AccountID: e.AccountID, Number: e.Seq, Event: jsontext.Value(e.Entry)})
		}
		return nil
	})
}

// eachAudit reads the audit logs of all accounts, page by page.
func eachAudit(tx *store.Tx, each func(*store.AuditEntry) error) error {
	accounts, err := tx.AuditedAccounts()
	if err != nil {
		return err
	}
	for _, account := range accounts {
		for after := int64(0); ; {
			list, err := tx.AuditEntries(account, after, auditPage)
			for i := 0; i < len(list) && err == nil; i++ {
				err = each(&list[i])
				after = list[i].Seq
			}
			if err != nil {
				return err
			}
			if len(list) < auditPage {
				break
			}
		}
	}
	return nil
}
