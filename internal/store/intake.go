package store

import (
	"slices"

	"github.com/usherhq/usher/internal/store/dialect"
)

// Intake is how far a table of another server's database has been taken over.
type Intake struct {
	Table    string
	Source   string // which database
	LastKey  string // of the last row, in that database's order
	Copied   int64
	Complete bool
}

// Intakes returns what has been taken over, by table.
func (tx *Tx) Intakes() (map[string]Intake, error) {
	list, err := many(tx, `
		select table_name, source, last_key, copied, complete
		from intake
		where workspace_id = ?`, []any{tx.workspace}, func(row *Row) (in Intake, err error) {
		return in, row.Scan(&in.Table, &in.Source, &in.LastKey, &in.Copied, &in.Complete)
	})
	out := make(map[string]Intake, len(list))
	for _, in := range list {
		out[in.Table] = in
	}
	return out, err
}

// SetIntake notes how far a table has been taken over.
func (tx *Tx) SetIntake(in Intake) error {
	_, err := tx.Exec(`
		insert into intake (workspace_id, table_name, source, last_key, copied, complete)
		values (?, ?, ?, ?, ?, ?)
		on conflict (workspace_id, table_name) do update
		set last_key = excluded.last_key,
			copied = excluded.copied,
			complete = excluded.complete`,
		tx.workspace, in.Table, in.Source, in.LastKey, in.Copied, in.Complete)
	return err
}

// InsertTaken adds rows taken over from another server. The names are those of our schema.
func (tx *Tx) InsertTaken(table string, columns []string, rows [][]any) error {
	owned := make([][]any, len(rows))
	for i, row := range rows {
		owned[i] = append([]any{tx.workspace}, row...)
	}
	quoted := []string{"workspace_id"}
	for _, c := range columns {
		quoted = append(quoted, `"`+c+`"`)
	}
	if _, err := tx.Insert(table, quoted, owned, ""); err != nil || table != "flow_run" {
		return err
	}
	ids := make([]any, len(rows))
	for i, row := range rows {
		ids[i] = row[slices.Index(columns, "id")]
	}
	for some := range slices.Chunk(ids, 256) {
		if err := tx.bookTaken(some); err != nil {
			return err
		}
	}
	return nil
}

// bookTaken is bookRuns for runs that are in the database.
func (tx *Tx) bookTaken(ids []any) error {
	if tx.sql.KeepsBooks() {
		return nil
	}
	among := "r.workspace_id = ?\nand " + dialect.In("r.id", len(ids))
	args := dialect.Pad([]any{tx.workspace}, ids)
	_, err := tx.Exec(`
		insert into flow_run_tally (workspace_id, state_type, state_name, stripe, runs)
		select r.workspace_id, coalesce(r.state_type, ''), coalesce(r.state_name, ''), 0, count(*)
		from flow_run r
		where `+among+`
		group by 1, 2, 3
		on conflict (workspace_id, state_type, state_name, stripe) do update
		set runs = runs + excluded.runs`, args...)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`
		insert into flow_run_tag (workspace_id, tag, flow_run_id)
		select distinct r.workspace_id, t.value, r.id
		from flow_run r, json_each(r.tags) t
		where `+among, args...)
	return err
}

// IsEmpty says whether the workspace has no row in a table.
func (tx *Tx) IsEmpty(table string) (empty bool, err error) {
	err = tx.QueryRow("select not exists (select 1 from "+table+" where workspace_id = ?)", []any{tx.workspace}, &empty)
	return empty, err
}

// DeleteBlockTypes removes all block types with what belongs to them.
func (tx *Tx) DeleteBlockTypes() error {
	_, err := tx.Exec("delete from block_type\nwhere workspace_id = ?", tx.workspace)
	return err
}

// ForgetCursors makes everybody who follows the events begin anew behind the last one.
func (tx *Tx) ForgetCursors() error {
	_, err := tx.Exec("delete from event_cursor\nwhere workspace_id = ?", tx.workspace)
	return err
}
