package contract

import (
	_ "embed"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/usherhq/usher/internal/acceptance/replay"
)

// filterStage makes what filters are asked about, after the objects of stage.
//
//go:embed filters.http
var filterStage string

// FilterGroup is the sequence that asks every operation that lists or counts for every
// member of every filter and for every sort.
const FilterGroup = "filters"

// Recorded are the names of all sequences.
func Recorded() []string {
	return append(slices.Sorted(maps.Keys(Groups)), CountGroup, FilterGroup, NullGroup)
}

// GenerateFilters makes the sequence of FilterGroup: for each operation each member of
// each of its filters by itself, each sort, by pages too, and combinations.
func (d *Document) GenerateFilters(seed uint64) ([]replay.Step, error) {
	draw := &drawer{Rand: rand.New(rand.NewPCG(seed, 1)), doc: d, ids: map[string][]string{}}
	steps, err := draw.stage(stage + "\n" + filterStage)
	if err != nil {
		return nil, err
	}
	for _, op := range d.Operations {
		if !lists(op) {
			continue
		}
		for _, body := range draw.asked(op) {
			text, err := json.Marshal(body, json.Deterministic(true))
			if err != nil {
				return nil, err
			}
			steps = append(steps, replay.Step{Comment: op.String(), Method: op.Method, Path: draw.listPath(op), Body: string(text), Ordered: body["sort"] != nil})
		}
	}
	return steps, nil
}

// lists says that an operation answers what filters select. Events are compared by the
// tests of events: they are stored a moment after they are taken.
func lists(op Operation) bool {
	if op.Method != "POST" || op.Noun() == "events" || op.Noun() == "saved_searches" {
		return false
	}
	for _, end := range []string{"/filter", "/count", "/paginate", "/history", "/lateness", "/counts"} {
		if strings.HasSuffix(op.Path, end) {
			return true
		}
	}
	return false
}

func (d *drawer) listPath(op Operation) string {
	return inBraces.ReplaceAllStringFunc(op.Path, func(string) string { return one(d, []string{"g-pool", "h-pool"}) })
}

// asked are the bodies that an operation is asked with.
func (d *drawer) asked(op Operation) (bodies []map[string]any) {
	_, body := d.doc.resolve(op.body)
	for _, option := range body.list("anyOf") {
		if _, s := d.doc.resolve(option.(map[string]any)); s.sub("properties") != nil {
			body = s
		}
	}
	always := map[string]any{}
	for _, name := range body.list("required") {
		always[name.(string)] = d.value(body.sub("properties").sub(name.(string)), "", name.(string))
	}
	with := func(members map[string]any) {
		all := maps.Clone(always)
		maps.Copy(all, members)
		bodies = append(bodies, all)
	}
	filters := map[string][]leaf{}
	for _, name := range slices.Sorted(maps.Keys(body.sub("properties"))) {
		owner, s := d.theOne(body.sub("properties").sub(name))
		if !strings.HasSuffix(owner, "Filter") {
			continue
		}
		filters[name] = d.leaves(owner, s, nil)
		with(map[string]any{name: map[string]any{}})
		for _, l := range filters[name] {
			values := d.leafValues(l)
			if !strings.HasSuffix(op.Path, "/filter") { // the same conditions counted: one will do
				values = values[len(values)-1:]
			}
			for _, value := range values {
				with(map[string]any{name: l.under(value)})
			}
		}
	}
	for _, sort := range d.sorts(body) {
		sorted := map[string]any{"sort": sort}
		if only := decided[sort]; only != nil {
			noun := op.Noun()
			if noun == "ui" {
				noun = "flow_runs"
			}
			sorted[noun] = only
		}
		with(sorted)
		switch {
		case strings.HasSuffix(op.Path, "/paginate"):
			sorted["limit"], sorted["page"] = 2, 2
		case strings.HasSuffix(op.Path, "/filter"):
			sorted["limit"], sorted["offset"] = 2, 1
		default:
			continue
		}
		with(sorted)
	}
	if len(filters) == 0 {
		return bodies
	}
	for range 12 {
		with(d.combined(filters))
	}
	return bodies
}

