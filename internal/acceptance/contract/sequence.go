package contract

import (
	_ "embed"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/usherhq/usher/internal/acceptance/replay"
)

// stage makes the objects that every sequence starts with.
//
//go:embed stage.http
var stage string

// Groups are the nouns whose operations share a sequence.
var Groups = map[string][]string{
	"flows":       {"flows", "ui", "saved_searches"},
	"runs":        {"flow_runs", "flow_run_states"},
	"tasks":       {"task_runs", "task_run_states", "task_workers"},
	"deployments": {"deployments"},
	"pools":       {"work_pools", "work_queues"},
	"limits":      {"concurrency_limits", "v2"},
	"blocks":      {"block_types", "block_schemas", "block_documents", "block_capabilities", "collections"},
	"stored":      {"variables", "artifacts", "logs", "events", "automations"},
	"root":        {"admin", "csrf-token", "health", "hello", "ready", "version", "templates"},
}

// Generate makes the sequence of a group: the stage, then about perOperation requests for
// each operation with a body and some for the others, in an order that mixes them.
func (d *Document) Generate(group string, seed uint64, perOperation int) ([]replay.Step, error) {
	hash := fnv.New64()
	hash.Write([]byte(group)) //nolint:errcheck // it can't fail
	draw := &drawer{Rand: rand.New(rand.NewPCG(seed, hash.Sum64())), doc: d, ids: map[string][]string{}}
	steps, err := draw.stage(stage)
	if err != nil {
		return nil, err
	}
	var ops []Operation
	for _, op := range d.Operations {
		if !slices.Contains(Groups[group], op.Noun()) {
			continue
		}
		n := 4
		if op.body != nil {
			n = perOperation
		}
		ops = append(ops, slices.Repeat([]Operation{op}, n)...)
	}
	draw.Shuffle(len(ops), func(i, j int) { ops[i], ops[j] = ops[j], ops[i] })
	for i, op := range ops {
		steps = append(steps, draw.step(op, i))
	}
	return steps, nil
}

// stage reads the steps that make objects, and knows those from then on.
func (d *drawer) stage(script string) ([]replay.Step, error) {
	steps, err := replay.Parse(script)
	if err != nil {
		return nil, err
	}
	for _, step := range steps {
		for name := range step.Keep {
			kind := strings.TrimRight(name, "0123456789")
			d.ids[kind] = append(d.ids[kind], name)
		}
	}
	for _, names := range d.ids {
		slices.Sort(names)
	}
	return steps, nil
}

// step draws a request: half of those with a body are broken.
func (d *drawer) step(op Operation, i int) replay.Step {
	step := replay.Step{Comment: op.String(), Method: op.Method, Path: d.path(op), Keep: map[string]string{}}
	if op.body == nil {
		return step
	}
	body := d.value(op.body, "", "")
	if d.chance(50) {
		body = d.broken(body)
	} else if kind := makes[op.String()]; kind != "" {
		name := fmt.Sprintf("%s%d", kind, 100+i)
		step.Keep[name] = "id"
		d.ids[kind] = append(d.ids[kind], name)
	}
	text, err := json.Marshal(body, json.Deterministic(true))
	if err != nil {
		panic(err) // it is made of what encodes
	}
	step.Body = string(text)
	if d.chance(3) {
		step.Body = one(d, []string{"", "null", "[]", "{", `{"a":}`, `"text"`, "5", `{"name":"a","name":"b"}`, "{} x", "[1,]", "'a'", `{"a":NaN}`})
	}
	return step
}

var inBraces = regexp.MustCompile(`\{(\w+)\}`)

func (d *drawer) path(op Operation) string {
	path := inBraces.ReplaceAllStringFunc(op.Path, func(parameter string) string {
		return d.parameter(op, strings.Trim(parameter, "{}"))
	})
	query := []string{}
	for _, p := range op.query {
		if d.chance(70) {
			value := fmt.Sprint(d.value(p.Schema, "", p.Name))
			if d.chance(15) {
				value = one(d, []string{"", "x", "-1", "true", "2021-06-01T00:00:00Z"})
			}
			if !strings.HasPrefix(value, "$") {
				value = url.QueryEscape(value)
			}
			query = append(query, p.Name+"="+value)
		}
	}
	if len(query) > 0 {
		path += "?" + strings.Join(query, "&")
	}
	return path
}

