package store

import (
	"context"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/filter"
	"github.com/usherhq/usher/internal/store/dialect"
	"github.com/usherhq/usher/internal/store/migrations"
)

// MigrateWith continues the schema with other migrations than ours.
func (s *Store) MigrateWith(ctx context.Context, more ...migrations.Migration) error {
	known, err := migrations.For(s.sql.Name())
	if err != nil {
		return err
	}
	return s.migrate(ctx, append(known, more...), false)
}

// StoreOf is the store behind a schema.
func StoreOf(s *Schema) *Store { return s.store }

// ChecksumOf is the checksum of one of our migrations.
func ChecksumOf(s *Store, version int) string {
	known, err := migrations.For(s.sql.Name())
	if err != nil {
		return err.Error()
	}
	return checksum(known[version-1])
}

// Condition is a condition, for tests.
type Condition = condition

// SelectIDs returns the ids of the rows of table that a filter matches, in order.
func (tx *Tx) SelectIDs(table string, c condition, order string, limit, offset int) (ids []string, err error) {
	p := page(limit, offset)
	sql := "select " + table + ".id\nfrom " + table + "\nwhere " + c.sql + "\norder by " + order + p.sql
	err = tx.Query(sql, append(c.args, p.args...), func(row *Row) error {
		id, err := row.cells.UUID(0)
		ids = append(ids, string(id[:]))
		return err
	})
	return ids, err
}

// FlowRunPage is the statement that lists a page of flow runs.
func (tx *Tx) FlowRunPage(f Filters, sort api.FlowRunSort, limit, offset int) (sql string, args []any, err error) {
	where, ordered, err := tx.flowRunPage(f, sort, limit, offset)
	return "select flow_run.id\nfrom flow_run\nwhere " + where.sql + ordered.sql, append(where.args, ordered.args...), err
}

// HistorySQL is the statement of FlowRunHistory.
func (tx *Tx) HistorySQL(f Filters, s Steps, now api.Time) (sql string, args []any, err error) {
	c := historyQuery("flow_run", tx.whereFlowRuns(f), s, now)
	if !tx.sql.Groups() {
		c = historyRows("flow_run", tx.whereFlowRuns(f), s)
	}
	return c.sql, c.args, nil
}

// HistoryInSQL and HistoryOfRows are the two ways of FlowRunHistory.
func (tx *Tx) HistoryInSQL(s Steps, now api.Time) ([]HistoryGroup, error) {
	c := historyQuery("flow_run", tx.whereFlowRuns(Filters{}), s, now)
	return many(tx, c.sql, c.args, scanHistoryGroup)
}

// HistoryOfRows is HistoryInSQL without SQL.
func (tx *Tx) HistoryOfRows(s Steps, now api.Time) ([]HistoryGroup, error) {
	return tx.historyOfRows("flow_run", tx.whereFlowRuns(Filters{}), s, now)
}

// LatenessSQL is the statement of AverageLateness.
func (tx *Tx) LatenessSQL(f Filters, now api.Time) (sql string, args []any, err error) {
	c := tx.latenessQuery(f, now)
	return c.sql, c.args, nil
}

// SelectSQL is the statement of SelectIDs with its arguments.
func (tx *Tx) SelectSQL(columns, table string, c condition, order string) (sql string, args []any) {
	p := page(200, 0)
	return "select " + columns + "\nfrom " + table + "\nwhere " + c.sql + "\norder by " + order + p.sql, append(c.args, p.args...)
}

// The conditions and orders, for tests.
func (tx *Tx) WhereFlows(f Filters) condition       { return tx.whereFlows(f) }
func (tx *Tx) WhereFlowRuns(f Filters) condition    { return tx.whereFlowRuns(f) }
func (tx *Tx) WhereTaskRuns(f Filters) condition    { return tx.whereTaskRuns(f) }
func (tx *Tx) WhereDeployments(f Filters) condition { return tx.whereDeployments(f) }

func (tx *Tx) WhereArtifacts(a *api.ArtifactFilter, f Filters) condition {
	return tx.whereArtifacts(a, f)
}
func (tx *Tx) WhereLogs(f *api.LogFilter) condition             { return tx.whereLogs(f) }
func (tx *Tx) WhereVariables(f *api.VariableFilter) condition   { return tx.whereVariables(f) }
func (tx *Tx) WhereWorkPools(f *api.WorkPoolFilter) condition   { return tx.whereWorkPools(f) }
func (tx *Tx) WhereWorkQueues(f *api.WorkQueueFilter) condition { return tx.whereWorkQueues(f) }
func (tx *Tx) WhereWorkers(f *api.WorkerFilter) condition       { return tx.whereWorkers(f) }

func (tx *Tx) WhereBlockDocuments(d *api.BlockDocumentFilter, t *api.BlockTypeFilter, s *api.BlockSchemaFilter) condition {
	return tx.whereBlockDocuments(d, t, s)
}

var (
	FlowRunOrder = flowRunOrder
	TaskRunOrder = taskRunOrder
	LogOrder     = logOrder
)

// SilentRunsSQL is the query of SilentRuns.
const SilentRunsSQL = silentRuns

// AcrossWorkspaces is acrossWorkspaces.
var AcrossWorkspaces = acrossWorkspaces

// LaterSiblingsSQL is the query of HasLaterSibling.
func LaterSiblingsSQL(d dialect.SQL) string { return laterSiblings(d) }

// The queries of BegunSiblings and its kin.
const (
	BegunSiblingsSQL   = begunSiblings
	EarlierSiblingsSQL = earlierSiblings
	WaitingSiblingsSQL = waitingSiblings
)

// EventHeadsSQL is the query of EventHeads.
func EventHeadsSQL(d dialect.SQL) string { return eventHeads(d) }

// BookTaken is bookTaken.
func (tx *Tx) BookTaken(ids ...any) error { return tx.bookTaken(ids) }

// OldEventsNamedSQL is the query of DeleteEvents for
// a name, OldEventsSQL the one for all.
func OldEventsNamedSQL(d dialect.SQL) string { return oldEventsNamed(d) }
func OldEventsSQL() string                   { return oldEvents() }

// EventsSQL is a query with what CountEvents looks for.
func (tx *Tx) EventsSQL(f *filter.Event) (sql string, args []any, err error) {
	where, err := tx.whereEvents(f)
	return "select id from event\nwhere " + where.sql, where.args, err
}

// AssetEventsSQL is the query of AssetEvents.
func (tx *Tx) AssetEventsSQL(q *AssetEventQuery) (sql string, args []any) {
	return tx.assetEventsSQL(q)
}

// SpansSQL is a query of the spans of a trace.
func (tx *Tx) SpansSQL(root uuid.UUID) (sql string, args []any) {
	table := tx.spans(root, -1)
	return table.sql + "\nselect id\nfrom span", table.args
}
