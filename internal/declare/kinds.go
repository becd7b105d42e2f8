package declare

import (
	"context"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/client"
)

// The kinds that have rules of their own.
const (
	variableKind = "variable"
	poolKind     = "work-pool"
	queueKind    = "work-queue"
	blockKind    = "block"
)

// kind is one kind of object: where it is read and how it is changed.
type kind struct {
	name   string
	fields []string // that can be declared, in the order of an export
	loose  []string // fields in which the server fills in what is not said
	fixed  []string // fields that are said once, when the object is made
	whole  bool     // a change sends all fields
	filter string   // the path that lists the objects
	wire   wire

	// read makes an object of what the server has; nil leaves it out.
	read func(item fields) *Object
	// create, change and remove say what to send; nil where that can't be done.
	create, change func(ctx context.Context, c *client.Client, o *Object, body fields) (request, error)
	remove         func(o *Object) request
}

// request is one call of the API.
type request struct {
	method, path string
	body         fields
}

func kinds() []*kind {
	return []*kind{variables(), workPools(), workQueues(), blocks(), globalLimits(), tagLimits(), deployments(), automations()}
}

// named reads objects that are known by one member.
func named(member string) func(fields) *Object {
	return func(item fields) *Object {
		return &Object{Name: item.text(member), id: item.text("id"), fields: item}
	}
}

// post makes objects at a path, with their name as a member.
func post(path, member string) func(context.Context, *client.Client, *Object, fields) (request, error) {
	return func(_ context.Context, _ *client.Client, o *Object, body fields) (request, error) {
		var err error
		body[member], err = json.Marshal(o.Name)
		return request{"POST", path, body}, err
	}
}

// patch changes the object that the address names.
func patch(address func(*Object) string) func(context.Context, *client.Client, *Object, fields) (request, error) {
	return func(_ context.Context, _ *client.Client, o *Object, body fields) (request, error) {
		return request{"PATCH", address(o), body}, nil
	}
}

func remove(address func(*Object) string) func(*Object) request {
	return func(o *Object) request { return request{"DELETE", address(o), nil} }
}

// byItsName is the address of an object that the API knows by its name.
func byItsName(prefix string) func(*Object) string {
	return func(o *Object) string { return prefix + url.PathEscape(o.Name) }
}

func byItsID(prefix string) func(*Object) string {
	return func(o *Object) string { return prefix + o.id }
}

func variables() *kind {
	address := byItsName("/variables/name/")
	return &kind{
		name: variableKind, fields: []string{"value", "tags"}, filter: "/variables/filter",
		wire: wire{"name", typed[api.VariableCreate], typed[api.VariableUpdate]},
		read: named("name"), create: post("/variables/", "name"), change: patch(address), remove: remove(address),
	}
}

func workPools() *kind {
	address := byItsName("/work_pools/")
	return &kind{
		name: poolKind, fields: []string{"type", "description", "is_paused", "concurrency_limit", "base_job_template"},
		fixed: []string{"type"}, filter: "/work_pools/filter",
		wire: wire{"name", typed[api.WorkPoolCreate], typed[api.WorkPoolUpdate]},
		read: named("name"), create: post("/work_pools/", "name"), change: patch(address), remove: remove(address),
	}
}

// workQueues are named pool/queue. The queue that each pool has of itself is not removed.
func workQueues() *kind {
	address := func(o *Object) string {
		pool, name, _ := strings.Cut(o.Name, "/")
		return "/work_pools/" + url.PathEscape(pool) + "/queues/" + url.PathEscape(name)
	}
	return &kind{
		name: queueKind, fields: []string{"description", "is_paused", "concurrency_limit", "priority"}, filter: "/work_queues/filter",
		wire: wire{"name", typed[api.WorkQueueCreate], typed[api.WorkQueueUpdate]},
		read: func(item fields) *Object {
			return &Object{Name: item.text("work_pool_name") + "/" + item.text("name"), id: item.text("id"), fields: item}
		},
		create: func(ctx context.Context, c *client.Client, o *Object, body fields) (request, error) {
			pool, name, ok := strings.Cut(o.Name, "/")
			if !ok {
				return request{}, api.Errorf(api.CodeInvalid, "a work queue is named pool/queue, and %q is not", o.Name)
			}
			return post("/work_pools/"+url.PathEscape(pool)+"/queues", "name")(ctx, c, &Object{Name: name}, body)
		},
		change: patch(address),
		remove: remove(address),
	}
}

