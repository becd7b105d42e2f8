package store

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
)

// DataClasses are the classes that columns have.
var DataClasses = []string{"metadata", "user", "credential", "log", "audit"}

// DataTable says what a table is for, how long its rows are kept, and of which class each of
// its columns is. Kept may have the words {runs}, {logs} and {events}, which stand for what
// the settings say.
type DataTable struct {
	Name, Purpose, Kept string
	Columns             map[string][]string // by class
}

//go:embed datamap.txt
var dataMap string

// DataMap is the map of all that the database holds.
func DataMap() (tables []DataTable, err error) {
	for line := range strings.Lines(dataMap) {
		line = strings.TrimRight(line, "\n")
		first, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		isTable := !strings.HasPrefix(line, " ")
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case isTable && strings.HasSuffix(first, ":"):
			tables = append(tables, DataTable{Name: strings.TrimSuffix(first, ":"), Purpose: rest, Columns: map[string][]string{}})
		case isTable || len(tables) == 0:
			return nil, fmt.Errorf("datamap.txt: %q names no table", line)
		case first == "kept":
			tables[len(tables)-1].Kept = rest
		case slices.Contains(DataClasses, first):
			tables[len(tables)-1].Columns[first] = strings.Fields(rest)
		default:
			return nil, fmt.Errorf("datamap.txt: %q is no class", first)
		}
	}
	return tables, nil
}
