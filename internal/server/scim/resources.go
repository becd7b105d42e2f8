package scim

import (
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/server/identity"
	"github.com/usherhq/usher/internal/store"
)

const timeLayout = time.RFC3339Nano

func (c *call) metaOf(kind string, id uuid.UUID, created, updated time.Time) object {
	return object{"resourceType": kind, "created": created.UTC().Format(timeLayout), "lastModified": updated.UTC().Format(timeLayout), "location": c.base + "/" + kind + "s/" + id.String()}
}

// userOf is a member as a directory sees one.
func (c *call) userOf(d *store.DirectoryUser, s *snapshot) object {
	m, u := &d.Membership, &d.User
	updated := m.Updated.Time
	if u.Updated.After(updated) {
		updated = u.Updated.Time
	}
	o := object{
		"schemas": []any{userSchema}, "id": m.ID.String(), "userName": u.Email, "active": m.Active,
		"emails": []any{object{"value": u.Email, "type": "work", "primary": true}}, "meta": c.metaOf("User", m.ID, m.Created.Time, updated),
	}
	if m.DirectoryID != nil {
		o["externalId"] = *m.DirectoryID
	}
	name := object{}
	if u.FirstName != "" {
		name["givenName"] = u.FirstName
	}
	if u.LastName != "" {
		name["familyName"] = u.LastName
	}
	if len(name) > 0 {
		whole := strings.TrimSpace(u.FirstName + " " + u.LastName)
		o["displayName"], o["name"] = whole, name
	}
	var groups []any
	for _, in := range s.members {
		if in.ActorID != u.ID {
			continue
		}
		for i := range s.teams {
			if s.teams[i].ID == in.TeamID {
				groups = append(groups, object{"value": in.TeamID.String(), "display": s.teams[i].Name, "$ref": c.base + "/Groups/" + in.TeamID.String()})
			}
		}
	}
	if groups != nil {
		o["groups"] = groups
	}
	return o
}

func (c *call) users() (int, any, error) {
	s, err := c.snapshot(c.Context())
	if err != nil {
		return 0, nil, err
	}
	return c.page(c.usersOf(&s))
}

func (c *call) usersOf(s *snapshot) []object {
	list := make([]object, 0, len(s.people))
	for i := range s.people {
		list = append(list, c.userOf(&s.people[i], s))
	}
	return list
}

// findUser finds a user by its id.
func (c *call) findUser(id uuid.UUID) (object, error) {
	s, err := c.snapshot(c.Context())
	for i := range s.people {
		if s.people[i].Membership.ID == id {
			return c.userOf(&s.people[i], &s), err
		}
	}
	if err == nil {
		err = fail(http.StatusNotFound, "", "There is no user "+id.String()+".")
	}
	return nil, err
}

func (c *call) user() (int, any, error) {
	id, err := c.id()
	if err != nil {
		return 0, nil, err
	}
	o, err := c.findUser(id)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, c.shown(o), nil
}

// memberOf reads a user as a directory writes one.
func memberOf(o object) (m identity.DirectoryMember, err error) {
	text := func(o object, name string) string {
		for _, v := range valuesAt(o, name) {
			switch v := v.(type) {
			case string:
				return v
			case nil:
			default:
				err = fail(http.StatusBadRequest, "invalidValue", name+" is a text.")
			}
		}
		return ""
	}
	m = identity.DirectoryMember{Email: text(o, "userName"), ExternalID: text(o, "externalId"), FirstName: text(o, "name.givenName"), LastName: text(o, "name.familyName"), Active: true}
	for _, v := range valuesAt(o, "active") {
		switch v := v.(type) {
		case bool:
			m.Active = v
		case string: // as some write it
			m.Active = strings.EqualFold(v, "true")
		case nil:
		default:
			err = fail(http.StatusBadRequest, "invalidValue", "active is true or false.")
		}
	}
	switch {
	case err != nil:
	case m.Email == "":
		err = fail(http.StatusBadRequest, "invalidValue", "userName is missing: it is the address of mail.")
	case len(m.ExternalID) > 500 || len(m.FirstName) > 500 || len(m.LastName) > 500:
		err = fail(http.StatusBadRequest, "invalidValue", "A text is longer than 500 characters.")
	}
	return m, err
}

func (c *call) addUser() (int, any, error) {
	body := object{}
	if err := c.read(&body); err != nil {
		return 0, nil, err
	}
	in, err := memberOf(body)
	if err != nil {
		return 0, nil, err
	}
	var id uuid.UUID
	err = c.change(func(tx *store.Tx) error {
		m, err := c.people.AddDirectoryMember(tx, c.by, c.account, in)
		if err == nil {
			id = m.ID
		}
		return err
	})
	return c.made(id, c.findUser, "Users", err)
}

// made answers with a resource that is new.
func (c *call) made(id uuid.UUID, find func(uuid.UUID) (object, error), kind string, err error) (int, any, error) {
	if err != nil {
		return 0, nil, err
	}
	o, err := find(id)
	if err != nil {
		return 0, nil, err
	}
	c.to.Set("Location", c.base+"/"+kind+"/"+id.String())
	return http.StatusCreated, c.shown(o), nil
}

// written answers with a resource that was changed.
func (c *call) written(id uuid.UUID, find func(uuid.UUID) (object, error), err error) (int, any, error) {
	if err != nil {
		return 0, nil, err
	}
	o, err := find(id)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, c.shown(o), nil
}

func (c *call) setUser(id uuid.UUID, o object) (int, any, error) {
	in, err := memberOf(o)
	if err == nil {
		err = c.change(func(tx *store.Tx) error { return c.people.SetDirectoryMember(tx, c.by, c.account, id, in) })
	}
	return c.written(id, c.findUser, err)
}

