package dialect

import "strings"

// Postgres is the SQL of PostgreSQL. "??" stands for its ? operators, since a single
// one is a placeholder.
var Postgres SQL = postgresSQL{}

type postgresSQL struct{}

func (postgresSQL) Name() string { return "postgres" }

func (postgresSQL) ILike(expr string) string { return expr + " ilike ? escape ''" }

func (postgresSQL) Contains(expr string) string {
	return "strpos(lower(" + expr + "), lower(?)) > 0"
}

func (postgresSQL) HasAny(column string) string {
	return column + " ??| array(select jsonb_array_elements_text(?::jsonb))"
}

func (postgresSQL) HasAll(column string) string { return column + " @> ?::jsonb" }

func (postgresSQL) IsEmptyList(column string) string { return column + " = '[]'::jsonb" }

func (postgresSQL) JSONText(column string, path ...string) string {
	if len(path) == 0 {
		return column + " #>> '{}'"
	}
	elements := make([]string, len(path))
	for i, p := range path {
		elements[i] = quote(p)
	}
	return column + " #>> array[" + strings.Join(elements, ", ") + "]"
}

func (postgresSQL) ForUpdate(tables ...string) string { return lock(tables, "") }

func (postgresSQL) SkipLocked(tables ...string) string { return lock(tables, " skip locked") }

func lock(tables []string, how string) string {
	if len(tables) == 0 {
		return " for update" + how
	}
	return " for update of " + strings.Join(tables, ", ") + how
}

func (postgresSQL) Greatest(a, b string) string { return "greatest(" + a + ", " + b + ")" }
func (postgresSQL) Least(a, b string) string    { return "least(" + a + ", " + b + ")" }

// A transaction takes its seq before it commits, so a row can appear below one that is
// visible already. Transactions older than all that still run are over: in their order
// nothing appears behind a reader.
func (postgresSQL) Place(table string) string   { return table + ".txid, " + table + ".seq" }
func (d postgresSQL) Order(table string) string { return d.Place(table) }
func (d postgresSQL) Behind(table string) string {
	return "(" + d.Place(table) + ") > (?, ?)\nand " + table + ".txid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
}

// A statement of our own would be one more way to the server and back.
func (postgresSQL) KeepsBooks() bool { return true }

// Row-level security is asked before anything that could tell of rows, which PostgreSQL
// believes of coalesce: no index would be searched by it.
func (postgresSQL) First(a, b string) string {
	return "case when " + a + " is not null then " + a + " else " + b + " end"
}

// PostgreSQL knows by its statistics which index to take.
func (postgresSQL) Plain(expr string) string { return expr }

func (postgresSQL) Returns() bool { return true }

func (postgresSQL) Groups() bool { return true }

func (postgresSQL) Explain(sql string) string { return "explain " + sql }

func (postgresSQL) MaxArgs() int { return 65535 }
