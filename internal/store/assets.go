package store

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/asset"
)

// CatalogueAsset notes an event in the catalogue. Events may come in any order: what is
// known of an asset is what the newest of them said. An event is noted once.
func (tx *Tx) CatalogueAsset(e *asset.Event) error {
	rows, err := tx.Exec(`
		insert into asset_event (workspace_id, id, asset_key, occurred, kind, status, flow_run_id, task_run_id, name, url, description, owners, upstream, by_tools, metadata, originating_workspace_id)
		values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		on conflict do nothing`,
		tx.workspace, e.ID, e.Key, e.Occurred, e.Kind, e.Status, e.FlowRunID, e.TaskRunID, e.Properties.Name, e.Properties.URL, e.Properties.Description, e.Properties.Owners,
		e.Upstream, e.Tools, string(api.Object(e.Metadata)), e.OriginatingWorkspace)
	if err != nil || rows == 0 {
		return err
	}
	if err := tx.noteAsset(e); err != nil || e.Kind != asset.Materialization {
		return err
	}
	return tx.noteDependencies(e)
}

// noteAsset brings the row of the asset up to date.
func (tx *Tx) noteAsset(e *asset.Event) error {
	var described, materialized, referenced *api.Time
	var materialization, reference *uuid.UUID
	if e.Described {
		described = &e.Occurred
	}
	switch e.Kind {
	case asset.Materialization:
		materialization, materialized = &e.ID, &e.Occurred
	case asset.Reference:
		reference, referenced = &e.ID, &e.Occurred
	}
	newer := func(by, column string) string { // a time that is null is newer than none
		return column + " = case when excluded." + by + " >= coalesce(asset." + by + ", excluded." + by + ") then excluded." + column + " else asset." + column + " end"
	}
	_, err := tx.Exec(`
		insert into asset (workspace_id, key, created, last_seen, described, name, url, description, owners, materialization_id, materialized, reference_id, referenced)
		values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		on conflict (workspace_id, key) do update
		set `+newer("last_seen", "last_seen")+`,
			`+newer("described", "name")+`,
			`+newer("described", "url")+`,
			`+newer("described", "description")+`,
			`+newer("described", "owners")+`,
			`+newer("described", "described")+`,
			`+newer("materialized", "materialization_id")+`,
			`+newer("materialized", "materialized")+`,
			`+newer("referenced", "reference_id")+`,
			`+newer("referenced", "referenced"),
		tx.workspace, e.Key, e.Occurred, e.Occurred, described, e.Properties.Name, e.Properties.URL, e.Properties.Description, e.Properties.Owners, materialization, materialized, reference, referenced)
	return err
}

// noteDependencies makes the assets that the event names those that its asset was made of,
// unless a newer one has said so.
func (tx *Tx) noteDependencies(e *asset.Event) error {
	for _, upstream := range e.Upstream {
		if err := tx.noteAsset(&asset.Event{Key: upstream, Occurred: e.Occurred, Properties: api.AssetProperties{Owners: []string{}}}); err != nil {
			return err
		}
	}
	rows := make([][]any, len(e.Upstream))
	for i, upstream := range e.Upstream {
		rows[i] = []any{tx.workspace, e.Key, upstream, e.Occurred, e.Status}
	}
	err := tx.inBatches("asset_dependency", []string{"workspace_id", "downstream", "upstream", "occurred", "status"}, rows, `
		on conflict (workspace_id, downstream, upstream) do update
		set occurred = excluded.occurred, status = excluded.status
		where excluded.occurred >= asset_dependency.occurred`, func(sql string, args []any) error {
		_, err := tx.Exec(sql, args...)
		return err
	})
	if err != nil {
		return err
	}
	_, err = tx.Exec(`
		delete from asset_dependency
		where workspace_id = ?
		and downstream = ?
		and occurred < (
			select materialized
			from asset
			where workspace_id = ?
			and key = ?)`, tx.workspace, e.Key, tx.workspace, e.Key)
	return err
}

const assetColumns = `
select asset.key, asset.last_seen, asset.name, asset.url, asset.description, asset.owners,
	m.id, m.occurred, m.flow_run_id, m.task_run_id, m.originating_workspace_id, m.metadata, m.by_tools, m.status,
	r.id, r.occurred, r.flow_run_id, r.task_run_id, r.originating_workspace_id, r.metadata
from asset
left join asset_event m
	on m.workspace_id = asset.workspace_id
	and m.id = asset.materialization_id
left join asset_event r
	on r.workspace_id = asset.workspace_id
	and r.id = asset.reference_id
`

