package contract

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/usherhq/usher/internal/acceptance/replay"
)

// ChangeGroup is the sequence that changes objects of all kinds, of which the events are
// compared.
const ChangeGroup = "changes"

// changes says how often each operation that may emit events is drawn.
var changes = map[string]int{
	"POST /flows/": 4, "PATCH /flows/{id}": 4, "DELETE /flows/{id}": 1, "POST /flows/bulk_delete": 1,
	"POST /deployments/": 10, "PATCH /deployments/{id}": 10, "DELETE /deployments/{id}": 2, "POST /deployments/bulk_delete": 1,
	"POST /deployments/{id}/pause_deployment": 2, "POST /deployments/{id}/resume_deployment": 2,
	"POST /deployments/{id}/schedules": 1, "DELETE /deployments/{id}/schedules/{schedule_id}": 1, "PATCH /deployments/{id}/schedules/{schedule_id}": 1,
	"POST /deployments/{id}/create_flow_run": 8, "POST /deployments/get_scheduled_flow_runs": 2,
	"POST /flow_runs/": 10, "PATCH /flow_runs/{id}": 4, "DELETE /flow_runs/{id}": 2, "POST /flow_runs/{id}/resume": 4, "POST /flow_runs/bulk_delete": 1,
	"PATCH /flow_runs/{id}/labels": 1, "POST /task_runs/": 5, "DELETE /task_runs/{id}": 1,
	"POST /work_pools/": 6, "PATCH /work_pools/{name}": 10, "DELETE /work_pools/{name}": 2, "POST /work_pools/{name}/get_scheduled_flow_runs": 3,
	"POST /work_pools/{work_pool_name}/queues": 6, "PATCH /work_pools/{work_pool_name}/queues/{name}": 8, "DELETE /work_pools/{work_pool_name}/queues/{name}": 2,
	"POST /work_pools/{work_pool_name}/workers/heartbeat": 5, "DELETE /work_pools/{work_pool_name}/workers/{name}": 1,
	"POST /work_queues/": 3, "PATCH /work_queues/{id}": 5, "DELETE /work_queues/{id}": 1, "POST /work_queues/{id}/get_runs": 2,
	"POST /concurrency_limits/": 3, "DELETE /concurrency_limits/{id}": 1, "DELETE /concurrency_limits/tag/{tag}": 1, "POST /concurrency_limits/tag/{tag}/reset": 1,
	"POST /v2/concurrency_limits/": 4, "PATCH /v2/concurrency_limits/{id_or_name}": 5, "DELETE /v2/concurrency_limits/{id_or_name}": 1, "POST /v2/concurrency_limits/increment": 1,
	"POST /block_types/": 3, "PATCH /block_types/{id}": 3, "DELETE /block_types/{id}": 1, "POST /block_schemas/": 2, "DELETE /block_schemas/{id}": 1,
	"POST /block_documents/": 7, "PATCH /block_documents/{id}": 4, "DELETE /block_documents/{id}": 2,
	"POST /variables/": 4, "PATCH /variables/{id}": 4, "PATCH /variables/name/{name}": 2, "DELETE /variables/{id}": 1, "DELETE /variables/name/{name}": 1,
	"POST /artifacts/": 6, "PATCH /artifacts/{id}": 3, "DELETE /artifacts/{id}": 3,
	"POST /automations/": 4, "PATCH /automations/{id}": 3, "PUT /automations/{id}": 3, "DELETE /automations/{id}": 1, "DELETE /automations/owned-by/{resource_id}": 1,
	"POST /flow_runs/{id}/set_state": 40, "POST /task_runs/{id}/set_state": 2, "POST /flow_runs/bulk_set_state": 2, "POST /events": 2,
}

// GenerateChanges makes the sequence of ChangeGroup: the stage, then n requests of the
// operations that change something, some of them broken.
func (d *Document) GenerateChanges(seed uint64, n int) ([]replay.Step, error) {
	c := d.changer(seed)
	steps, err := c.stage(stage)
	if err != nil {
		return nil, err
	}
	var ops []Operation
	for _, op := range d.Operations {
		ops = append(ops, slices.Repeat([]Operation{op}, changes[op.String()])...)
	}
	for i := range n {
		steps = append(steps, c.change(one(c.drawer, ops), i))
	}
	return steps, nil
}

