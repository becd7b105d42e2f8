// Package intake takes over the database of a reference server (Prefect 3.8 on SQLite or
// PostgreSQL): every object with its id, its times and its history. The source is only
// read, on one snapshot, page by page, so memory is bounded. Each page is written together
// with a note of how far it goes: an intake that was interrupted goes on there.
package intake

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/crypt"
	"github.com/usherhq/usher/internal/server/core"
)

// Options say what an intake needs besides the two databases.
type Options struct {
	// Key opens the source's block documents, if its server was given one; otherwise it
	// is in the source.
	Key string
	// Progress is called after every page.
	Progress func(table string, done, total int64)
}

// Line of the report is one table: how many rows the source has, and how many came over.
type Line struct {
	Table  string `json:"table"`
	Source int64  `json:"source"`
	Copied int64  `json:"copied"`
	Note   string `json:"note"`
}

// Run takes everything over from a source and reports it table by table. It may be run
// again after it failed.
func Run(ctx context.Context, to *core.Core, who core.Caller, from *Source, o Options) (report []Line, err error) {
	done, err := to.BeginIntake(ctx, who, from.viewer.Describe())
	if err != nil {
		return nil, err
	}
	err = from.read(ctx, func(s snapshot) error {
		r := run{to: to, who: who, from: s, options: o, done: done}
		report, err = r.all(ctx)
		return err
	})
	return report, err
}

// run is one call of Run.
type run struct {
	to      *core.Core
	who     core.Caller
	from    snapshot
	options Options
	done    map[string]core.Intake
	total   int64
	copied  int64
}

func (r *run) all(ctx context.Context) ([]Line, error) {
	var report []Line
	for _, t := range tables() {
		n, err := r.from.count(t)
		if err != nil {
			return nil, err
		}
		report = append(report, Line{Table: t.name, Source: n})
		r.total += n
	}
	key, err := r.key()
	if err != nil {
		return nil, err
	}
	for i, t := range tables() {
		if report[i].Copied, err = r.table(ctx, t, key); err != nil {
			return report, fmt.Errorf("import %s: %w", t.name, err)
		}
		if report[i].Copied != report[i].Source {
			return report, api.Errorf(api.CodeConflict, "The source has %d rows in %s, and %d were taken over: it changed between two runs of the import. Stop the server that writes to it and import into an empty database.",
				report[i].Source, t.source(), report[i].Copied)
		}
	}
	rest, err := r.leftBehind()
	if err != nil {
		return report, err
	}
	var storage struct {
		ID *uuid.UUID `json:"default_result_storage_block_id"`
	}
	if err := r.from.configuration("server-default-result-storage", &storage); err != nil {
		return report, err
	}
	return append(report, rest...), r.to.EndIntake(ctx, r.who, storage.ID)
}

// table takes over what is missing of one table and says how many rows it has now.
func (r *run) table(ctx context.Context, t table, key string) (int64, error) {
	progress, begun := r.done[t.name]
	if !begun {
		progress = core.Intake{Table: t.name, Source: r.from.viewer.Describe()}
	}
	r.copied += progress.Copied
	columns := names(t.split())
	for !progress.Complete {
		p, err := r.from.page(t, progress.LastKey)
		if err != nil {
			return progress.Copied, err
		}
		if progress.Complete = len(p.rows) == 0; !progress.Complete {
			progress.LastKey = p.last
		}
		progress.Copied += int64(len(p.rows))
		batch, err := r.batch(t, columns, p.rows, key)
		if err != nil {
			return progress.Copied, err
		}
		if err := r.to.TakeIn(ctx, r.who, progress, batch); err != nil {
			return progress.Copied, err
		}
		r.copied += int64(len(p.rows))
		r.options.Progress(t.name, r.copied, r.total)
	}
	return progress.Copied, nil
}

// batch is what is written for the rows of a page.
func (r *run) batch(t table, columns []string, rows [][]any, key string) (core.Taken, error) {
	var err error
	switch t.name {
	case "block_document":
		err = openDocuments(columns, rows, key)
	case "block_schema":
		err = r.completeSchemas(columns, rows)
	}
	return core.Taken{Table: t.name, Columns: columns, Rows: rows}, err
}

// key is what the source's block documents are encrypted with.
func (r *run) key() (string, error) {
	if r.options.Key != "" {
		return r.options.Key, nil
	}
	var kept struct {
		Key string `json:"fernet_key"`
	}
	return kept.Key, r.from.configuration("ENCRYPTION_KEY", &kept)
}

// openDocuments replaces the encrypted data of block documents by what is to be sealed.
func openDocuments(columns []string, rows [][]any, key string) error {
	id, data := slices.Index(columns, "id"), slices.Index(columns, "data")
	for _, row := range rows {
		document, _ := row[id].(uuid.UUID)
		raw, err := json.Marshal(row[data])
		if err != nil {
			return err
		}
		if raw[0] == '"' {
			var token string
			if err := json.Unmarshal(raw, &token); err != nil {
				return err
			}
			if raw, err = crypt.OpenFernet(key, token); err != nil {
				return api.Errorf(api.CodeInvalid, "Block document %s can't be decrypted: %w. If the old server was given its key in PREFECT_SERVER_ENCRYPTION_KEY, set that variable here too, and import again.", document, err)
			}
		}
		row[data] = core.Secret{Document: document, Plain: raw}
	}
	return nil
}

// leftBehind reports the tables that are not taken over and not empty.
func (r *run) leftBehind() ([]Line, error) {
	there, err := r.from.Tables()
	if err != nil {
		return nil, err
	}
	var report []Line
	for name, why := range leftBehind() {
		if !slices.Contains(there, name) {
			continue
		}
		n, err := r.from.count(table{name: name})
		if err != nil {
			return nil, err
		}
		if n > 0 {
			report = append(report, Line{Table: name, Source: n, Note: why})
		}
	}
	slices.SortFunc(report, func(a, b Line) int { return strings.Compare(a.Table, b.Table) })
	return report, nil
}