// parameter draws a part of the path.
func (d *drawer) parameter(op Operation, name string) string {
	if names := d.names[named(op, name)]; len(names) > 0 && !d.chance(5) {
		return one(d, names)
	}
	switch name {
	case "schedule_id":
		return d.pathID("schedule")
	case "lease_id":
		return d.pathID("lease")
	case "id":
		kind := pathKinds[op.Noun()]
		return d.pathID(kind)
	case "id_or_name":
		if d.chance(40) {
			return d.pathID("limit")
		}
		return one(d, []string{"g-limit", "nobody"})
	case "tag":
		return one(d, []string{"g-tag", "nobody"})
	case "countable":
		return one(d, []string{"day", "time", "event", "resource", "nonsense"})
	case "resource_id":
		return one(d, []string{"prefect.deployment.$deployment", "prefect.flow-run.$run", "nobody"})
	case "view":
		return one(d, []string{"aggregate-worker-metadata", "demo-flows", "nonsense"})
	case "key":
		return one(d, []string{"g-key", "nobody", "n1"})
	case "slug":
		return one(d, []string{"g-slug", "secret", "nobody"})
	case "checksum":
		return one(d, []string{"sha256:nothing", "$checksum"})
	case "flow_name":
		return one(d, []string{"g-flow", "h-flow", "nobody"})
	}
	names := []string{"g-" + strings.TrimSuffix(strings.ReplaceAll(op.Noun(), "work_", ""), "s"), "n1", "with%20space", "nobody"}
	switch {
	case name == "work_pool_name" || strings.HasPrefix(op.Path, "/work_pools/{name}"):
		names = []string{"g-pool", "g-pool", "h-pool", "nobody"}
	case strings.Contains(op.Path, "/queues/"):
		names = []string{"g-queue", "default", "nobody"}
	case strings.Contains(op.Path, "/workers/"):
		names = []string{"g-worker", "nobody"}
	case name == "deployment_name":
		names = []string{"g-deployment", "h-deployment", "nobody"}
	case name == "block_document_name":
		names = []string{"g-document", "nobody"}
	}
	return one(d, names)
}

// named says what kind of object a part of the path names.
func named(op Operation, name string) string {
	switch {
	case name == "work_pool_name", strings.HasPrefix(op.Path, "/work_pools/{name}"):
		return "pool"
	case strings.Contains(op.Path, "/queues/{name}"):
		return "queue"
	case strings.Contains(op.Path, "/workers/{name}"):
		return "worker"
	case strings.HasPrefix(op.Path, "/variables/name/"):
		return "variable"
	}
	return ""
}

func (d *drawer) pathID(kind string) string {
	switch known := d.ids[kind]; {
	case d.names != nil && len(known) > 0 && !d.chance(5):
		return "$" + d.recent(known)
	case d.chance(6):
		return one(d, []string{"not-an-id", "123", strings.ReplaceAll(unknownID, "-", ""), "%20"})
	case len(known) == 0 || d.chance(10):
		return unknownID
	default:
		return "$" + one(d, known)
	}
}

// recent is one of the objects that were made last, or that of the stage.
func (d *drawer) recent(known []string) string {
	if d.chance(30) {
		return known[0]
	}
	return one(d, known[max(0, len(known)-3):])
}

var pathKinds = map[string]string{
	"flows": "flow", "flow_runs": "run", "task_runs": "task", "deployments": "deployment", "work_queues": "queue",
	"saved_searches": "search", "concurrency_limits": "taglimit", "block_types": "blocktype", "block_schemas": "blockschema",
	"block_documents": "blockdocument", "variables": "variable", "artifacts": "artifact", "automations": "automation",
	"flow_run_states": "runstate", "task_run_states": "taskstate", "ui": "task",
}

// makes says which operations make an object, and of what kind.
var makes = map[string]string{
	"POST /flows/": "flow", "POST /flow_runs/": "run", "POST /task_runs/": "task", "POST /deployments/": "deployment",
	"POST /deployments/{id}/create_flow_run": "run", "POST /work_pools/": "pool", "POST /work_pools/{work_pool_name}/queues": "queue",
	"POST /work_queues/": "queue", "PUT /saved_searches/": "search", "POST /concurrency_limits/": "taglimit",
	"POST /v2/concurrency_limits/": "limit", "POST /block_types/": "blocktype", "POST /block_schemas/": "blockschema",
	"POST /block_documents/": "blockdocument", "POST /variables/": "variable", "POST /artifacts/": "artifact", "POST /automations/": "automation",
}
