package identity

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/access"
	"github.com/usherhq/usher/internal/rules/credential"
	"github.com/usherhq/usher/internal/store"
)

// read is one thing read on a snapshot.
func read[T any](ctx context.Context, s *Service, fn func(*store.Tx) (T, error)) (out T, err error) {
	err = s.Read(ctx, func(tx *store.Tx) (err error) {
		out, err = fn(tx)
		return err
	})
	return out, err
}

// matches says whether a value is one that a filter wants; a filter that is not there wants
// every value.
func matches[T comparable](m *api.Match[T], value T) bool {
	switch {
	case m == nil:
		return true
	case m.Any != nil && !slices.Contains(m.Any, value):
		return false
	case slices.Contains(m.NotAny, value):
		return false
	}
	text, isText := any(value).(string)
	return m.Like == nil || isText && strings.Contains(strings.ToLower(text), strings.ToLower(strings.Trim(*m.Like, "%")))
}

// roleOf finds a role that members of an account may have.
func roleOf(tx *store.Tx, account, id uuid.UUID) (access.AccountRole, error) {
	r, err := accountRole(tx, store.Membership{AccountID: account, RoleID: id})
	if err == nil && r.Name == "" {
		err = api.Errorf(api.CodeNotFound, "Account role not found")
	}
	return r, err
}

// mayGive refuses to let somebody give more than they have. Whoever has all that an owner has
// may also let others report events to the audit log, which no role that is built in allows.
func mayGive(by By, account uuid.UUID, role access.AccountRole) error {
	g, _ := by.Actor.Account(account)
	may := g.Permissions
	if owner, _ := access.BuiltInAccountRole(access.OwnerID); owner.Permissions&^may == 0 {
		report, _ := access.PermissionsOf("create:audit_event")
		may |= report
	}
	if extra := role.Permissions &^ may; extra != 0 {
		return api.Errorf(api.CodeForbidden, "You may not give the role %q: it has the permission %s, which you do not have.", role.Name, extra.List()[0])
	}
	return nil
}

// Members lists the members of an account that a request wants.
func (s *Service) Members(ctx context.Context, account uuid.UUID, in *api.AccountMembershipsRequest) ([]api.AccountMembership, error) {
	f := in.Memberships
	if f == nil {
		f = in.Filter
	}
	if f == nil {
		f = &api.AccountMembershipFilter{}
	}
	return read(ctx, s, func(tx *store.Tx) ([]api.AccountMembership, error) {
		all, err := tx.Memberships(account)
		out := []api.AccountMembership{}
		for _, m := range all {
			if err != nil {
				return nil, err
			}
			if in.OnlyUsers && m.ActorType != store.ActorUser || in.OnlyBots && m.ActorType != store.ActorBot || in.Active != nil && *in.Active != m.Active {
				continue
			}
			var line *api.AccountMember
			if line, err = memberOf(tx, &m); err != nil {
				return nil, err
			}
			row := api.AccountMembership{
				ID: m.ID, ActorID: m.ActorID, UserID: line.UserID, FirstName: line.FirstName, LastName: line.LastName, Handle: &line.Handle, Email: line.Email,
				RoleName: line.RoleName, RoleID: m.RoleID, Active: m.Active,
			}
			user, email := uuid.UUID{}, ""
			if row.UserID != nil {
				user = *row.UserID
				u, err := tx.User(user)
				if err != nil {
					return nil, err
				}
				row.LastLogin, email = u.LastLogin, u.Email
			}
			name := line.Handle
			if line.FirstName != nil {
				name = strings.TrimSpace(*line.FirstName + " " + *line.LastName)
			}
			if matches(f.RoleID, m.RoleID) && matches(f.UserID, user) && matches(f.Email, email) && matches(f.Handle, line.Handle) && matches(f.Name, name) && matches(f.ActorID, m.ActorID) {
				out = append(out, row)
			}
		}
		return out, err
	})
}

