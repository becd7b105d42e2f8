package intake

import "strings"

// column is a column of ours and where its values come from.
type column struct {
	to   string
	from string // in the source
	kind kind
}

// source is the name of the table in the source.
func (t table) source() string {
	if t.from != "" {
		return t.from
	}
	return t.name
}

// split takes the columns of a table apart.
func (t table) split() []column {
	var out []column
	kinds := kinds()
	for _, group := range t.columns {
		words := strings.Fields(group)
		for _, word := range words[1:] {
			to, from, renamed := strings.Cut(word, "=")
			if !renamed {
				from = to
			}
			out = append(out, column{to, from, kinds[words[0]]})
		}
	}
	return out
}

// selection is what a column is selected as.
func (c column) selection(sqlite bool) string {
	form := c.kind.postgres
	if sqlite {
		form = c.kind.sqlite
	}
	var list []string
	for name := range strings.SplitSeq(c.from, "|") {
		list = append(list, strings.ReplaceAll(form, "#", quoted(name)))
	}
	if len(list) == 1 {
		return list[0]
	}
	return "coalesce(" + strings.Join(list, ", ") + ")"
}

// quoted writes a column, of t unless it names another table.
func quoted(name string) string {
	table, column, named := strings.Cut(name, ".")
	if !named {
		table, column = "t", name
	}
	return table + `."` + column + `"`
}

func names(columns []column) []string {
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = c.to
	}
	return out
}
