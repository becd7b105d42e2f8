package deploy

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
	"go.yaml.in/yaml/v4"

	"github.com/usherhq/usher/internal/api"
)

// Action is what deploying would do.
type Action string

// The actions.
const (
	Create Action = "create"
	Update Action = "update"
	Keep   Action = "keep" // all is as the file says
)

// Planned is what deploying one deployment would do.
type Planned struct {
	Flow     string   `json:"flow_name"`
	Name     string   `json:"name"`
	WorkPool string   `json:"work_pool_name"`
	Action   Action   `json:"action"`
	Changes  []Change `json:"changes"`
	// Steps are the build and push steps that would run first; what they leave is not known yet.
	Steps []string `json:"steps"`
}

// FullName is flow/name.
func (p Planned) FullName() string { return p.Flow + "/" + p.Name }

// Change is a field whose value would become another; From is null for a new deployment.
type Change struct {
	Field string         `json:"field"`
	From  jsontext.Value `json:"from"`
	To    jsontext.Value `json:"to"`
}

// Plan finds out what Deploy would do, and does nothing: no step runs, nothing is written. An
// error is one that Deploy would have met.
func (d *Deployer) Plan(ctx context.Context, f *File, c Config, o Options) (Planned, error) {
	if d.flows == nil {
		d.flows = map[string]Flow{}
	}
	p, err := d.plan(ctx, f, c, o)
	if err != nil {
		return Planned{}, err
	}
	planned := Planned{Flow: p.flow.Name, WorkPool: p.pool.Name, Changes: []Change{}, Steps: []string{}}
	for _, step := range append(slices.Clone(p.build), p.push...) {
		if object, ok := step.(map[string]any); ok {
			planned.Steps = slices.AppendSeq(planned.Steps, maps.Keys(object))
		}
	}
	p.keepUnset = len(planned.Steps) > 0
	w, err := d.prepare(ctx, p)
	if err != nil {
		return Planned{}, f.place(c, err)
	}
	planned.Name = w.request.Name
	existing, err := d.Client.ReadDeploymentByName(ctx, planned.Flow, planned.Name)
	if err != nil && api.CodeOf(err) != api.CodeNotFound {
		return Planned{}, err
	}
	var old map[string]jsontext.Value
	planned.Action = Create
	if err == nil {
		planned.Action = Update
		if old, err = members(existing); err != nil {
			return Planned{}, err
		}
		if limit := existing.GlobalConcurrencyLimit; limit != nil {
			old["concurrency_limit"], err = json.Marshal(limit.Limit)
		}
	}
	if err != nil && api.CodeOf(err) != api.CodeNotFound {
		return Planned{}, err
	}
	wanted, err := members(update(w.request, w.entries))
	if err != nil {
		return Planned{}, err
	}
	for _, field := range slices.Sorted(maps.Keys(wanted)) {
		if field == "version_info" || same(field, old[field], wanted[field], old != nil) {
			continue
		}
		planned.Changes = append(planned.Changes, Change{Field: field, From: orNull(old[field]), To: wanted[field]})
	}
	id := uuid.Nil
	if planned.Action == Update {
		id = existing.ID
	}
	more, err := d.belongings(ctx, p, id, w.triggers)
	if err != nil {
		return Planned{}, err
	}
	planned.Changes = append(planned.Changes, more...)
	if planned.Action == Update && len(planned.Changes) == 0 {
		planned.Action = Keep
	}
	return planned, nil
}

func orNull(v jsontext.Value) jsontext.Value {
	if v == nil {
		return jsontext.Value("null")
	}
	return v
}

// members are the fields of an object as JSON.
func members(v any) (map[string]jsontext.Value, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	out := map[string]jsontext.Value{}
	return out, json.Unmarshal(data, &out)
}

// same compares a field's values; in a deployment that is not there yet what says nothing is
// the same.
func same(field string, old, wanted jsontext.Value, exists bool) bool {
	if !exists {
		switch string(wanted) {
		case "null", "[]", "{}", `""`:
			return true
		}
		return field == "paused" && string(wanted) == "false"
	}
	var a, b any
	if json.Unmarshal(orNull(old), &a) != nil || json.Unmarshal(wanted, &b) != nil {
		return bytes.Equal(old, wanted)
	}
	switch field {
	case "tags":
		return sameSet(a, b)
	case "work_queue_name":
		return b == nil || a == b // the server names the pool's default queue
	case "schedules":
		return sameSchedules(a, b)
	}
	return equal(a, b)
}

func equal(a, b any) bool {
	x, errX := json.Marshal(a, json.Deterministic(true))
	y, errY := json.Marshal(b, json.Deterministic(true))
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

func sameSet(a, b any) bool {
	x, _ := a.([]any)
	y, _ := b.([]any)
	in := func(list []any) func(any) bool {
		return func(v any) bool { return slices.ContainsFunc(list, func(other any) bool { return equal(v, other) }) }
	}
	return !slices.ContainsFunc(x, func(v any) bool { return !in(y)(v) }) && !slices.ContainsFunc(y, func(v any) bool { return !in(x)(v) })
}

// sameSchedules says that each wanted schedule is there, and no other.
func sameSchedules(a, b any) bool {
	have, _ := a.([]any)
	want, _ := b.([]any)
	if len(have) != len(want) {
		return false
	}
	left := slices.Clone(have)
	for _, w := range want {
		i := slices.IndexFunc(left, func(h any) bool { return covers(h, w) })
		if i < 0 {
			return false
		}
		left = slices.Delete(left, i, i+1)
	}
	return true
}

// covers says that whatever is wanted is there. An anchor date that nobody gave is the time of
// reading, so it says nothing.
func covers(have, want any) bool {
	w, ok := want.(map[string]any)
	if !ok {
		return equal(have, want)
	}
	h, ok := have.(map[string]any)
	if !ok {
		return false
	}
	for key, value := range w {
		if key == "anchor_date" || key == "replaces" {
			continue
		}
		if !covers(h[key], value) {
			return false
		}
	}
	return true
}

// mistake is an error of one key of a deployment.
type mistake struct {
	path []string
	err  error
}

func (m *mistake) Error() string { return m.err.Error() }

func (m *mistake) Unwrap() error { return m.err }

// of says which key of the deployment an error is about.
func of(err error, path ...string) error {
	if err == nil {
		return nil
	}
	return &mistake{path, err}
}

// place puts the file, the line and the column of what is wrong before an error about a
// deployment of the file.
func (f *File) place(c Config, err error) error {
	var m *mistake
	if !errors.As(err, &m) {
		return err
	}
	node := f.node(c)
	if node == nil {
		return m.err
	}
	for i, key := range m.path {
		_, found := member(node, key)
		if found == nil && i == 0 && !slices.Contains([]string{"name", "entrypoint", "work_pool"}, key) {
			return m.err // a flag said it
		}
		if found == nil {
			break
		}
		node = resolved(found)
	}
	return api.Errorf(api.CodeOf(err), "%s:%d:%d: %s%w", f.Path, node.Line, node.Column, naming(c, m.err), m.err)
}

// naming names the deployment, where the error does not.
func naming(c Config, err error) string {
	if c.Name() == "" || strings.Contains(err.Error(), c.Name()) {
		return ""
	}
	return "deployment " + c.Name() + ": "
}

// node is where the deployment stands in the file; nil if it does not.
func (f *File) node(c Config) *yaml.Node {
	for i, known := range f.Deployments {
		if i < len(f.nodes) && known.Name() == c.Name() && known.Entrypoint() == c.Entrypoint() {
			return f.nodes[i]
		}
	}
	return nil
}