// memberOf tells all about a member.
func memberOf(tx *store.Tx, m *store.Membership) (*api.AccountMember, error) {
	role, err := accountRole(tx, *m)
	if err != nil {
		return nil, err
	}
	out := &api.AccountMember{
		ID: m.ID, Created: m.Created, Updated: m.Updated, ActorID: m.ActorID, AccountID: m.AccountID, RoleID: m.RoleID, RoleName: role.Name,
		DirectoryID: m.DirectoryID, Active: m.Active, Teams: []api.TeamSummary{},
	}
	if m.ActorType == store.ActorUser {
		u, err := tx.User(m.ActorID)
		if err != nil {
			return nil, err
		}
		out.UserID, out.Handle, out.FirstName, out.LastName, out.Email = &u.ID, u.Handle, &u.FirstName, &u.LastName, &u.Email
	} else {
		b, err := tx.BotByID(m.ActorID)
		if err != nil {
			return nil, err
		}
		out.Handle = b.Name
	}
	return out, nil
}

// Member finds a member by the id of the membership or, with byActor, of the actor.
func (s *Service) Member(ctx context.Context, account, id uuid.UUID, byActor bool) (*api.AccountMember, error) {
	return read(ctx, s, func(tx *store.Tx) (*api.AccountMember, error) {
		find := tx.Membership
		if byActor {
			find = tx.MembershipOf
		}
		m, err := find(account, id)
		if err != nil {
			return nil, missing("Account membership", err)
		}
		out, err := memberOf(tx, m)
		if err != nil {
			return nil, err
		}
		members, err := tx.TeamMembers(account)
		if err != nil {
			return nil, err
		}
		teams, err := tx.Teams(account)
		for _, t := range teams {
			if slices.ContainsFunc(members, func(in store.TeamMember) bool { return in.TeamID == t.ID && in.ActorID == m.ActorID }) {
				out.Teams = append(out.Teams, api.TeamSummary{ID: t.ID, Name: t.Name})
			}
		}
		return out, err
	})
}

// keepsOwner refuses a change after which an account has no owner any more.
func keepsOwner(tx *store.Tx, account uuid.UUID) error {
	return keepsOwnerWithout(tx, account, uuid.UUID{})
}

// keepsOwnerWithout is keepsOwner if a member were gone.
func keepsOwnerWithout(tx *store.Tx, account, gone uuid.UUID) error {
	all, err := tx.Memberships(account)
	if err != nil {
		return err
	}
	for _, m := range all {
		if m.RoleID == access.OwnerID && m.Active && m.ActorID != gone {
			return nil
		}
	}
	return api.Errorf(api.CodeConflict, "The account would have no owner any more: make somebody else one first.")
}

// changeMember changes a membership, with what must hold after it.
func (s *Service) changeMember(ctx context.Context, by By, account, id uuid.UUID, action string, change func(*store.Tx, *store.Membership) (map[string][2]any, error)) error {
	return s.Change(ctx, func(tx *store.Tx) error {
		m, err := tx.Membership(account, id)
		if err != nil {
			return missing("Account membership", err)
		}
		role, err := accountRole(tx, *m)
		if err != nil {
			return err
		}
		if err := mayGive(by, account, role); err != nil {
			return err // who has more can't be changed by who has less
		}
		changes, err := change(tx, m)
		if err == nil {
			err = keepsOwner(tx, account)
		}
		if err != nil {
			return err
		}
		return s.Audit(tx, by, Entry{Account: account, Type: "account-membership", Action: action, ID: m.ID, Changes: changes, Details: map[string]any{"actor_id": m.ActorID}})
	})
}

// SetMemberRole gives a member another role.
func (s *Service) SetMemberRole(ctx context.Context, by By, account, id, role uuid.UUID) error {
	return s.changeMember(ctx, by, account, id, "updated", func(tx *store.Tx, m *store.Membership) (map[string][2]any, error) {
		r, err := roleOf(tx, account, role)
		if err == nil {
			err = mayGive(by, account, r)
		}
		if err == nil {
			err = tx.UpdateMembership(account, id, store.Set{Column: "account_role_id", Value: role}, store.Set{Column: "updated", Value: s.Now()})
		}
		return map[string][2]any{"account_role_id": {m.RoleID, role}}, err
	})
}

// SetMemberActive lets a member in or keeps it out.
func (s *Service) SetMemberActive(ctx context.Context, by By, account, id uuid.UUID, active bool) error {
	return s.changeMember(ctx, by, account, id, "updated", func(tx *store.Tx, m *store.Membership) (map[string][2]any, error) {
		return map[string][2]any{"active": {m.Active, active}}, tx.UpdateMembership(account, id, store.Set{Column: "active", Value: active}, store.Set{Column: "updated", Value: s.Now()})
	})
}