// decided are the filters with which a sort leaves no two objects that it does not tell
// apart.
var decided = map[any]map[string]any{
	"END_TIME_DESC":                 {"end_time": map[string]any{"is_null_": false}},
	"NEXT_SCHEDULED_START_TIME_ASC": {"state": map[string]any{"type": map[string]any{"any_": []any{"SCHEDULED"}}}},
	"KEY_ASC":                       {"type": map[string]any{"any_": []any{"table", "result"}}},
	"KEY_DESC":                      {"type": map[string]any{"any_": []any{"table", "result"}}},
}

func (d *drawer) sorts(body schema) (names []any) {
	_, s := d.theOne(body.sub("properties").sub("sort"))
	for _, name := range s.list("enum") {
		if name != "ID_DESC" { // ids are random
			names = append(names, name)
		}
	}
	return names
}

// theOne is a schema without its null.
func (d *drawer) theOne(s schema) (string, schema) {
	for _, option := range s.list("anyOf") {
		if o := schema(option.(map[string]any)); o.text("type") != "null" {
			return d.doc.resolve(o)
		}
	}
	return d.doc.resolve(s)
}

// leaf is a member of a filter that holds no further ones: the way to it, and what it
// may be.
type leaf struct {
	path  []string
	owner string
	s     schema
}

func (d *drawer) leaves(owner string, s schema, path []string) (list []leaf) {
	for _, name := range slices.Sorted(maps.Keys(s.sub("properties"))) {
		if name == "operator" {
			continue
		}
		ref, inner := d.theOne(s.sub("properties").sub(name))
		at := append(slices.Clone(path), name)
		if inner.sub("properties") != nil {
			list = append(list, d.leaves(ref, inner, at)...)
			continue
		}
		list = append(list, leaf{path: at, owner: owner, s: inner})
	}
	return list
}

// under puts a value at the end of the way to it.
func (l leaf) under(value any) map[string]any {
	for i := len(l.path) - 1; i > 0; i-- {
		value = map[string]any{l.path[i]: value}
	}
	return map[string]any{l.path[0]: value}
}

func (l leaf) name() string { return l.path[len(l.path)-1] }

// leafValues are a few values of a member.
func (d *drawer) leafValues(l leaf) []any {
	switch {
	case l.s.text("type") == "boolean":
		return []any{true, false}
	case l.s.text("type") == "array":
		return []any{[]any{}, []any{d.leafValue(l)}, []any{d.leafValue(l), d.leafValue(l)}}
	}
	return []any{d.leafValue(l)}
}

// filterMoments are within what filterStage makes, some to the second.
var filterMoments = []any{"2021-06-01T12:10:00Z", "2021-06-01T11:30:00Z", "2021-06-01T14:30:00+02:00", "2021-06-01T13:20:00Z", "2021-06-01T12:24:00Z", "2090-01-01T00:00:00Z"}

