package contract

import (
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/go-json-experiment/json"

	"github.com/usherhq/usher/internal/acceptance/replay"
)

// NullGroup is the sequence that asks every operation which makes or changes something for
// each of its members as null, by itself: null is not absent.
const NullGroup = "nulls"

// GenerateNulls makes the sequence of NullGroup.
func (d *Document) GenerateNulls(seed uint64) ([]replay.Step, error) {
	draw := &drawer{Rand: rand.New(rand.NewPCG(seed, 2)), doc: d, ids: map[string][]string{}, names: map[string][]string{}}
	steps, err := draw.stage(stage)
	if err != nil {
		return nil, err
	}
	for _, op := range d.Operations {
		if op.body == nil || lists(op) || op.Noun() == "events" || op.Method == "DELETE" {
			continue
		}
		_, body := d.resolve(op.body)
		for _, name := range slices.Sorted(maps.Keys(body.sub("properties"))) {
			members := map[string]any{}
			for _, needed := range body.list("required") {
				members[needed.(string)] = draw.value(body.sub("properties").sub(needed.(string)), draw.owner(op), needed.(string))
			}
			members[name] = nil
			text, err := json.Marshal(members, json.Deterministic(true))
			if err != nil {
				return nil, err
			}
			steps = append(steps, replay.Step{Comment: op.String(), Method: op.Method, Path: draw.path(op), Body: string(text)})
		}
	}
	return steps, nil
}

// owner is the name of the schema of an operation's body.
func (d *drawer) owner(op Operation) string {
	name, _ := d.doc.resolve(op.body)
	return name
}