// RemoveMember makes somebody no member any more.
func (s *Service) RemoveMember(ctx context.Context, by By, account, id uuid.UUID) error {
	return s.changeMember(ctx, by, account, id, "deleted", func(tx *store.Tx, m *store.Membership) (map[string][2]any, error) {
		if m.ActorType == store.ActorBot {
			return nil, api.Errorf(api.CodeConflict, "This is a service account: delete it instead.")
		}
		return nil, tx.DeleteMembership(m)
	})
}

// Leave makes who asks no member of an account any more.
func (s *Service) Leave(ctx context.Context, by By, account uuid.UUID) error {
	return s.Change(ctx, func(tx *store.Tx) error {
		m, err := tx.MembershipOf(account, by.Actor.ID)
		if err != nil {
			return missing("Account membership", err)
		}
		if err := tx.DeleteMembership(m); err != nil {
			return err
		}
		if err := keepsOwner(tx, account); err != nil {
			return err
		}
		return s.Audit(tx, by, Entry{Account: account, Type: "account-membership", Action: "deleted", ID: m.ID, Name: by.Actor.Handle})
	})
}

// AccountRoles lists the roles of an account's members, the built-in ones first.
func (s *Service) AccountRoles(ctx context.Context, account uuid.UUID) ([]api.AccountRole, error) {
	list := []api.AccountRole{}
	for _, r := range access.AccountRoles() {
		list = append(list, api.AccountRole{ID: r.ID, Name: r.Name, Permissions: texts(r.Permissions.List()), IsSystemRole: true})
	}
	return read(ctx, s, func(tx *store.Tx) ([]api.AccountRole, error) {
		own, err := tx.AccountRoles(account)
		out := slices.Clone(list)
		for _, r := range own {
			out = append(out, api.AccountRole{ID: r.ID, Created: &r.Created, Updated: &r.Updated, AccountID: &r.AccountID, Name: r.Name, Permissions: r.Permissions})
		}
		return out, err
	})
}

func texts[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, t := range list {
		out[i] = string(t)
	}
	return out
}

// Bots lists the service accounts of an account.
func (s *Service) Bots(ctx context.Context, account uuid.UUID, f *api.IDNameFilter) ([]api.Bot, error) {
	if f == nil {
		f = &api.IDNameFilter{}
	}
	return read(ctx, s, func(tx *store.Tx) ([]api.Bot, error) {
		all, err := tx.Bots(account)
		out := []api.Bot{}
		for i := 0; i < len(all) && err == nil; i++ {
			if !matches(f.ID, all[i].ID) || !matches(f.Name, all[i].Name) {
				continue
			}
			var b *api.Bot
			if b, err = s.botOf(tx, &all[i]); err == nil {
				out = append(out, *b)
			}
		}
		return out, err
	})
}

// Bot returns a service account.
func (s *Service) Bot(ctx context.Context, account, id uuid.UUID) (*api.Bot, error) {
	return read(ctx, s, func(tx *store.Tx) (*api.Bot, error) {
		b, err := tx.Bot(account, id)
		if err != nil {
			return nil, missing("Service account", err)
		}
		return s.botOf(tx, b)
	})
}

func (s *Service) botOf(tx *store.Tx, b *store.Bot) (*api.Bot, error) {
	out := &api.Bot{ID: b.ID, Created: b.Created, Updated: b.Updated, ActorID: b.ID, AccountID: b.AccountID, Name: b.Name}
	m, err := tx.MembershipOf(b.AccountID, b.ID)
	if err != nil {
		return nil, err
	}
	role, err := accountRole(tx, *m)
	if err != nil {
		return nil, err
	}
	out.RoleName = role.Name
	keys, err := tx.APIKeys(b.ID)
	if len(keys) > 0 {
		out.APIKey = KeyOf(&keys[0])
	}
	return out, err
}

// KeyOf is a key as the API shows it.
func KeyOf(k *store.APIKey) api.APIKey {
	return api.APIKey{ID: k.ID, Created: k.Created, Name: k.Name, Expiration: k.Expiration, MaskedKey: credential.Masked(k.Prefix, k.Suffix)}
}