// filterTexts are what members of filters are asked for, by the beginnings of the names
// of the schemas that they belong to.
var filterTexts = []struct {
	owner string
	texts []any
}{
	{"FlowFilterName", []any{"g-flow", "h-flow", "k-flow"}},
	{"FlowRunFilterName", []any{"f-late", "f-done", "g-run"}},
	{"FlowRunFilterWorkQueueName", []any{"g-queue", "default"}},
	{"FlowRunFilterStateName", []any{"Late", "Completed", "TimedOut", "Scheduled", "Running"}},
	{"FlowRunFilterFlowVersion", []any{"v1", "v2"}},
	{"FlowRunFilterIdempotencyKey", []any{"f-1", "f-2", "g-key"}},
	{"FlowRunFilterCreatedBy", []any{"DEPLOYMENT", "SCHEDULE"}},
	{"TaskRunFilterName", []any{"f-parent", "g-task", "f-waits"}},
	{"TaskRunFilterStateName", []any{"Completed", "AwaitingRetry", "Pending"}},
	{"TaskRunFilterTags", []any{"t", "u", "g-tag"}},
	{"DeploymentFilterName", []any{"g-deployment", "i-deployment"}},
	{"DeploymentFilterWorkQueueName", []any{"g-queue", "default"}},
	{"DeploymentFilterTags", []any{"t"}},
	{"WorkPoolFilterName", []any{"g-pool", "h-pool"}},
	{"WorkPoolFilterType", []any{"process", "docker"}},
	{"WorkQueueFilterName", []any{"g-queue", "default", "G-"}},
	{"ArtifactFilterKey", []any{"g-key", "f-key"}},
	{"ArtifactCollectionFilterKey", []any{"g-key", "f-key"}},
	{"ArtifactFilterType", []any{"markdown", "table", "result"}},
	{"ArtifactCollectionFilterType", []any{"markdown", "table", "result"}},
	{"VariableFilterName", []any{"g-variable", "f_variable"}},
	{"BlockTypeFilterSlug", []any{"g-slug", "secret"}},
	{"BlockSchemaFilterVersion", []any{"1.0", "0.0.1"}},
	{"BlockSchemaFilterCapabilities", []any{"read-path", "write-path"}},
	{"BlockDocumentFilterName", []any{"g-document", "f-document"}},
	{"LogFilterTextSearch", []any{"apples", "apples -pears", `"line about"`, "pears OR hello"}},
	{"AutomationFilterName", []any{"g-automation", "f-automation"}},
	{"", []any{"a", "b", "c"}},
}

var filterPatterns = []any{"g-", "F", "%o%", "_-_", "flow", "TASK", "eploy", "type"}

func (d *drawer) leafValue(l leaf) any {
	s := l.s
	if s.text("type") == "array" {
		_, s = d.doc.resolve(s.sub("items"))
	}
	switch {
	case s.text("format") == "uuid":
		return d.id(l.owner, "")
	case s.text("format") == "date-time":
		return one(d, filterMoments)
	case s.text("type") == "integer":
		return one(d, []any{1, 2, 30, 40})
	case len(s.list("enum")) > 0:
		return one(d, s.list("enum"))
	case l.name() == "like_":
		return one(d, filterPatterns)
	}
	for _, known := range filterTexts {
		if strings.HasPrefix(l.owner, known.owner) {
			return one(d, known.texts)
		}
	}
	panic(fmt.Sprintf("no text for %s", l.owner)) // the last fits all
}

// combined are several members of one or two filters, with operators.
func (d *drawer) combined(filters map[string][]leaf) map[string]any {
	names := slices.Sorted(maps.Keys(filters))
	out := map[string]any{}
	for range one(d, []int{1, 1, 2}) {
		name := one(d, names)
		filter := map[string]any{}
		for range one(d, []int{2, 2, 3}) {
			l := one(d, filters[name])
			merge(filter, l.under(one(d, d.leafValues(l))))
		}
		d.operate(filter, filters[name])
		out[name] = filter
	}
	return out
}

func merge(into, from map[string]any) {
	for name, value := range from {
		inner, isObject := value.(map[string]any)
		if there, both := into[name].(map[string]any); isObject && both {
			merge(there, inner)
			continue
		}
		into[name] = value
	}
}

// operate gives a filter an operator.
func (d *drawer) operate(filter map[string]any, leaves []leaf) {
	if slices.ContainsFunc(leaves, func(l leaf) bool {
		return strings.HasPrefix(l.owner, "BlockType") || strings.HasPrefix(l.owner, "TaskWorker")
	}) {
		return // they have none
	}
	filter["operator"] = one(d, []any{"and_", "or_", "or_"})
}
