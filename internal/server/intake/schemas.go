package intake

import (
	"fmt"
	"maps"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/store/dialect"
)

// schema is a block schema of the source, which keeps apart what ours has in one: the
// fields of a schema, and the schemas of the blocks that it refers to.
type schema struct {
	checksum, slug string
	fields         map[string]jsontext.Value
	refers         []reference
}

type reference struct{ name, to string }

// schemas reads all block schemas, by id. There are some for every kind of block, not for
// every block.
func (s snapshot) schemas() (map[string]*schema, error) {
	all := map[string]*schema{}
	err := s.Query(`select cast(s.id as text), s.checksum, k.slug, cast(s.fields as text)
		from block_schema s
		join block_type k on k.id = s.block_type_id`, nil, func(c dialect.Cells) error {
		cells, err := texts(c)
		if err != nil {
			return err
		}
		one := &schema{checksum: cells[1], slug: cells[2]}
		all[cells[0]] = one
		return json.Unmarshal([]byte(cells[3]), &one.fields)
	})
	if err != nil {
		return nil, err
	}
	err = s.Query(`select cast(parent_block_schema_id as text), name, cast(reference_block_schema_id as text)
		from block_schema_reference
		order by created, id`, nil, func(c dialect.Cells) error {
		cells, err := texts(c)
		if parent := all[cells[0]]; err == nil && parent != nil {
			parent.refers = append(parent.refers, reference{cells[1], cells[2]})
		}
		return err
	})
	return all, err
}

func texts(c dialect.Cells) (out []string, err error) {
	out = make([]string, c.Len())
	for i := range out {
		if out[i], err = c.Text(i); err != nil {
			return out, err
		}
	}
	return out, nil
}

// whole returns the fields of a schema with its references and the definitions of the
// schemas that they lead to.
func whole(all map[string]*schema, id string) (map[string]jsontext.Value, error) {
	own := all[id]
	fields := maps.Clone(own.fields)
	refers, definitions := map[string][]jsontext.Value{}, map[string]jsontext.Value{}
	for _, r := range own.refers {
		to := all[r.to]
		if to == nil {
			continue
		}
		link, err := json.Marshal(map[string]string{"block_schema_checksum": to.checksum, "block_type_slug": to.slug}, json.Deterministic(true))
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(refers[r.name], func(v jsontext.Value) bool { return string(v) == string(link) }) {
			refers[r.name] = append(refers[r.name], link)
		}
		if err := define(definitions, all, r.to); err != nil {
			return nil, err
		}
	}
	return fields, addLinks(fields, refers, definitions)
}

// define adds a schema, and what it defines itself, to the definitions of another one.
func define(definitions map[string]jsontext.Value, all map[string]*schema, id string) error {
	fields, err := whole(all, id)
	if err != nil || fields["title"] == nil {
		return err
	}
	var title string
	if err := json.Unmarshal(fields["title"], &title); err != nil {
		return err
	}
	if err := join(definitions, fields["definitions"]); err != nil {
		return err
	}
	delete(fields, "definitions")
	definitions[title], err = json.Marshal(fields, json.Deterministic(true))
	return err
}

// join adds the members of an object, if there is one, that are not there yet.
func join(members map[string]jsontext.Value, object jsontext.Value) error {
	if len(object) == 0 {
		return nil
	}
	var more map[string]jsontext.Value
	err := json.Unmarshal(object, &more)
	for name, value := range more {
		if members[name] == nil {
			members[name] = value
		}
	}
	return err
}

// addLinks puts references and definitions among the fields.
func addLinks(fields map[string]jsontext.Value, refers map[string][]jsontext.Value, definitions map[string]jsontext.Value) (err error) {
	links := map[string]any{}
	for name, list := range refers {
		if links[name] = list; len(list) == 1 {
			links[name] = list[0]
		}
	}
	if fields["block_schema_references"], err = json.Marshal(links, json.Deterministic(true)); err != nil {
		return err
	}
	if err := join(definitions, fields["definitions"]); err != nil || len(definitions) == 0 {
		return err
	}
	fields["definitions"], err = json.Marshal(definitions, json.Deterministic(true))
	return err
}

// completeSchemas gives the rows of block schemas their whole fields.
func (r *run) completeSchemas(columns []string, rows [][]any) error {
	all, err := r.from.schemas()
	if err != nil {
		return err
	}
	id, fields := slices.Index(columns, "id"), slices.Index(columns, "fields")
	for _, row := range rows {
		complete, err := whole(all, fmt.Sprint(row[id]))
		if err != nil {
			return err
		}
		text, err := json.Marshal(complete, json.Deterministic(true))
		if err != nil {
			return err
		}
		row[fields] = jsontext.Value(text)
	}
	return nil
}
