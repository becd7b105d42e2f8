package migrations

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// change is one statement of a step, by the words that it begins with.
type change []string

// changes are the statements of a step. Each begins a line; what belongs to it and could
// be taken for one is indented.
func (m Migration) changes() (list []change) {
	for line := range strings.Lines(m.SQL) {
		words := strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" \t\r\n;(", r) })
		if len(words) == 0 || strings.ContainsRune(" \t-)", rune(line[0])) {
			continue
		}
		switch words[0] {
		case "create", "alter", "drop", "insert", "update", "delete", "pragma":
			list = append(list, words)
		}
	}
	return list
}

// String is as much of the change as names it.
func (c change) String() string { return strings.Join(c[:min(len(c), 6)], " ") }

func (c change) is(words ...string) bool {
	return len(c) > len(words) && strings.Join(c[:len(words)], " ") == strings.Join(words, " ")
}

// undone is the statement that takes a change back, and whether there is one.
func (c change) undone() (sql string, can bool) {
	switch {
	case c.is("create", "table"), c.is("create", "index"), c.is("create", "trigger"):
		return "drop " + c[1] + " if exists " + c[2], true
	case c.is("create", "unique", "index"):
		return "drop index if exists " + c[3], true
	case c.is("create", "function"):
		return "drop function if exists " + c[2] + " cascade", true // with its triggers
	case c.is("create", "policy") && len(c) > 4:
		return "drop policy if exists " + c[2] + " on " + c[4], true
	case c.is("alter", "table") && len(c) > 5 && c[3] == "add" && c[4] == "column":
		return "alter table " + c[2] + " drop column " + c[5], true
	case c.secures():
		return "alter table " + c[2] + map[string]string{"enable": " disable", "force": " no force"}[c[3]] + " row level security", true
	}
	return "", false
}

// secures says that a table gets row-level security, behind which a program that does not
// name its workspace sees nothing.
func (c change) secures() bool {
	return c.is("alter", "table") && len(c) > 4 && (c[3] == "enable" || c[3] == "force") && c[4] == "row"
}

// leavesAlone says whether programs that do not know the change go on working.
func (c change) leavesAlone() bool {
	_, can := c.undone()
	return can && !c.secures() || c.is("drop", "index") || c.is("insert") || c.is("update")
}

// Undo is the script that takes the step back, what was made last first. An error says
// what can't be taken back.
func (m Migration) Undo() (string, error) {
	var script strings.Builder
	list := m.changes()
	for i := len(list) - 1; i >= 0; i-- {
		sql, can := list[i].undone()
		if !can {
			return "", fmt.Errorf("migration %04d_%s can't be taken back: it does %q", m.Version, m.Name, list[i])
		}
		if list[i].is("create", "trigger") && strings.Contains(m.SQL, "\ncreate function ") {
			continue // it goes with its function
		}
		script.WriteString(sql + ";\n")
	}
	return script.String(), nil
}

// Made are the names of what the step makes of a kind, such as "table", in order.
func (m Migration) Made(kind string) (names []string) {
	for _, c := range m.changes() {
		if c.is("create", kind) {
			names = append(names, c[2])
		}
	}
	return names
}

// Writes says whether the step changes rows of tables other than those.
func (m Migration) Writes(those []string) bool {
	return slices.ContainsFunc(m.changes(), func(c change) bool {
		at := 2
		if c.is("update") {
			at = 1
		}
		return (c.is("insert", "into") || c.is("update") || c.is("delete", "from")) && !slices.Contains(those, c[at])
	})
}

// Needs is the newest step that a program has to know to work on a database that has got
// this one. A step that only adds needs none; one that takes something away says so in
// its first line: "-- Needs 0042."
func (m Migration) Needs() int64 {
	first, _, _ := strings.Cut(m.SQL, "\n")
	number, _ := strings.CutPrefix(strings.TrimSpace(first), "-- Needs ")
	needs, err := strconv.ParseInt(strings.TrimSuffix(number, "."), 10, 64)
	if err != nil {
		return 0
	}
	return needs
}

// Breaks says why the step would break programs that do not know it; "" if it does not,
// or says itself what it needs.
func (m Migration) Breaks() string {
	made := m.Made("table")
	for _, c := range m.changes() {
		if c.secures() && slices.Contains(made, c[2]) {
			continue // who does not know the step does not know the table
		}
		if !c.leavesAlone() && m.Needs() == 0 {
			return fmt.Sprintf("migration %04d_%s: %q, and its first line is not \"-- Needs NNNN.\"", m.Version, m.Name, c)
		}
	}
	return ""
}

// Index is a statement that makes or drops an index.
type Index struct {
	Name string
	SQL  string // "create index …", "create unique index …" or "drop index …"
}

// Indexes are the statements of a step that does nothing but make and drop indexes, nil for
// others.
func (m Migration) Indexes() (list []Index) {
	var text strings.Builder
	for line := range strings.Lines(m.SQL) {
		if !strings.HasPrefix(line, "--") {
			text.WriteString(line)
		}
	}
	for sql := range strings.SplitSeq(text.String(), ";\n") {
		c := change(strings.FieldsFunc(sql, func(r rune) bool { return strings.ContainsRune(" \t\r\n(", r) }))
		switch {
		case len(c) == 0:
		case c.is("create", "index"), c.is("drop", "index"):
			list = append(list, Index{c[2], strings.TrimSpace(sql)})
		case c.is("create", "unique", "index"):
			list = append(list, Index{c[3], strings.TrimSpace(sql)})
		default:
			return nil
		}
	}
	return list
}

// Holds says why the step would keep others from writing on PostgreSQL while it makes an
// index on a table that may be large; "" if it does not. Only a step that does nothing else
// is made beside them.
func (m Migration) Holds() string {
	if m.Indexes() != nil {
		return ""
	}
	made := m.Made("table")
	for _, c := range m.changes() {
		on := slices.Index(c, "on")
		if (c.is("create", "index") || c.is("create", "unique", "index")) && on > 0 && on+1 < len(c) && !slices.Contains(made, c[on+1]) {
			return fmt.Sprintf("migration %04d_%s: %q has other changes beside it; make a step of its own of it", m.Version, m.Name, c)
		}
	}
	return ""
}