func scanAsset(row *Row) (a api.AssetCatalogItem, err error) {
	m, r := &a.LatestMaterialization, &a.LatestReference
	var tools jsontext.Value
	err = row.Scan(&a.Key, &a.LastSeen, &a.Properties.Name, &a.Properties.URL, &a.Properties.Description, &a.Properties.Owners,
		&m.EventID, &m.Occurred, &m.FlowRunID, &m.TaskRunID, &m.OriginatingWorkspaceID, &m.Metadata, &tools, &m.Status,
		&r.EventID, &r.Occurred, &r.FlowRunID, &r.TaskRunID, &r.OriginatingWorkspaceID, &r.Metadata)
	m.Metadata, r.Metadata, m.ByTools = api.Object(m.Metadata), api.Object(r.Metadata), []string{}
	if err == nil && len(tools) > 0 {
		err = json.Unmarshal(tools, &m.ByTools)
	}
	return a, err
}

// AssetQuery says which assets are meant: all of its parts must fit.
type AssetQuery struct {
	Keys     *[]string // one of these; nil for any
	Prefixes []string  // one of these begins the key
	Texts    []string  // one of these is in the key, whatever its case
	Behind   *string   // those behind this key
	Seen     bool      // only with an event in the time from Since until Until
	Since    *api.Time
	Until    *api.Time
}

func (tx *Tx) whereAssets(q *AssetQuery) condition {
	c := []condition{is("asset.workspace_id = ?", tx.workspace)}
	if q.Keys != nil {
		c = append(c, oneOf("asset.key", *q.Keys))
	}
	if len(q.Prefixes) > 0 {
		some := make([]condition, len(q.Prefixes))
		for i, p := range q.Prefixes {
			some[i] = all(is("asset.key >= ?", p), is("asset.key <= ?", p+lastRune))
		}
		c = append(c, either(some...))
	}
	if len(q.Texts) > 0 {
		some := make([]condition, len(q.Texts))
		for i, text := range q.Texts {
			some[i] = is(tx.sql.Contains("asset.key"), text)
		}
		c = append(c, either(some...))
	}
	if q.Behind != nil {
		c = append(c, is("asset.key > ?", *q.Behind))
	}
	if q.Seen {
		e := []condition{is("e.workspace_id = asset.workspace_id"), is("e.asset_key = asset.key")}
		if q.Since != nil {
			e = append(e, is("e.occurred >= ?", *q.Since))
		}
		if q.Until != nil {
			e = append(e, is("e.occurred <= ?", *q.Until))
		}
		c = append(c, exists("asset_event e", all(e...)))
	}
	return all(c...)
}

// lastRune is behind every character of a key.
const lastRune = "\U0010FFFF"

// Assets lists up to limit assets by their keys; a limit below zero is none.
func (tx *Tx) Assets(q *AssetQuery, limit int) ([]api.AssetCatalogItem, error) {
	where, page := tx.whereAssets(q), page(limit, 0)
	return many(tx, assetColumns+"where "+where.sql+"\norder by asset.key"+page.sql, append(where.args, page.args...), scanAsset)
}

// CountAssets counts what Assets lists without a limit.
func (tx *Tx) CountAssets(q *AssetQuery) (int, error) { return tx.count("asset", tx.whereAssets(q)) }

// Asset returns an asset by its key.
func (tx *Tx) Asset(key string) (*api.AssetCatalogItem, error) {
	where := tx.whereAssets(&AssetQuery{Keys: &[]string{key}})
	return one(tx, assetColumns+"where "+where.sql, where.args, scanAsset)
}

// DeleteAsset removes an asset from the catalogue with all that it says of it.
func (tx *Tx) DeleteAsset(key string) error {
	for _, of := range []struct{ table, column string }{{"asset_event", "asset_key"}, {"asset_dependency", "downstream"}, {"asset_dependency", "upstream"}} {
		if _, err := tx.deleteWhere(of.table, all(is("workspace_id = ?", tx.workspace), is(of.column+" = ?", key))); err != nil {
			return err
		}
	}
	return known(tx.deleteWhere("asset", all(is("workspace_id = ?", tx.workspace), is("key = ?", key))))
}

// AssetDependencies lists what assets were made of, of all assets or of those with some
// keys, whichever end they are.
func (tx *Tx) AssetDependencies(keys *[]string) ([]api.AssetDependency, error) {
	where := is("workspace_id = ?", tx.workspace)
	if keys != nil {
		where = all(where, either(oneOf("downstream", *keys), oneOf("upstream", *keys)))
	}
	return many(tx, "select upstream, downstream, occurred, status\nfrom asset_dependency\nwhere "+where.sql+"\norder by downstream, upstream", where.args,
		func(row *Row) (d api.AssetDependency, err error) {
			return d, row.Scan(&d.Upstream, &d.Downstream, &d.Occurred, &d.Status)
		})
}

// AssetEventQuery says which events about assets are meant.
type AssetEventQuery struct {
	Kind         asset.Kind
	Key          *string
	ID           *uuid.UUID
	FlowRuns     []uuid.UUID // one of these or of TaskRuns, unless both are empty
	TaskRuns     []uuid.UUID
	Since, Until *api.Time
	OldestFirst  bool
	Limit        int
}

