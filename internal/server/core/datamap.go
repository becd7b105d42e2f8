package core

import (
	"strings"
	"time"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

// DataMap says what the database holds, of which class it is, and how long it is kept here.
func (c *Core) DataMap() ([]api.DataMapRow, error) {
	tables, err := store.DataMap()
	if err != nil {
		return nil, err
	}
	words := func(d time.Duration) string {
		if d == 0 {
			return "for ever"
		}
		return d.String() + " at most"
	}
	keep := c.Upkeep.Retention
	settle := strings.NewReplacer("{runs}", words(keep.FlowRuns), "{logs}", words(keep.Logs), "{events}", words(keep.Events))
	rows := []api.DataMapRow{}
	for _, t := range tables {
		for _, class := range store.DataClasses {
			if columns := t.Columns[class]; len(columns) > 0 {
				rows = append(rows, api.DataMapRow{Table: t.Name, Class: class, Columns: columns, Purpose: t.Purpose, Kept: settle.Replace(t.Kept)})
			}
		}
	}
	return rows, nil
}
