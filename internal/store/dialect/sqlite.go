package dialect

// SQLite is the SQL of SQLite.
var SQLite SQL = sqliteSQL{}

type sqliteSQL struct{}

func (sqliteSQL) Name() string { return "sqlite" }

func (sqliteSQL) ILike(expr string) string { return expr + " like ?" }

// SQLite's lower folds ASCII only, like its like.
func (sqliteSQL) Contains(expr string) string { return "instr(lower(" + expr + "), lower(?)) > 0" }

func (sqliteSQL) HasAny(column string) string {
	return `exists (
    select 1
    from json_each(` + column + `) as has
    join json_each(?) as want on want.value = has.value)`
}

func (sqliteSQL) HasAll(column string) string {
	return `not exists (
    select 1
    from json_each(?) as want
    where want.value not in (select has.value from json_each(` + column + `) as has))`
}

func (sqliteSQL) IsEmptyList(column string) string { return column + " = '[]'" }

func (sqliteSQL) JSONText(column string, path ...string) string {
	return column + " ->> " + quote(jsonPath(path))
}

// The one writer needs no row locks.
func (sqliteSQL) ForUpdate(...string) string  { return "" }
func (sqliteSQL) SkipLocked(...string) string { return "" }

func (sqliteSQL) Greatest(a, b string) string { return "max(" + a + ", " + b + ")" }
func (sqliteSQL) Least(a, b string) string    { return "min(" + a + ", " + b + ")" }

// The one writer commits in the order of seq.
func (sqliteSQL) Place(table string) string  { return "0, " + table + ".seq" }
func (sqliteSQL) Order(table string) string  { return table + ".seq" }
func (sqliteSQL) Behind(table string) string { return "? = 0 and " + table + ".seq > ?" }

// A statement that fires triggers journals every page that it changes.
func (sqliteSQL) KeepsBooks() bool { return false }

func (sqliteSQL) First(a, b string) string { return "coalesce(" + a + ", " + b + ")" }

func (sqliteSQL) Plain(expr string) string { return "+" + expr }

func (sqliteSQL) Returns() bool { return false }

// SQLite sorts to group; its rows are next to us.
func (sqliteSQL) Groups() bool { return false }

func (sqliteSQL) Explain(sql string) string { return "explain query plan " + sql }

func (sqliteSQL) MaxArgs() int { return 32766 }
