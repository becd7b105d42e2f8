package store

import (
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// MadeBy is something in a workspace that names who has made it.
type MadeBy struct {
	Kind string // flow_run or deployment
	ID   uuid.UUID
	Name string
}

// MadeByActor lists the runs and deployments of the workspace that an actor has made or
// changed. It looks at all of them.
func (tx *Tx) MadeByActor(actor uuid.UUID) ([]MadeBy, error) {
	id := func(column string) string { return "(" + tx.sql.JSONText(column, "id") + ") = ?" }
	return many(tx, `
		select 'flow_run', id, name
		from flow_run
		where workspace_id = ?
		and `+id("created_by")+`
		union all
		select 'deployment', id, name
		from deployment
		where workspace_id = ?
		and (`+id("created_by")+" or "+id("updated_by")+`)
		order by 1, 2`, []any{tx.workspace, actor.String(), tx.workspace, actor.String(), actor.String()},
		func(row *Row) (m MadeBy, err error) { return m, row.Scan(&m.Kind, &m.ID, &m.Name) })
}

// ForgetMaker puts another name on what an actor has made in the workspace.
func (tx *Tx) ForgetMaker(actor uuid.UUID, kind, label string) error {
	nobody, err := optionalJSON(&api.CreatedBy{ID: &actor, Type: &kind, DisplayValue: &label})
	if err != nil {
		return err
	}
	for _, c := range [][2]string{{"flow_run", "created_by"}, {"deployment", "created_by"}, {"deployment", "updated_by"}} {
		_, err := tx.Exec("update "+c[0]+"\nset "+c[1]+" = ?\nwhere workspace_id = ?\nand ("+tx.sql.JSONText(c[1], "id")+") = ?", nobody, tx.workspace, actor.String())
		if err != nil {
			return err
		}
	}
	_, err = tx.Exec("delete from object_access\nwhere workspace_id = ?\nand subject_id = ?", tx.workspace, actor)
	return err
}

// ForgetAddress deletes what is kept about an address of mail and about a user, besides the
// user: invitations, links, arrivals, names of keys in reports, and where bills go.
func (tx *Tx) ForgetAddress(user uuid.UUID, email, norm string) error {
	for _, d := range []struct {
		sql  string
		args []any
	}{
		{"delete from invitation\nwhere email_norm = ?", []any{norm}},
		{"delete from auth_magic_link\nwhere email = ?", []any{norm}},
		{"delete from auth_arrival\nwhere email in (?, ?)", []any{norm, email}},
		{"delete from rate_usage\nwhere actor_id = ?", []any{user}},
		{"update account\nset billing_email = null\nwhere billing_email in (?, ?)", []any{norm, email}},
		{"update api_key\nset created_by = null\nwhere created_by = ?", []any{user}},
	} {
		if _, err := tx.Exec(d.sql, d.args...); err != nil {
			return err
		}
	}
	return nil
}

// InvitationsTo lists the invitations to an address.
func (tx *Tx) InvitationsTo(norm string) ([]Invitation, error) {
	return many(tx, invitationColumns+"where email_norm = ?\norder by created, id", []any{norm}, scanInvitation)
}