// changer draws requests that change something.
type changer struct {
	*drawer
	needed map[string]bool // variables and names of pools
}

func (d *Document) changer(seed uint64) *changer {
	return &changer{needed: map[string]bool{"$flow": true, "g-pool": true}, drawer: &drawer{
		Rand: rand.New(rand.NewPCG(seed, 3)), doc: d, ids: map[string][]string{},
		names: map[string][]string{"pool": {"g-pool", "h-pool"}, "queue": {"g-queue", "default"}, "variable": {"g-variable"}, "limit": {"g-limit"}, "worker": {"g-worker", "h-worker"}},
	}}
}

// change draws a request of an operation.
func (c *changer) change(op Operation, i int) replay.Step {
	step := replay.Step{Comment: op.String(), Method: op.Method, Path: c.path(op), Keep: map[string]string{}}
	if op.Method == "DELETE" {
		if c.isNeeded(step.Path) && !c.chance(5) {
			return c.change(op, i)
		}
		c.forget(step.Path)
	}
	if op.body == nil {
		return step
	}
	body := c.body(op)
	if c.chance(8) {
		body = c.broken(body)
	} else {
		c.remember(op, body, i, step.Keep)
	}
	text, err := json.Marshal(body, json.Deterministic(true))
	if err != nil {
		panic(err) // it is made of what encodes
	}
	step.Body = string(text)
	c.needs(step.Body)
	return step
}

// isNeeded says that a path ends in what other objects need, and in the reference are
// deleted with.
func (c *changer) isNeeded(path string) bool { return c.needed[path[strings.LastIndex(path, "/")+1:]] }

// needs notes what a body names.
func (c *changer) needs(body string) {
	for _, name := range aVariable.FindAllString(body, -1) {
		c.needed[name] = true
	}
	for _, name := range c.names["pool"] {
		if strings.Contains(body, `"work_pool_name":"`+name+`"`) {
			c.needed[name] = true
		}
	}
}

var aVariable = regexp.MustCompile(`\$[a-z]+\d*`)

// forget knows no more what is deleted, by its id or its name. What the stage has made first
// of a kind stays among what is drawn.
func (c *changer) forget(path string) {
	last := path[strings.LastIndex(path, "/")+1:]
	for _, list := range []map[string][]string{c.ids, c.names} {
		for kind, known := range list {
			if i := slices.Index(known, strings.TrimPrefix(last, "$")); i > 0 {
				list[kind] = slices.Delete(known, i, i+1)
			}
		}
	}
}

// remember knows what the request makes from then on.
func (c *changer) remember(op Operation, body any, i int, keep map[string]string) {
	kind := makes[op.String()]
	if kind == "" {
		return
	}
	name := fmt.Sprintf("%s%d", kind, 100+i)
	keep[name] = "id"
	c.ids[kind] = append(c.ids[kind], name)
	if members, isObject := body.(map[string]any); isObject && c.names[kind] != nil {
		if name, isText := members["name"].(string); isText && !strings.ContainsAny(name, " /%") {
			c.names[kind] = append(c.names[kind], name)
		}
	}
}

// body draws what the schema allows, but states that follow each other as in life, and
// automations that wait for what never happens.
func (c *changer) body(op Operation) any {
	switch op.String() {
	case "POST /flow_runs/{id}/set_state", "POST /task_runs/{id}/set_state":
		return map[string]any{"state": c.state(), "force": c.chance(30)}
	case "POST /flow_runs/bulk_set_state":
		return map[string]any{"state": c.state(), "flow_runs": c.some("run"), "force": c.chance(30)}
	case "POST /flow_runs/bulk_delete":
		return map[string]any{"flow_runs": c.gone("run")}
	case "POST /deployments/bulk_delete":
		return map[string]any{"deployments": c.gone("deployment")}
	case "POST /flows/bulk_delete":
		return map[string]any{"flows": c.gone("flow")}
	case "POST /events":
		return []any{c.event("client.happened")}
	case "PATCH /automations/{id}":
		return map[string]any{"enabled": c.chance(50)}
	case "POST /automations/", "PUT /automations/{id}":
		return c.automation(one(c.drawer, []any{[]any{"never"}, []any{"never.*", "nowhere"}}))
	}
	body := c.value(op.body, "", "")
	members, isObject := body.(map[string]any)
	if !isObject {
		return body
	}
	c.settle(op, members)
	return members
}