const assetEventColumns = `
select asset_event.id, asset_event.asset_key, asset_event.occurred, asset_event.kind, asset_event.status, asset_event.flow_run_id, asset_event.task_run_id,
	asset_event.name, asset_event.url, asset_event.description, asset_event.owners, asset_event.upstream, asset_event.by_tools, asset_event.metadata, asset_event.originating_workspace_id
`

func scanAssetEvent(row *Row) (e asset.Event, err error) {
	return e, row.Scan(&e.ID, &e.Key, &e.Occurred, &e.Kind, &e.Status, &e.FlowRunID, &e.TaskRunID, &e.Properties.Name, &e.Properties.URL, &e.Properties.Description,
		&e.Properties.Owners, &e.Upstream, &e.Tools, &e.Metadata, &e.OriginatingWorkspace)
}

// AssetEvents lists events about assets by their times.
func (tx *Tx) AssetEvents(q *AssetEventQuery) ([]asset.Event, error) {
	sql, args := tx.assetEventsSQL(q)
	return many(tx, sql, args, scanAssetEvent)
}

func (tx *Tx) assetEventsSQL(q *AssetEventQuery) (sql string, args []any) {
	where := all(is("workspace_id = ?", tx.workspace), is("kind = ?", q.Kind))
	if q.Key != nil {
		where = all(where, is("asset_key = ?", *q.Key))
	}
	if q.ID != nil {
		where = all(where, is("id = ?", *q.ID))
	}
	var runs []condition
	if len(q.FlowRuns) > 0 {
		runs = append(runs, oneOf("flow_run_id", q.FlowRuns))
	}
	if len(q.TaskRuns) > 0 {
		runs = append(runs, oneOf("task_run_id", q.TaskRuns))
	}
	if len(runs) > 0 {
		where = all(where, either(runs...))
	}
	if q.Since != nil {
		where = all(where, is("occurred >= ?", *q.Since))
	}
	if q.Until != nil {
		where = all(where, is("occurred <= ?", *q.Until))
	}
	order := down("occurred", "id")
	if q.OldestFirst {
		order = up("occurred", "id")
	}
	page := page(q.Limit, 0)
	return assetEventColumns + "from asset_event\nwhere " + where.sql + "\norder by " + order + page.sql, append(where.args, page.args...)
}

// LatestMaterializations lists how each of some assets was made last until a time.
func (tx *Tx) LatestMaterializations(keys []string, until api.Time) ([]asset.Event, error) {
	where := all(is("asset.workspace_id = ?", tx.workspace), oneOf("asset.key", keys))
	return many(tx, assetEventColumns+`
		from asset
		join asset_event
			on asset_event.workspace_id = asset.workspace_id
			and asset_event.id = (
				select e.id
				from asset_event e
				where e.workspace_id = asset.workspace_id
				and e.asset_key = asset.key
				and e.kind = ?
				and e.occurred <= ?
				order by e.occurred desc, e.id desc
				limit 1)
		where `+where.sql+"\norder by asset.key", append([]any{asset.Materialization, until}, where.args...), scanAssetEvent)
}

// DeleteAssetEvents removes up to limit events about assets that occurred before a time, but
// not the latest of each asset, and says how many.
func (tx *Tx) DeleteAssetEvents(before api.Time, limit int) (int64, error) {
	ids, err := many(tx, `
		select e.id
		from asset_event e
		where e.workspace_id = ?
		and e.occurred < ?
		and not exists (
			select 1
			from asset
			where asset.workspace_id = e.workspace_id
			and asset.key = e.asset_key
			and (asset.materialization_id = e.id or asset.reference_id = e.id))
		order by e.occurred
		limit ?`, []any{tx.workspace, before, limit}, scanID)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	return tx.deleteOf("asset_event", "id", ids)
}

// RunsBelow lists the flow runs that were started below some, up to depth levels deep, and
// these; a depth below zero is none.
func (tx *Tx) RunsBelow(runs []uuid.UUID, depth int) ([]uuid.UUID, error) {
	all, level := runs, runs
	for ; depth != 0 && len(level) > 0; depth-- {
		below, err := tx.subflowsOf(oneOf("t.flow_run_id", level))
		if err != nil {
			return nil, err
		}
		all, level = append(all[:len(all):len(all)], below...), below
	}
	return all, nil
}

// RunsOfTask lists the flow runs that a task run stands for.
func (tx *Tx) RunsOfTask(task uuid.UUID) ([]uuid.UUID, error) {
	return tx.subflowsOf(is("t.id = ?", task))
}

func (tx *Tx) subflowsOf(tasks condition) ([]uuid.UUID, error) {
	return many(tx, `
		select r.id
		from task_run t
		join flow_run r
			on r.workspace_id = t.workspace_id
			and r.parent_task_run_id = t.id
		where t.workspace_id = ?
		and `+tasks.sql, append([]any{tx.workspace}, tasks.args...), scanID)
}
