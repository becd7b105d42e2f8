package store

import "github.com/usherhq/usher/internal/api"

// Tags lists the tags of flow runs by name, with when a run first and last had them, without
// those that are hidden. It goes from tag to tag along the index, however many runs there are.
func (tx *Tx) Tags(search string) ([]api.Tag, error) {
	where := is("t.tag is not null")
	if search != "" {
		where = all(where, is(tx.sql.Contains("t.tag"), search))
	}
	seen := func(order string) string {
		return `(
			select r.created
			from flow_run_tag x
			join flow_run r on r.workspace_id = x.workspace_id and r.id = x.flow_run_id
			where x.workspace_id = ?
			and x.tag = t.tag
			order by x.flow_run_id ` + order + `
			limit 1)`
	}
	args := append([]any{tx.workspace, tx.workspace, tx.workspace, tx.workspace, tx.workspace}, where.args...)
	return many(tx, `
		with recursive t (tag) as (
			select (select min(tag) from flow_run_tag where workspace_id = ?)
			union all
			select (select min(n.tag) from flow_run_tag n where n.workspace_id = ? and n.tag > t.tag)
			from t
			where t.tag is not null
		), seen as (
			select t.tag, `+seen("asc")+` as first, `+seen("desc")+` as last, (select h.hidden from hidden_tag h where h.workspace_id = ? and h.tag = t.tag) as hidden
			from t
			where `+where.sql+`
		)
		select tag, first, last
		from seen
		where last is not null
		and last > coalesce(hidden, 0)
		order by tag`, args, func(row *Row) (t api.Tag, err error) {
		return t, row.Scan(&t.Name, &t.FirstSeen, &t.LastSeen)
	})
}

// HideTag takes a tag off the list until it is used again.
func (tx *Tx) HideTag(tag string, now api.Time) error {
	_, err := tx.Exec("insert into hidden_tag (workspace_id, tag, hidden)\nvalues (?, ?, ?)\non conflict (workspace_id, tag) do update\nset hidden = excluded.hidden",
		tx.workspace, tag, now)
	return err
}