func (c *call) putUser() (int, any, error) {
	id, err := c.id()
	body := object{}
	if err == nil {
		_, err = c.findUser(id)
	}
	if err == nil {
		err = c.read(&body)
	}
	if err != nil {
		return 0, nil, err
	}
	return c.setUser(id, body)
}

// patched is a resource as a PATCH leaves it.
func (c *call) patched(find func(uuid.UUID) (object, error), k kind) (id uuid.UUID, o object, err error) {
	if id, err = c.id(); err != nil {
		return id, nil, err
	}
	if o, err = find(id); err != nil {
		return id, nil, err
	}
	var p patch
	if err = c.read(&p); err == nil {
		err = p.apply(o, k)
	}
	return id, o, err
}

func (c *call) patchUser() (int, any, error) {
	id, o, err := c.patched(c.findUser, userKind)
	if err != nil {
		return 0, nil, err
	}
	return c.setUser(id, o)
}

func (c *call) deleteUser() (int, any, error) {
	id, err := c.id()
	if err == nil {
		err = c.change(func(tx *store.Tx) error { return c.people.RemoveDirectoryMember(tx, c.by, c.account, id) })
	}
	return http.StatusNoContent, nil, err
}

// groupOf is a team as a directory sees one.
func (c *call) groupOf(t *store.Team, s *snapshot) object {
	o := object{"schemas": []any{groupSchema}, "id": t.ID.String(), "displayName": t.Name, "meta": c.metaOf("Group", t.ID, t.Created.Time, t.Updated.Time)}
	if t.DirectoryGroupID != nil {
		o["externalId"] = *t.DirectoryGroupID
	}
	var members []any
	for _, in := range s.members {
		if in.TeamID != t.ID {
			continue
		}
		for i := range s.people {
			if p := &s.people[i]; p.User.ID == in.ActorID {
				id := p.Membership.ID.String()
				members = append(members, object{"value": id, "type": "User", "$ref": c.base + "/Users/" + id})
			}
		}
	}
	if members != nil {
		o["members"] = members
	}
	return o
}

func (c *call) groups() (int, any, error) {
	s, err := c.snapshot(c.Context())
	if err != nil {
		return 0, nil, err
	}
	return c.page(c.groupsOf(&s))
}

func (c *call) groupsOf(s *snapshot) []object {
	list := make([]object, 0, len(s.teams))
	for i := range s.teams {
		list = append(list, c.groupOf(&s.teams[i], s))
	}
	return list
}

func (c *call) findGroup(id uuid.UUID) (object, error) {
	s, err := c.snapshot(c.Context())
	for i := range s.teams {
		if s.teams[i].ID == id {
			return c.groupOf(&s.teams[i], &s), err
		}
	}
	if err == nil {
		err = fail(http.StatusNotFound, "", "There is no group "+id.String()+".")
	}
	return nil, err
}

func (c *call) group() (int, any, error) {
	id, err := c.id()
	if err != nil {
		return 0, nil, err
	}
	o, err := c.findGroup(id)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, c.shown(o), nil
}

// teamOf reads a group as a directory writes one.
func teamOf(o object) (t identity.DirectoryTeam, err error) {
	for name, into := range map[string]*string{"displayName": &t.Name, "externalId": &t.ExternalID} {
		for _, v := range valuesAt(o, name) {
			text, ok := v.(string)
			if !ok && v != nil || len(text) > 500 {
				return t, fail(http.StatusBadRequest, "invalidValue", name+" is a text of at most 500 characters.")
			}
			*into = strings.TrimSpace(text)
		}
	}
	if t.Name == "" {
		return t, fail(http.StatusBadRequest, "invalidValue", "displayName is missing.")
	}
	for _, v := range valuesAt(o, "members.value") {
		text, _ := v.(string)
		id, err := uuid.Parse(text)
		if err != nil {
			return t, fail(http.StatusBadRequest, "invalidValue", "The value of a member is the id of a user.")
		}
		t.Members = append(t.Members, id)
	}
	return t, nil
}

func (c *call) addGroup() (int, any, error) {
	body := object{}
	if err := c.read(&body); err != nil {
		return 0, nil, err
	}
	in, err := teamOf(body)
	var id uuid.UUID
	if err == nil {
		err = c.change(func(tx *store.Tx) (err error) {
			id, err = c.people.AddDirectoryTeam(tx, c.by, c.account, in)
			return err
		})
	}
	return c.made(id, c.findGroup, "Groups", err)
}

func (c *call) setGroup(id uuid.UUID, o object) (int, any, error) {
	in, err := teamOf(o)
	if err == nil {
		err = c.change(func(tx *store.Tx) error { return c.people.SetDirectoryTeam(tx, c.by, c.account, id, in) })
	}
	return c.written(id, c.findGroup, err)
}

func (c *call) putGroup() (int, any, error) {
	id, err := c.id()
	body := object{}
	if err == nil {
		_, err = c.findGroup(id)
	}
	if err == nil {
		err = c.read(&body)
	}
	if err != nil {
		return 0, nil, err
	}
	return c.setGroup(id, body)
}

func (c *call) patchGroup() (int, any, error) {
	id, o, err := c.patched(c.findGroup, groupKind)
	if err != nil {
		return 0, nil, err
	}
	return c.setGroup(id, o)
}

func (c *call) deleteGroup() (int, any, error) {
	id, err := c.id()
	if err == nil {
		err = c.change(func(tx *store.Tx) error { return c.people.RemoveDirectoryTeam(tx, c.by, c.account, id) })
	}
	return http.StatusNoContent, nil, err
}
