package store

import (
	"strings"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// MadeBy is something in a workspace that names who has made it.
type MadeBy struct {
	Kind string // its table
	ID   uuid.UUID
	Name string
}

// madeTables are the tables whose rows name who has made them and who changed them last, with
// the columns that do.
var madeTables = []struct {
	name    string
	columns []string
}{
	{"flow_run", []string{"created_by"}},
	{"deployment", []string{"created_by", "updated_by"}},
	{"flow", []string{"created_by", "updated_by"}},
	{"work_pool", []string{"created_by", "updated_by"}},
	{"work_queue", []string{"created_by", "updated_by"}},
}

// MadeByActor lists the runs, deployments, flows, work pools and work queues of the workspace
// that an actor has made or changed. It looks at all of them.
func (tx *Tx) MadeByActor(actor uuid.UUID) ([]MadeBy, error) {
	var parts []string
	var args []any
	for _, t := range madeTables {
		var by []condition
		for _, column := range t.columns {
			by = append(by, is("("+tx.sql.JSONText(column, "id")+") = ?", actor.String()))
		}
		where := all(is("workspace_id = ?", tx.workspace), either(by...))
		parts = append(parts, "select '"+t.name+"', id, name\nfrom "+t.name+"\nwhere "+where.sql)
		args = append(args, where.args...)
	}
	return many(tx, strings.Join(parts, "\nunion all\n")+"\norder by 1, 2", args,
		func(row *Row) (m MadeBy, err error) { return m, row.Scan(&m.Kind, &m.ID, &m.Name) })
}

// ForgetMaker puts another name on what an actor has made in the workspace.
func (tx *Tx) ForgetMaker(actor uuid.UUID, kind, label string) error {
	nobody, err := optionalJSON(&api.CreatedBy{ID: &actor, Type: &kind, DisplayValue: &label})
	if err != nil {
		return err
	}
	for _, t := range madeTables {
		for _, column := range t.columns {
			_, err := tx.Exec("update "+t.name+"\nset "+column+" = ?\nwhere workspace_id = ?\nand ("+tx.sql.JSONText(column, "id")+") = ?", nobody, tx.workspace, actor.String())
			if err != nil {
				return err
			}
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
