package store

import (
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// AccessReview is a look at who has access to an account.
type AccessReview struct {
	AccountID, ID    uuid.UUID
	Created, Updated api.Time
	CreatedBy        uuid.UUID
	Due              api.Time
	Completed        *api.Time
	CompletedBy      *uuid.UUID
	Items            string // JSON, []api.AccessReviewItem
}

const accessReviewColumns = "account_id, id, created, updated, created_by, due, completed, completed_by, items"

func scanAccessReview(row *Row) (r AccessReview, err error) {
	return r, row.Scan(&r.AccountID, &r.ID, &r.Created, &r.Updated, &r.CreatedBy, &r.Due, &r.Completed, &r.CompletedBy, &r.Items)
}

// AccessReviews lists the reviews of an account, the newest first.
func (tx *Tx) AccessReviews(account uuid.UUID, limit int) ([]AccessReview, error) {
	return many(tx, "select "+accessReviewColumns+"\nfrom access_review\nwhere account_id = ?\norder by created desc, id desc\nlimit ?", []any{account, limit}, scanAccessReview)
}

// AccessReview returns a review of an account.
func (tx *Tx) AccessReview(account, id uuid.UUID) (*AccessReview, error) {
	return one(tx, "select "+accessReviewColumns+"\nfrom access_review\nwhere account_id = ?\nand id = ?", []any{account, id}, scanAccessReview)
}

// AddAccessReview keeps a review.
func (tx *Tx) AddAccessReview(r *AccessReview) error {
	_, err := tx.Exec("insert into access_review ("+accessReviewColumns+")\nvalues (?, ?, ?, ?, ?, ?, ?, ?, ?)",
		r.AccountID, r.ID, r.Created, r.Updated, r.CreatedBy, r.Due, r.Completed, r.CompletedBy, r.Items)
	return err
}

// CompleteAccessReview keeps what was decided, and says whether nobody had decided before.
func (tx *Tx) CompleteAccessReview(r *AccessReview) (bool, error) {
	n, err := tx.Exec("update access_review\nset completed = ?, completed_by = ?, items = ?, updated = ?\nwhere account_id = ?\nand id = ?\nand completed is null",
		r.Completed, r.CompletedBy, r.Items, r.Updated, r.AccountID, r.ID)
	return n == 1, err
}

// AccessReviewsOf lists the reviews, of all accounts, that have something of an actor.
func (tx *Tx) AccessReviewsOf(actor uuid.UUID) ([]AccessReview, error) {
	return many(tx, "select "+accessReviewColumns+"\nfrom access_review\nwhere items like ?\norder by id", []any{"%" + actor.String() + "%"}, scanAccessReview)
}

// SetAccessReviewItems puts others in the place of the items of a review.
func (tx *Tx) SetAccessReviewItems(r *AccessReview) error {
	_, err := tx.Exec("update access_review\nset items = ?\nwhere account_id = ?\nand id = ?", r.Items, r.AccountID, r.ID)
	return err
}

// AccessesOfAccount lists who has access to the workspaces of an account.
func (tx *Tx) AccessesOfAccount(account uuid.UUID) ([]Access, error) {
	return many(tx, accessColumns+`
		join workspace on workspace.id = workspace_access.workspace_id
		where workspace.account_id = ?
		order by workspace_access.workspace_id, workspace_access.created, workspace_access.id`, []any{account}, scanAccess)
}

// DeleteAccessIn takes access to a workspace away.
func (tx *Tx) DeleteAccessIn(workspace, id uuid.UUID) error {
	return known(tx.deleteWhere("workspace_access", all(is("workspace_id = ?", workspace), is("id = ?", id))))
}

// KeysOfAccount lists the keys of an account's members that were not revoked.
func (tx *Tx) KeysOfAccount(account uuid.UUID) ([]APIKey, error) {
	return many(tx, `
		select k.id, k.created, k.updated, k.actor_id, k.name, k.prefix, k.suffix, k.created_by, k.expiration, k.replaces_id, k.revoked_at, k.last_used_at, k.last_ip
		from account_membership m
		join api_key k on k.actor_id = m.actor_id
		where m.account_id = ?
		and k.revoked_at is null
		order by k.actor_id, k.created, k.id`, []any{account}, scanAPIKey)
}

// ReviewsToRemind takes the open reviews, of all accounts, that are due before a time and that
// nobody was reminded of since another; now is noted, so that no other server takes them.
func (tx *Tx) ReviewsToRemind(due, since, now api.Time) ([]AccessReview, error) {
	return many(tx, `
		update access_review
		set reminded = ?
		where completed is null
		and due <= ?
		and (reminded is null or reminded <= ?)
		returning `+accessReviewColumns, []any{now, due, since}, scanAccessReview)
}