// settle takes from a body what no two plays have in common: moments that pass.
func (c *changer) settle(op Operation, members map[string]any) {
	if state, isObject := members["state"].(map[string]any); isObject && state != nil {
		members["state"] = c.state()
	}
	switch op.String() {
	case "POST /deployments/":
		delete(members, "schedules") // runs that are made ahead depend on the clock
	case "PATCH /deployments/{id}":
		delete(members, "schedules")
	case "POST /deployments/{id}/schedules", "PATCH /deployments/{id}/schedules/{schedule_id}":
		delete(members, "active")
	case "POST /work_pools/{work_pool_name}/workers/heartbeat":
		members["name"] = one(c.drawer, c.names["worker"])
	}
}

// some is a filter that selects one or two objects of a kind.
func (c *changer) some(kind string) any {
	ids := []any{}
	for range 1 + c.IntN(2) {
		ids = append(ids, "$"+c.recent(c.ids[kind]))
	}
	return map[string]any{"id": map[string]any{"any_": ids}}
}

// gone is a filter that selects the one or two objects of a kind that were made last, which
// nothing names any more.
func (c *changer) gone(kind string) any {
	ids := []any{}
	for known := c.ids[kind]; len(known) > 2 && len(ids) < 2; known = c.ids[kind] {
		ids = append(ids, "$"+known[len(known)-1])
		c.ids[kind] = known[:len(known)-1]
	}
	return map[string]any{"id": map[string]any{"any_": ids}}
}

// state draws a state that a client asks for.
func (c *changer) state() map[string]any {
	kind := one(c.drawer, []string{"PENDING", "PENDING", "RUNNING", "RUNNING", "RUNNING", "COMPLETED", "FAILED", "CRASHED", "CANCELLING", "CANCELLED", "PAUSED", "SCHEDULED"})
	state := map[string]any{"type": kind}
	details := map[string]any{}
	switch {
	case kind == "SCHEDULED":
		details["scheduled_time"] = one(c.drawer, []any{"2021-06-01T12:00:00Z", "2090-01-01T00:00:00Z"})
		if c.chance(40) {
			state["name"] = one(c.drawer, []string{"AwaitingRetry", "Late", "Resuming", "AwaitingConcurrencySlot"})
		}
	case kind == "PAUSED":
		details["pause_timeout"] = "2090-01-01T00:00:00Z"
		details["pause_reschedule"] = c.chance(50)
		if c.chance(40) {
			state["name"] = "Suspended"
		}
	case c.chance(15):
		state["name"] = one(c.drawer, []string{"Retrying", "Own name", "Cached", "a.b", "ünïcödé"})
	}
	if c.chance(30) {
		state["message"] = one(c.drawer, []any{"because", "", "<b>ünïcödé ☃</b>", strings.Repeat("long ", 50), nil})
	}
	if len(details) > 0 {
		state["state_details"] = details
	}
	return state
}

// event draws an event of a client, about an object of the server as often as not.
func (c *changer) event(name string) map[string]any {
	c.count++
	resource := map[string]any{"prefect.resource.id": c.resource()}
	if c.chance(40) {
		resource["prefect.resource.name"] = one(c.drawer, []any{"a thing", "ünïcödé"})
	}
	related := []any{}
	for range c.IntN(3) {
		related = append(related, map[string]any{"prefect.resource.id": c.resource(), "prefect.resource.role": one(c.drawer, []any{"flow-run", "beside", "deployment"})})
	}
	return map[string]any{
		"id": fmt.Sprintf("0181d1c0-0000-7000-8000-%012d", c.count), "event": name, "occurred": "$now",
		"resource": resource, "related": related, "payload": one(c.drawer, []any{map[string]any{}, map[string]any{"n": 1, "deep": map[string]any{"a": []any{1, nil}}}}),
	}
}

func (c *changer) resource() string {
	kind := one(c.drawer, slices.Sorted(maps.Keys(resourceKinds)))
	if len(c.ids[kind]) == 0 || c.chance(40) {
		return one(c.drawer, []string{"thing.1", "thing.2"})
	}
	return resourceKinds[kind] + ".$" + one(c.drawer, c.ids[kind])
}