// globalLimits leaves out those that the server keeps for tags and deployments.
func globalLimits() *kind {
	address := byItsName("/v2/concurrency_limits/")
	return &kind{
		name: "global-limit", fields: []string{"limit", "active", "slot_decay_per_second"}, filter: "/v2/concurrency_limits/filter",
		wire: wire{"name", typed[api.ConcurrencyLimitV2Create], typed[api.ConcurrencyLimitV2Update]},
		read: func(item fields) *Object {
			name := item.text("name")
			if strings.HasPrefix(name, "tag:") || strings.HasPrefix(name, "deployment:") {
				return nil
			}
			return named("name")(item)
		},
		create: post("/v2/concurrency_limits/", "name"), change: patch(address), remove: remove(address),
	}
}

func tagLimits() *kind {
	set := post("/concurrency_limits/", "tag") // makes the limit or changes it
	return &kind{
		name: "tag-limit", fields: []string{"concurrency_limit"}, whole: true, filter: "/concurrency_limits/filter",
		wire: wire{"tag", typed[api.ConcurrencyLimitCreate], typed[api.ConcurrencyLimitCreate]},
		read: named("tag"), create: set, change: set, remove: remove(byItsName("/concurrency_limits/tag/")),
	}
}

// deployments are made by code, so here they can only be changed.
func deployments() *kind {
	return &kind{
		name: "deployment",
		fields: []string{
			"description", "version", "tags", "paused", "parameters", "enforce_parameter_schema", "work_pool_name", "work_queue_name",
			"job_variables", "concurrency_limit", "schedules",
		},
		loose: []string{"schedules"}, filter: "/deployments/filter", wire: wire{change: typed[api.DeploymentUpdate]}, read: readDeployment, change: patch(byItsID("/deployments/")),
	}
}

// readDeployment is known by flow/deployment; the flow's name is added by the reader.
func readDeployment(item fields) *Object {
	o := &Object{Name: item.text("flow_name") + "/" + item.text("name"), id: item.text("id"), fields: item}
	var limit fields
	if json.Unmarshal(item["global_concurrency_limit"], &limit) == nil && limit != nil {
		item["concurrency_limit"] = limit["limit"]
	}
	item["schedules"] = without(item["schedules"], "id", "created", "updated", "deployment_id")
	return o
}

func automations() *kind {
	actions := []string{"actions", "actions_on_trigger", "actions_on_resolve"}
	declared := append([]string{"description", "enabled", "tags", "trigger"}, actions...)
	address := byItsID("/automations/")
	return &kind{
		name: "automation", wire: wire{"name", typed[api.AutomationCreate], typed[api.AutomationUpdate]},
		fields: declared, loose: append([]string{"trigger"}, actions...), whole: true, filter: "/automations/filter",
		read: func(item fields) *Object {
			item["trigger"] = without(item["trigger"], "id")
			return named("name")(item)
		},
		create: post("/automations/", "name"),
		change: func(ctx context.Context, c *client.Client, o *Object, body fields) (request, error) {
			r, err := post(address(o), "name")(ctx, c, o, body)
			r.method = "PUT"
			return r, err
		},
		remove: remove(address),
	}
}

// without leaves members out of an object, or of the objects of a list, at any depth of
// triggers.
func without(value jsontext.Value, members ...string) jsontext.Value {
	var tree any
	if json.Unmarshal(value, &tree) != nil {
		return value
	}
	strip(tree, members)
	stripped, err := json.Marshal(tree, json.Deterministic(true))
	if err != nil {
		return value
	}
	return stripped
}

func strip(tree any, members []string) {
	switch t := tree.(type) {
	case []any:
		for _, item := range t {
			strip(item, members)
		}
	case map[string]any:
		for _, name := range members {
			delete(t, name)
		}
		strip(t["triggers"], members)
	}
}
