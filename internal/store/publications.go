package store

import (
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// Selection says which events are meant: of these names, about and related to resources
// with these labels.
type Selection struct {
	Events            []string
	Resource, Related jsontext.Value // lists of labels; nil for any
}

// Publication are events of a workspace that others of its account may subscribe to.
type Publication struct {
	Workspace, Account, ID uuid.UUID
	Created, Updated       api.Time
	Enabled                bool
	Selection
	Subscribers int
}

// Subscription is a publication that a workspace hears, or a part of it.
type Subscription struct {
	Workspace, Account, ID uuid.UUID
	Created, Updated       api.Time
	PublicationID          uuid.UUID
	Publisher              uuid.UUID // the workspace
	Enabled                bool
	Selection
	PublicationEnabled *bool // nil when it is gone
}

// All of this sees other workspaces, so it needs ReadAcross and WriteAcross. Workspaces hear
// each other while they are of one account.

const publicationColumns = `
select event_publication.workspace_id, workspace.account_id, event_publication.id, event_publication.created, event_publication.updated,
	event_publication.enabled, event_publication.events, event_publication.resource, event_publication.related,
	(select count(*) from event_subscription where event_subscription.publication_id = event_publication.id)
from event_publication
join workspace
	on workspace.id = event_publication.workspace_id
`

func scanPublication(row *Row) (p Publication, err error) {
	return p, row.Scan(&p.Workspace, &p.Account, &p.ID, &p.Created, &p.Updated, &p.Enabled, &p.Events, &p.Resource, &p.Related, &p.Subscribers)
}

// Publications lists up to limit publications of the workspace behind one.
func (tx *Tx) Publications(behind uuid.UUID, limit int) ([]Publication, error) {
	return many(tx, publicationColumns+"where event_publication.workspace_id = ?\nand event_publication.id > ?\norder by event_publication.id\nlimit ?", []any{tx.workspace, behind, limit}, scanPublication)
}

// Publication returns a publication of the workspace.
func (tx *Tx) Publication(id uuid.UUID) (*Publication, error) {
	return one(tx, publicationColumns+"where event_publication.workspace_id = ?\nand event_publication.id = ?", []any{tx.workspace, id}, scanPublication)
}

// PublicationsOfOthers lists the publications of the other workspaces of the account.
func (tx *Tx) PublicationsOfOthers() ([]Publication, error) {
	return many(tx, publicationColumns+`
		where workspace.account_id = (select account_id from workspace where id = ?)
		and event_publication.workspace_id <> ?
		order by event_publication.id`, []any{tx.workspace, tx.workspace}, scanPublication)
}

// InsertPublication adds a publication.
func (tx *Tx) InsertPublication(p *Publication) error {
	_, err := tx.Exec("insert into event_publication (workspace_id, id, created, updated, enabled, events, resource, related)\nvalues (?, ?, ?, ?, ?, ?, ?, ?)",
		tx.workspace, p.ID, p.Created, p.Updated, p.Enabled, p.Events, p.Resource, p.Related)
	return err
}

// UpdatePublication writes columns of a publication.
func (tx *Tx) UpdatePublication(id uuid.UUID, sets ...Set) error {
	return known(tx.setRow("event_publication", id, sets))
}

// DeletePublication removes a publication. Its subscriptions stay and hear nothing.
func (tx *Tx) DeletePublication(id uuid.UUID) error {
	return known(tx.deleteRow("event_publication", id))
}

const subscriptionColumns = `
select event_subscription.workspace_id, workspace.account_id, event_subscription.id, event_subscription.created, event_subscription.updated,
	event_subscription.publication_id, event_subscription.publishing_workspace_id, event_subscription.enabled, event_subscription.events,
	event_subscription.resource, event_subscription.related, event_publication.enabled
from event_subscription
join workspace
	on workspace.id = event_subscription.workspace_id
left join event_publication
	on event_publication.workspace_id = event_subscription.publishing_workspace_id
	and event_publication.id = event_subscription.publication_id
`

func scanSubscription(row *Row) (s Subscription, err error) {
	return s, row.Scan(&s.Workspace, &s.Account, &s.ID, &s.Created, &s.Updated, &s.PublicationID, &s.Publisher, &s.Enabled, &s.Events, &s.Resource, &s.Related, &s.PublicationEnabled)
}

// Subscriptions lists up to limit subscriptions of the workspace behind one.
func (tx *Tx) Subscriptions(behind uuid.UUID, limit int) ([]Subscription, error) {
	return many(tx, subscriptionColumns+"where event_subscription.workspace_id = ?\nand event_subscription.id > ?\norder by event_subscription.id\nlimit ?", []any{tx.workspace, behind, limit}, scanSubscription)
}

// Subscription returns a subscription of the workspace.
func (tx *Tx) Subscription(id uuid.UUID) (*Subscription, error) {
	return one(tx, subscriptionColumns+"where event_subscription.workspace_id = ?\nand event_subscription.id = ?", []any{tx.workspace, id}, scanSubscription)
}

// Subscribers lists up to limit subscriptions to a publication behind one.
func (tx *Tx) Subscribers(publication, behind uuid.UUID, limit int) ([]Subscription, error) {
	return many(tx, subscriptionColumns+"where event_subscription.publication_id = ?\nand event_subscription.id > ?\norder by event_subscription.id\nlimit ?", []any{publication, behind, limit}, scanSubscription)
}

// InsertSubscription adds a subscription.
func (tx *Tx) InsertSubscription(s *Subscription) error {
	_, err := tx.Exec(`
		insert into event_subscription (workspace_id, id, created, updated, publication_id, publishing_workspace_id, enabled, events, resource, related)
		values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		tx.workspace, s.ID, s.Created, s.Updated, s.PublicationID, s.Publisher, s.Enabled, s.Events, s.Resource, s.Related)
	return err
}

// UpdateSubscription writes columns of a subscription.
func (tx *Tx) UpdateSubscription(id uuid.UUID, sets ...Set) error {
	return known(tx.setRow("event_subscription", id, sets))
}

// DeleteSubscription removes a subscription.
func (tx *Tx) DeleteSubscription(id uuid.UUID) error {
	return known(tx.deleteRow("event_subscription", id))
}

// heard restricts subscriptions to those that hear something now.
const heard = `
join event_publication
	on event_publication.workspace_id = event_subscription.publishing_workspace_id
	and event_publication.id = event_subscription.publication_id
join workspace publisher
	on publisher.id = event_subscription.publishing_workspace_id
join workspace
	on workspace.id = event_subscription.workspace_id
	and workspace.account_id = publisher.account_id
where event_subscription.enabled
and event_publication.enabled
`

// Publishers lists the workspaces whose events somebody hears.
func (tx *Tx) Publishers() ([]uuid.UUID, error) {
	return many(tx, "select distinct event_subscription.publishing_workspace_id\nfrom event_subscription"+heard+"order by 1", nil, scanID)
}

// Hearing is a subscription with the publication that it is to.
type Hearing struct {
	Workspace   uuid.UUID // that hears
	Since       api.Time  // when it began to, or was changed last
	Publication Selection
	Part        Selection
}

// Hearings lists who hears events of the workspace.
func (tx *Tx) Hearings() ([]Hearing, error) {
	return many(tx, `
		select event_subscription.workspace_id, `+tx.sql.Greatest("event_subscription.updated", "event_publication.updated")+`, event_publication.events, event_publication.resource, event_publication.related,
			event_subscription.events, event_subscription.resource, event_subscription.related
		from event_subscription`+heard+"and event_subscription.publishing_workspace_id = ?\norder by event_subscription.id", []any{tx.workspace},
		func(row *Row) (h Hearing, err error) {
			p, s := &h.Publication, &h.Part
			return h, row.Scan(&h.Workspace, &h.Since, &p.Events, &p.Resource, &p.Related, &s.Events, &s.Resource, &s.Related)
		})
}