// AddBot makes a service account with a key.
func (s *Service) AddBot(ctx context.Context, by By, account uuid.UUID, in *api.BotCreate) (out *api.BotCreated, err error) {
	name := strings.TrimSpace(in.Name)
	if name == "" {
		return nil, api.Errorf(api.CodeInvalid, "Give the service account a name.")
	}
	err = s.Change(ctx, func(tx *store.Tx) error {
		now, id := s.Now(), access.MemberID
		if in.RoleID != nil {
			id = *in.RoleID
		}
		role, err := roleOf(tx, account, id)
		if err == nil {
			err = mayGive(by, account, role)
		}
		if err != nil {
			return err
		}
		b := &store.Bot{AccountID: account, ID: newID(), Created: now, Updated: now, Name: name}
		if err := tx.InsertBot(b); err != nil {
			if errors.Is(err, store.ErrConflict) {
				err = api.Errorf(api.CodeConflict, "There is a service account %q already.", name)
			}
			return err
		}
		if err := s.addMember(tx, by, account, b.ID, store.ActorBot, role.ID, name); err != nil {
			return err
		}
		if err := s.Audit(tx, by, Entry{Account: account, Type: "service-account", Action: "created", ID: b.ID, Name: name}); err != nil {
			return err
		}
		k, secret, err := s.AddKey(tx, by, b.ID, credential.BotKey, name, in.APIKeyExpiration)
		if err != nil {
			return err
		}
		out = &api.BotCreated{
			ID: b.ID, Created: now, Updated: now, ActorID: b.ID, AccountID: account, Name: name, RoleName: role.Name,
			APIKey: api.APIKeyCreated{ID: k.ID, Created: k.Created, Name: k.Name, Expiration: k.Expiration, Key: secret},
		}
		return nil
	})
	return out, err
}

// changeBot changes a service account that is not mightier than who changes it.
func (s *Service) changeBot(ctx context.Context, by By, account, id uuid.UUID, action string, change func(*store.Tx, *store.Bot, *store.Membership) error) error {
	return s.Change(ctx, func(tx *store.Tx) error {
		b, err := tx.Bot(account, id)
		if err != nil {
			return missing("Service account", err)
		}
		m, err := tx.MembershipOf(account, id)
		if err != nil {
			return err
		}
		role, err := accountRole(tx, *m)
		if err == nil {
			err = mayGive(by, account, role)
		}
		if err == nil {
			err = change(tx, b, m)
		}
		if err != nil || action == "" {
			return err
		}
		return s.Audit(tx, by, Entry{Account: account, Type: "service-account", Action: action, ID: b.ID, Name: b.Name})
	})
}

// UpdateBot changes name and role of a service account.
func (s *Service) UpdateBot(ctx context.Context, by By, account, id uuid.UUID, in *api.BotUpdate) error {
	return s.changeBot(ctx, by, account, id, "updated", func(tx *store.Tx, b *store.Bot, m *store.Membership) error {
		now := s.Now()
		if name, ok := in.Name.Get(); ok {
			if err := tx.UpdateBot(account, id, store.Set{Column: "name", Value: strings.TrimSpace(name)}, store.Set{Column: "updated", Value: now}); err != nil {
				return err
			}
		}
		if in.RoleID == nil {
			return nil
		}
		role, err := roleOf(tx, account, *in.RoleID)
		if err == nil {
			err = mayGive(by, account, role)
		}
		if err != nil {
			return err
		}
		return tx.UpdateMembership(account, m.ID, store.Set{Column: "account_role_id", Value: role.ID}, store.Set{Column: "updated", Value: now})
	})
}

// RemoveBot removes a service account.
func (s *Service) RemoveBot(ctx context.Context, by By, account, id uuid.UUID) error {
	return s.changeBot(ctx, by, account, id, "deleted", func(tx *store.Tx, _ *store.Bot, _ *store.Membership) error {
		if err := tx.DeleteWebhooksOf(id); err != nil {
			return err
		}
		return tx.DeleteBot(account, id)
	})
}

