package dialect

import (
	"strconv"
	"strings"
)

// SQL writes the pieces of SQL that differ between the databases. A method that
// contains a placeholder says which argument belongs to it.
type SQL interface {
	// Name is "sqlite" or "postgres"; migrations are chosen by it.
	Name() string
	// ILike matches expr against a pattern without regard to case; % and _ in the
	// pattern are wildcards and nothing escapes them. Argument: the pattern, a string.
	ILike(expr string) string
	// Contains is true where expr contains a text, without regard to case and without
	// wildcards. Argument: the text.
	Contains(expr string) string
	// HasAny is true where the JSON list of strings in column shares an element with
	// the argument, a []string.
	HasAny(column string) string
	// HasAll is true where the JSON list of strings in column contains every element of
	// the argument, a []string.
	HasAll(column string) string
	// IsEmptyList is true where the JSON list in column has no element.
	IsEmptyList(column string) string
	// JSONText is the value below path in a JSON column as text, null where there is none.
	JSONText(column string, path ...string) string
	// ForUpdate locks the selected rows until the end of the transaction, where rows
	// need locks; it goes last. With tables only their rows are locked.
	ForUpdate(tables ...string) string
	// SkipLocked is ForUpdate that passes over the rows others hold.
	SkipLocked(tables ...string) string
	// Greatest and Least compare two values that are not null.
	Greatest(a, b string) string
	Least(a, b string) string
	// Place is where rows of a table with a seq column (event, log) stand in the order in
	// which a reader follows them: two integers. Order is that order.
	Place(table string) string
	Order(table string) string
	// Behind is true for the rows behind a place, up to those before which no row can
	// appear any more. Arguments: the place's two integers.
	Behind(table string) string
	// KeepsBooks says that triggers count flow runs by state and list their tags when a run
	// is added or changes its state, so that no statement has to.
	KeepsBooks() bool
	// First is the first of two columns that is not null, as the indexes have it.
	First(a, b string) string
	// Plain is expr so that no index is looked up by it.
	Plain(expr string) string
	// Returns says that an insert should answer the numbers (seq) of what it adds. It should
	// not where transactions write one after the other, so that the numbers of all that a
	// statement adds follow each other up to the largest: asking costs more.
	Returns() bool
	// Groups says that the database groups many rows for less than it hands them out for.
	Groups() bool
	// Explain asks for the plan of a statement, one step in the last column of each row.
	Explain(sql string) string
	// MaxArgs is how many arguments one statement can take.
	MaxArgs() int
}

// In is "column in (?, …)" for n values. Their number is rounded up to a power of two,
// so that few texts of a statement exist: pass the values through Pad.
func In(column string, n int) string {
	if n == 0 {
		return "false"
	}
	return column + " in (" + Placeholders(roundUp(n)) + ")"
}

// NotIn is the opposite of In. With no value it is true, as is in an empty list.
func NotIn(column string, n int) string {
	if n == 0 {
		return "true"
	}
	return column + " not in (" + Placeholders(roundUp(n)) + ")"
}

// Pad appends values to args for In and NotIn: all of them, then the last one again as
// often as the placeholders want.
func Pad[T any](args []any, values []T) []any {
	for _, v := range values {
		args = append(args, v)
	}
	for i := len(values); i > 0 && i < roundUp(len(values)); i++ {
		args = append(args, values[len(values)-1])
	}
	return args
}

// Placeholders is "?, ?, …", n times.
func Placeholders(n int) string {
	return strings.TrimSuffix(strings.Repeat("?, ", n), ", ")
}

func roundUp(n int) int {
	p := 1
	for p < n {
		p *= 2
	}
	return p
}

// quote writes text as an SQL literal.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// jsonPath writes path in SQLite's notation, $."a"."b"; an element that is a number
// is an index into a list.
func jsonPath(path []string) string {
	var b strings.Builder
	b.WriteString("$")
	for _, p := range path {
		if _, err := strconv.ParseUint(p, 10, 31); err == nil {
			b.WriteString("[" + p + "]")
			continue
		}
		b.WriteString(`."` + p + `"`)
	}
	return b.String()
}
