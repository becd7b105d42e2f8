package store

import (
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// AllowedNetwork is an entry of an account's list of addresses that are let in.
type AllowedNetwork struct {
	Network     string
	Enabled     bool
	Description *string
	LastSeen    *api.Time
}

// AllowedNetworks lists the addresses that an account lets in, in its order.
func (tx *Tx) AllowedNetworks(account uuid.UUID) ([]AllowedNetwork, error) {
	return many(tx, "select ip_network, enabled, description, last_seen\nfrom ip_allow\nwhere account_id = ?\norder by position", []any{account},
		func(row *Row) (n AllowedNetwork, err error) {
			return n, row.Scan(&n.Network, &n.Enabled, &n.Description, &n.LastSeen)
		})
}

// SetAllowedNetworks replaces an account's list.
func (tx *Tx) SetAllowedNetworks(account uuid.UUID, list []AllowedNetwork) error {
	if _, err := tx.Exec("delete from ip_allow\nwhere account_id = ?", account); err != nil {
		return err
	}
	rows := make([][]any, len(list))
	for i, n := range list {
		rows[i] = []any{account, i, n.Network, n.Enabled, n.Description, n.LastSeen}
	}
	_, err := tx.Insert("ip_allow", []string{"account_id", "position", "ip_network", "enabled", "description", "last_seen"}, rows, "")
	return err
}

// SawNetwork notes that somebody came from a network of the list.
func (tx *Tx) SawNetwork(account uuid.UUID, network string, now api.Time) error {
	_, err := tx.Exec("update ip_allow\nset last_seen = ?\nwhere account_id = ?\nand ip_network = ?", now, account, network)
	return err
}

// AuditBetween lists the entries of an account's log in a span of time, the newest first.
// None is left out for being too many: who calls must bound the span.
func (tx *Tx) AuditBetween(account uuid.UUID, since, until api.Time, each func(entry string) error) error {
	return tx.Query("select entry\nfrom audit_entry\nwhere account_id = ?\nand occurred >= ?\nand occurred <= ?\norder by occurred desc, seq desc", []any{account, since, until},
		func(row *Row) error {
			var text string
			if err := row.Scan(&text); err != nil {
				return err
			}
			return each(text)
		})
}

// Allocation is the share of a workspace in what its account may ask for.
type Allocation struct {
	AccountID, WorkspaceID, ID uuid.UUID
	Created, Updated           api.Time
	Percentage                 float64
}

// Allocations lists the shares of an account's workspaces.
func (tx *Tx) Allocations(account uuid.UUID) ([]Allocation, error) {
	return many(tx, "select account_id, workspace_id, id, created, updated, percentage\nfrom rate_allocation\nwhere account_id = ?\norder by created, id", []any{account},
		func(row *Row) (a Allocation, err error) {
			return a, row.Scan(&a.AccountID, &a.WorkspaceID, &a.ID, &a.Created, &a.Updated, &a.Percentage)
		})
}

// SetAllocations replaces the shares of an account's workspaces.
func (tx *Tx) SetAllocations(account uuid.UUID, list []Allocation) error {
	if _, err := tx.Exec("delete from rate_allocation\nwhere account_id = ?", account); err != nil {
		return err
	}
	rows := make([][]any, len(list))
	for i, a := range list {
		rows[i] = []any{account, a.WorkspaceID, a.ID, a.Created, a.Updated, a.Percentage}
	}
	_, err := tx.Insert("rate_allocation", []string{"account_id", "workspace_id", "id", "created", "updated", "percentage"}, rows, "")
	return err
}

// Usage is what somebody has asked for in a minute.
type Usage struct {
	AccountID          uuid.UUID
	Minute             api.Time
	Bucket             string
	WorkspaceID        uuid.UUID // of zeros: of the account
	ActorID            uuid.UUID
	ActorName, KeyName string
	Requested, Granted int
}

// AddUsage adds to what is counted.
func (tx *Tx) AddUsage(list []Usage) error {
	rows := make([][]any, len(list))
	for i, u := range list {
		rows[i] = []any{u.AccountID, u.Minute, u.Bucket, u.WorkspaceID, u.ActorID, u.ActorName, u.KeyName, u.Requested, u.Granted}
	}
	_, err := tx.Insert("rate_usage", []string{"account_id", "minute", "bucket", "workspace_id", "actor_id", "actor_name", "key_name", "requested", "granted"}, rows,
		"on conflict (account_id, bucket, minute, workspace_id, actor_id, key_name) do update\nset requested = rate_usage.requested + excluded.requested, granted = rate_usage.granted + excluded.granted")
	return err
}

// UsageBetween lists what an account has asked for in a span of time; "" is every bucket.
func (tx *Tx) UsageBetween(account uuid.UUID, bucket string, since, until api.Time) ([]Usage, error) {
	where := all(is("account_id = ?", account), is("minute >= ?", since), is("minute <= ?", until))
	if bucket != "" {
		where = all(where, is("bucket = ?", bucket))
	}
	return many(tx, "select account_id, minute, bucket, workspace_id, actor_id, actor_name, key_name, requested, granted\nfrom rate_usage\nwhere "+where.sql+"\norder by minute", where.args,
		func(row *Row) (u Usage, err error) {
			return u, row.Scan(&u.AccountID, &u.Minute, &u.Bucket, &u.WorkspaceID, &u.ActorID, &u.ActorName, &u.KeyName, &u.Requested, &u.Granted)
		})
}

// UsageInMinute adds up what was granted to accounts in a minute, by bucket and workspace.
func (tx *Tx) UsageInMinute(minute api.Time) ([]Usage, error) {
	return many(tx, "select account_id, bucket, workspace_id, sum(granted)\nfrom rate_usage\nwhere minute = ?\ngroup by account_id, bucket, workspace_id", []any{minute},
		func(row *Row) (u Usage, err error) {
			return u, row.Scan(&u.AccountID, &u.Bucket, &u.WorkspaceID, &u.Granted)
		})
}

// ForgetUsage deletes what was counted before a time.
func (tx *Tx) ForgetUsage(before api.Time) error {
	_, err := tx.Exec("delete from rate_usage\nwhere minute < ?", before)
	return err
}

// Webhook turns requests from elsewhere into events of a workspace.
type Webhook struct {
	WorkspaceID, ID   uuid.UUID
	Created, Updated  api.Time
	Name, Description string
	Enabled           bool
	Bot               *uuid.UUID // who must show a key; nil lets everybody in who knows the slug
	Template, Slug    string
}

const webhookColumns = `
select workspace_id, id, created, updated, name, description, enabled, service_account_id, template, slug
from webhook
`

func scanWebhook(row *Row) (w Webhook, err error) {
	return w, row.Scan(&w.WorkspaceID, &w.ID, &w.Created, &w.Updated, &w.Name, &w.Description, &w.Enabled, &w.Bot, &w.Template, &w.Slug)
}

// Webhooks lists the webhooks of the workspace by name.
func (tx *Tx) Webhooks() ([]Webhook, error) {
	return many(tx, webhookColumns+"where workspace_id = ?\norder by name, id", []any{tx.workspace}, scanWebhook)
}

// Webhook returns a webhook.
func (tx *Tx) Webhook(id uuid.UUID) (*Webhook, error) {
	return one(tx, webhookColumns+"where workspace_id = ?\nand id = ?", []any{tx.workspace, id}, scanWebhook)
}

// WebhookBySlug finds the webhook with a slug in any workspace.
func (tx *Tx) WebhookBySlug(slug string) (*Webhook, error) {
	return one(tx, webhookColumns+"where slug = ?", []any{slug}, scanWebhook)
}

// InsertWebhook adds a webhook.
func (tx *Tx) InsertWebhook(w *Webhook) error {
	_, err := tx.Exec(`
		insert into webhook (workspace_id, id, created, updated, name, description, enabled, service_account_id, template, slug)
		values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, tx.workspace, w.ID, w.Created, w.Updated, w.Name, w.Description, w.Enabled, w.Bot, w.Template, w.Slug)
	return err
}

// UpdateWebhook writes columns of a webhook.
func (tx *Tx) UpdateWebhook(id uuid.UUID, sets ...Set) error {
	return known(tx.setRow("webhook", id, sets))
}

// DeleteWebhook removes a webhook.
func (tx *Tx) DeleteWebhook(id uuid.UUID) error { return known(tx.deleteRow("webhook", id)) }

// DeleteWebhooksOf removes the webhooks that a service account guards, in all workspaces.
func (tx *Tx) DeleteWebhooksOf(bot uuid.UUID) error {
	_, err := tx.Exec("delete from webhook\nwhere service_account_id = ?", bot)
	return err
}

// The kinds of objects that may have their own lists of who may use them, and the levels.
const (
	ObjectBlock      = "block_document"
	ObjectDeployment = "deployment"
	ObjectWorkPool   = "work_pool"

	LevelView   = "view"
	LevelRun    = "run"
	LevelManage = "manage"
)

// ObjectAccess lets somebody use an object; the subject of zeros is everybody.
type ObjectAccess struct {
	WorkspaceID uuid.UUID
	Kind        string
	Object      uuid.UUID
	Level       string
	Subject     uuid.UUID
	IsTeam      bool
}

const objectAccessColumns = `
select object_access.workspace_id, object_access.kind, object_access.object_id, object_access.level, object_access.subject_id, object_access.is_team
from object_access
`

func scanObjectAccess(row *Row) (a ObjectAccess, err error) {
	return a, row.Scan(&a.WorkspaceID, &a.Kind, &a.Object, &a.Level, &a.Subject, &a.IsTeam)
}

// ObjectAccesses lists who may use an object of the workspace.
func (tx *Tx) ObjectAccesses(kind string, object uuid.UUID) ([]ObjectAccess, error) {
	return many(tx, objectAccessColumns+"where workspace_id = ?\nand kind = ?\nand object_id = ?\norder by level, subject_id", []any{tx.workspace, kind, object}, scanObjectAccess)
}

// ObjectAccessesOf lists who may use single objects in the workspaces of an account.
func (tx *Tx) ObjectAccessesOf(account uuid.UUID) ([]ObjectAccess, error) {
	return many(tx, objectAccessColumns+"join workspace on workspace.id = object_access.workspace_id\nwhere workspace.account_id = ?", []any{account}, scanObjectAccess)
}

// SetObjectAccesses replaces who may use an object.
func (tx *Tx) SetObjectAccesses(kind string, object uuid.UUID, list []ObjectAccess) error {
	if _, err := tx.Exec("delete from object_access\nwhere workspace_id = ?\nand kind = ?\nand object_id = ?", tx.workspace, kind, object); err != nil {
		return err
	}
	rows := make([][]any, len(list))
	for i, a := range list {
		rows[i] = []any{tx.workspace, kind, object, a.Level, a.Subject, a.IsTeam}
	}
	_, err := tx.Insert("object_access", []string{"workspace_id", "kind", "object_id", "level", "subject_id", "is_team"}, rows, "on conflict do nothing")
	return err
}

// TeamsOf lists the teams of an actor.
func (tx *Tx) TeamsOf(actor uuid.UUID) ([]uuid.UUID, error) {
	return many(tx, "select team_id\nfrom team_membership\nwhere actor_id = ?", []any{actor}, scanID)
}

// ObjectNamed finds the id of an object that paths name.
func (tx *Tx) ObjectNamed(kind, name string) (id uuid.UUID, err error) {
	err = tx.QueryRow("select id\nfrom "+kind+"\nwhere workspace_id = ?\nand name = ?", []any{tx.workspace, name}, &id)
	return id, err
}

// HasObject says whether the workspace has an object of a kind.
func (tx *Tx) HasObject(kind string, id uuid.UUID) (bool, error) { return tx.has(kind, id) }

// MoveWorkspace gives the workspace to another account, without who had access to it.
func (tx *Tx) MoveWorkspace(account uuid.UUID, handle string, now api.Time) error {
	for _, table := range []string{"workspace_access", "access_request", "object_access"} {
		if _, err := tx.Exec("delete from "+table+"\nwhere workspace_id = ?", tx.workspace); err != nil {
			return err
		}
	}
	for _, sql := range []string{"delete from rate_allocation\nwhere workspace_id = ?", "update webhook\nset service_account_id = null, enabled = false\nwhere workspace_id = ?\nand service_account_id is not null"} {
		if _, err := tx.Exec(sql, tx.workspace); err != nil {
			return err
		}
	}
	return tx.UpdateWorkspace(tx.workspace, Set{"account_id", account}, Set{"handle", handle}, Set{"default_workspace_role_id", nil}, Set{"updated", now})
}

// SetAutomationOwner notes whose rights the actions of an automation use.
func (tx *Tx) SetAutomationOwner(id, owner uuid.UUID) error {
	_, err := tx.Exec("update automation\nset owner_id = ?\nwhere workspace_id = ?\nand id = ?", owner, tx.workspace, id)
	return err
}

// AddressesOfAutomation are where whoever an automation belongs to can be written to: its
// owner or, if that is no member any more or no person, the members of the account with a role.
func (tx *Tx) AddressesOfAutomation(id, otherwise uuid.UUID) (addresses []string, err error) {
	const members = `
		select auth_user.email
		from automation
		join workspace
			on workspace.id = automation.workspace_id
		join account_membership
			on account_membership.account_id = workspace.account_id
			and account_membership.active
		join auth_user
			on auth_user.id = account_membership.actor_id
		where automation.workspace_id = ?
		and automation.id = ?
		`
	for _, which := range []condition{is("and account_membership.actor_id = automation.owner_id"), is("and account_membership.account_role_id = ?\norder by auth_user.email", otherwise)} {
		addresses, err = many(tx, members+which.sql, append([]any{tx.workspace, id}, which.args...), func(row *Row) (s string, err error) { return s, row.Scan(&s) })
		if err != nil || len(addresses) > 0 {
			break
		}
	}
	return addresses, err
}

// AutomationOwner is whose rights the actions of an automation use; nil is nobody's in
// particular.
func (tx *Tx) AutomationOwner(id uuid.UUID) (owner *uuid.UUID, err error) {
	err = tx.QueryRow("select owner_id\nfrom automation\nwhere workspace_id = ?\nand id = ?", []any{tx.workspace, id}, &owner)
	return owner, err
}