// RotateBotKey gives a service account a new key; the old ones end at once or after a
// while.
func (s *Service) RotateBotKey(ctx context.Context, by By, account, id uuid.UUID, in *api.BotRotateAPIKey) (out *api.BotCreated, err error) {
	err = s.changeBot(ctx, by, account, id, "", func(tx *store.Tx, b *store.Bot, m *store.Membership) error {
		now := s.Now()
		old, err := tx.APIKeys(id)
		if err != nil {
			return err
		}
		end := api.Time{Time: now.Add(seconds(in.OldKeyExpiresInSeconds.Or(0)))}
		for _, k := range old {
			set := store.Set{Column: "expiration", Value: end}
			if !end.After(now.Time) {
				set = store.Set{Column: "revoked_at", Value: now}
			}
			if k.Expiration == nil || k.Expiration.After(end.Time) {
				if err := tx.UpdateAPIKey(id, k.ID, set); err != nil {
					return err
				}
			}
		}
		k, secret, err := s.AddKey(tx, by, id, credential.BotKey, b.Name, in.APIKeyExpiration)
		if err != nil {
			return err
		}
		role, err := accountRole(tx, *m)
		if err != nil {
			return err
		}
		out = &api.BotCreated{
			ID: b.ID, Created: b.Created, Updated: b.Updated, ActorID: b.ID, AccountID: account, Name: b.Name, RoleName: role.Name,
			APIKey: api.APIKeyCreated{ID: k.ID, Created: k.Created, Name: k.Name, Expiration: k.Expiration, Key: secret},
		}
		return s.Audit(tx, by, Entry{Account: account, Type: "api-key", Action: "rotated", ID: k.ID, Name: b.Name})
	})
	return out, err
}

// BotKeys lists the keys of a service account that open something.
func (s *Service) BotKeys(ctx context.Context, account, id uuid.UUID) (*api.BotAPIKeys, error) {
	return read(ctx, s, func(tx *store.Tx) (*api.BotAPIKeys, error) {
		if _, err := tx.Bot(account, id); err != nil {
			return nil, missing("Service account", err)
		}
		keys, err := tx.APIKeys(id)
		out := &api.BotAPIKeys{RotatingKeys: []api.APIKey{}}
		for i := range keys {
			one := KeyOf(&keys[i])
			switch {
			case i == 0:
				out.ActiveKey = &one
			case keys[i].Live(s.Now()):
				out.RotatingKeys = append(out.RotatingKeys, one)
			}
		}
		return out, err
	})
}

// RemoveKey ends a key of an actor.
func (s *Service) RemoveKey(ctx context.Context, by By, actor, id uuid.UUID) error {
	return s.Change(ctx, func(tx *store.Tx) error {
		keys, err := tx.APIKeys(actor)
		for i := range keys {
			if keys[i].ID == id {
				return s.RevokeKey(tx, by, &keys[i])
			}
		}
		if err == nil {
			err = api.NotFound("API key")
		}
		return err
	})
}

// RemoveBotKey ends a key of a service account.
func (s *Service) RemoveBotKey(ctx context.Context, by By, account, id, key uuid.UUID) error {
	if _, err := s.Bot(ctx, account, id); err != nil {
		return err
	}
	return s.RemoveKey(ctx, by, id, key)
}

// Keys lists the keys of an actor.
func (s *Service) Keys(ctx context.Context, actor uuid.UUID) ([]api.APIKey, error) {
	return read(ctx, s, func(tx *store.Tx) ([]api.APIKey, error) {
		keys, err := tx.APIKeys(actor)
		out := []api.APIKey{}
		for i := range keys {
			out = append(out, KeyOf(&keys[i]))
		}
		return out, err
	})
}

// AddUserKey makes a key of the user who asks. It ends with the credential that asks for
// it if that is a key: a key can't make one that outlives it.
func (s *Service) AddUserKey(ctx context.Context, by By, in *api.APIKeyCreate) (out *api.APIKeyCreated, err error) {
	end := in.Expiration
	if c := by.Actor.Credential; c.Method == "key" && c.Expires != nil && (end == nil || end.After(c.Expires.Time)) {
		end = c.Expires
	}
	err = s.Write(ctx, func(tx *store.Tx) error {
		k, secret, err := s.AddKey(tx, by, by.Actor.ID, credential.UserKey, in.Name, end)
		if err == nil {
			out = &api.APIKeyCreated{ID: k.ID, Created: k.Created, Name: k.Name, Expiration: k.Expiration, Key: secret}
		}
		return err
	})
	return out, err
}
