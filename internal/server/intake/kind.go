package intake

import (
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/store/dialect"
)

// kind is a type of columns of the source: how a column is selected, so that both
// databases answer alike, and how its cells become values of ours. # is the column.
type kind struct {
	sqlite, postgres string
	read             func(c dialect.Cells, i int) (any, error)
}

// microseconds of a time in SQLite, which the reference writes as text in UTC. A default
// of the schema that is no time counts as the epoch.
const microseconds = `case when # glob '????-*' then cast(strftime('%s', #) as integer) * 1000000 + cast(substr(# || '000000', 21, 6) as integer) when # is not null then 0 end`

func kinds() map[string]kind {
	moment := kind{microseconds, "(extract(epoch from #) * 1000000)::bigint", readWhole}
	return map[string]kind{
		"ident":  {"#", "#::text", readIdent},
		"text":   {"cast(# as text)", "#::text", readText},
		"whole":  {"cast(# as integer)", "#::bigint", readWhole},
		"real":   {"cast(# as real)", "#::float8", func(c dialect.Cells, i int) (any, error) { return c.Float(i) }},
		"flag":   {"#", "#", func(c dialect.Cells, i int) (any, error) { return c.Bool(i) }},
		"moment": moment,
		"span":   moment,
		// json keeps a JSON null, object makes it a null of the database.
		"json":   {"cast(# as text)", "#::text", readJSON},
		"object": {"cast(# as text)", "#::text", readObject},
		// the id of the schedule in the JSON that says who made a run
		"maker": {"cast(# as text)", "#::text", readMaker},
	}
}

func readWhole(c dialect.Cells, i int) (any, error) { return c.Int(i) }

func readText(c dialect.Cells, i int) (any, error) {
	text, err := c.Text(i)
	return strings.ReplaceAll(text, "\x00", ""), err // which no column of ours can hold
}

func readIdent(c dialect.Cells, i int) (any, error) {
	text, err := c.Text(i)
	if err != nil {
		return nil, err
	}
	return uuid.Parse(text)
}

func readJSON(c dialect.Cells, i int) (any, error) {
	text, err := c.Bytes(i)
	return jsontext.Value(text), err
}

func readObject(c dialect.Cells, i int) (any, error) {
	v, err := readJSON(c, i)
	if raw, is := v.(jsontext.Value); is && string(raw) == "null" {
		return nil, err
	}
	return v, err
}

func readMaker(c dialect.Cells, i int) (any, error) {
	text, err := c.Bytes(i)
	if err != nil {
		return nil, err
	}
	var by *struct {
		ID   *uuid.UUID `json:"id"`
		Type string     `json:"type"`
	}
	if err := json.Unmarshal(text, &by); err != nil || by == nil || by.ID == nil || by.Type != "SCHEDULE" {
		return nil, err
	}
	return *by.ID, nil
}
