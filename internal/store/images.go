package store

import (
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// Image is a picture with its media type.
type Image struct {
	Kind    string
	Content []byte
}

// The owners that have images.
const (
	AccountImage = "account"
	UserImage    = "user"
)

// ImageOf returns the image of an owner.
func (tx *Tx) ImageOf(owner string, id uuid.UUID) (*Image, error) {
	return one(tx, "select kind, content\nfrom "+owner+"_image\nwhere "+owner+"_id = ?", []any{id}, func(row *Row) (i Image, err error) {
		return i, row.Scan(&i.Kind, &i.Content)
	})
}

// SetImage gives an owner an image.
func (tx *Tx) SetImage(owner string, id uuid.UUID, i *Image, now api.Time) error {
	_, err := tx.Exec("insert into "+owner+"_image ("+owner+"_id, updated, kind, content)\nvalues (?, ?, ?, ?)\non conflict ("+owner+"_id) do update\nset updated = excluded.updated, kind = excluded.kind, content = excluded.content",
		id, now, i.Kind, i.Content)
	return err
}

// DeleteImage takes the image of an owner away, if there is one.
func (tx *Tx) DeleteImage(owner string, id uuid.UUID) error {
	_, err := tx.Exec("delete from "+owner+"_image\nwhere "+owner+"_id = ?", id)
	return err
}

// SpaceUsage says how much of what is counted a workspace has.
type SpaceUsage struct{ Automations, Deployments, WorkPools, ManagedPools int }

// SpaceUsage counts that of the workspace.
func (tx *Tx) SpaceUsage() (u SpaceUsage, err error) {
	w := tx.workspace
	return u, tx.QueryRow(`
		select (select count(*) from automation where workspace_id = ?), (select count(*) from deployment where workspace_id = ?),
			(select count(*) from work_pool where workspace_id = ?), (select count(*) from work_pool where workspace_id = ? and type like '%:managed')`,
		[]any{w, w, w, w}, &u.Automations, &u.Deployments, &u.WorkPools, &u.ManagedPools)
}