// resourceKinds are the kinds of resources of the objects that actions infer.
var resourceKinds = map[string]string{
	"run": "prefect.flow-run", "deployment": "prefect.deployment", "pool": "prefect.work-pool", "queue": "prefect.work-queue", "automation": "prefect.automation",
}

// automation draws one that waits for events of these names.
func (c *changer) automation(expect any) map[string]any {
	c.count++
	body := map[string]any{
		"name": fmt.Sprintf("automation %d", c.count), "trigger": c.trigger(expect, 0), "actions": c.actions(1 + c.IntN(2)),
	}
	if c.chance(20) {
		body["actions_on_trigger"] = []any{map[string]any{"type": "do-nothing"}}
	}
	if c.chance(20) {
		body["description"], body["tags"] = "drawn", []any{"b", "a"}
	}
	if c.chance(15) {
		body["enabled"] = false
	}
	if c.chance(15) {
		body["owner_resource"] = "prefect.deployment.$" + one(c.drawer, c.ids["deployment"])
	}
	return body
}

// trigger draws one that is fulfilled by events of these names.
func (c *changer) trigger(expect any, depth int) map[string]any {
	if depth < 1 && c.chance(15) {
		kind := one(c.drawer, []string{"compound", "sequence"})
		trigger := map[string]any{"type": kind, "within": one(c.drawer, []any{nil, 3600}), "triggers": []any{c.trigger(expect, depth+1), c.trigger(expect, depth+1)}}
		if kind == "compound" {
			trigger["require"] = one(c.drawer, []any{"any", "all", 1})
		}
		return trigger
	}
	trigger := map[string]any{"type": "event", "posture": "Reactive", "expect": expect, "threshold": one(c.drawer, []any{1, 1, 1, 2}), "within": one(c.drawer, []any{0, 3600})}
	if c.chance(40) {
		trigger["for_each"] = []any{one(c.drawer, []any{"prefect.resource.id", "related:flow-run:prefect.resource.id"})}
	}
	if c.chance(25) {
		trigger["match"] = map[string]any{"prefect.resource.id": one(c.drawer, []any{"prefect.flow-run.*", "thing.*", "!prefect.*", []any{"thing.1", "prefect.*"}})}
	}
	if c.chance(15) {
		trigger["match_related"] = map[string]any{"prefect.resource.role": one(c.drawer, []any{"flow-run", "beside"})}
	}
	return trigger
}

// actions draws what an automation does.
func (c *changer) actions(n int) []any {
	list := make([]any, n)
	for i := range list {
		list[i] = c.action()
	}
	return list
}

func (c *changer) action() map[string]any {
	for _, kind := range []string{"deployment", "work-pool", "work-queue", "automation"} {
		if c.chance(12) {
			return c.switching(kind)
		}
	}
	switch c.IntN(6) {
	case 0:
		return map[string]any{"type": one(c.drawer, []any{"cancel-flow-run", "suspend-flow-run", "resume-flow-run", "delete-flow-run"})}
	case 1:
		return map[string]any{"type": "change-flow-run-state", "state": one(c.drawer, []any{"FAILED", "COMPLETED", "CANCELLED", "RUNNING"}), "name": one(c.drawer, []any{nil, "Own name"}), "message": one(c.drawer, []any{nil, "by an automation"})}
	case 2:
		return map[string]any{"type": "run-deployment", "deployment_id": "$" + one(c.drawer, c.ids["deployment"]), "parameters": one(c.drawer, []any{nil, map[string]any{}, map[string]any{"k": "{{ event.resource.id }}"}}), "schedule_after": 36000}
	case 3:
		return map[string]any{"type": "run-deployment", "source": "inferred", "schedule_after": 36000}
	}
	return map[string]any{"type": "do-nothing"}
}

// switching is an action that pauses or resumes an object.
func (c *changer) switching(kind string) map[string]any {
	action := map[string]any{"type": one(c.drawer, []string{"pause-", "resume-"}) + kind, "source": "inferred"}
	known := c.ids[strings.TrimPrefix(kind, "work-")]
	if len(known) > 0 && c.chance(50) {
		action["source"], action[strings.ReplaceAll(kind, "-", "_")+"_id"] = "selected", "$"+one(c.drawer, known)
	}
	return action
}
