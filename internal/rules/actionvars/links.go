package actionvars

import (
	"strings"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/rules/jinja"
)

// pages are where the UI shows objects of a kind.
var pages = map[string]string{
	"flow": "flows/flow/{id}", "flow-run": "runs/flow-run/{id}", "task-run": "runs/task-run/{id}", "block-document": "blocks/block/{id}",
	"work-pool": "work-pools/work-pool/{name}", "work-queue": "work-queues/work-queue/{id}",
	"concurrency-limit": "concurrency-limits/concurrency-limit/{id}", "deployment": "deployments/deployment/{id}",
	"automation": "automations/automation/{id}", "event": "events/event/{occurred}/{id}",
}

// pageOf is the address of an object's page, nil when it has none; a resource of an event
// has none, as in the reference.
func pageOf(of any, ui string) any {
	m, isModel := of.(*Model)
	if !isModel {
		return nil
	}
	page, known := pages[m.kind]
	if !known || ui == "" {
		return nil
	}
	for _, name := range []string{"id", "name", "occurred"} {
		page = strings.ReplaceAll(page, "{"+name+"}", m.text(name))
	}
	return ui + "/" + page
}

// eventsOf is the address of the events of an object, nil when it has none.
func eventsOf(of any, ui string) any {
	switch of := of.(type) {
	case *Model:
		switch of.kind {
		case "automation", "deployment", "flow", "flow-run", "task-run", "work-queue", "work-pool":
			return ui + "/events?resource=prefect." + of.kind + "." + of.text("id")
		}
	case resource:
		return ui + "/events?resource=" + of.labels["prefect.resource.id"]
	}
	return nil
}

// Filters are the filters that templates in actions have besides the usual ones; ui is
// where the UI is, without a slash at the end.
func Filters(ui string) map[string]jinja.Func {
	one := func(f func(any) any) jinja.Func {
		return func(args []any, _ map[string]any) (any, error) { return f(args[0]), nil }
	}
	return map[string]jinja.Func{
		"ui_url":                 one(func(of any) any { return pageOf(of, ui) }),
		"ui_resource_events_url": one(func(of any) any { return eventsOf(of, ui) }),
		"flow_run_id":            one(flowRunID),
	}
}

// flowRunID finds the id of a flow run in a text, as in the address of its page.
func flowRunID(of any) any {
	text, _ := of.(string)
	for {
		_, rest, found := strings.Cut(text, "flow-run/")
		if !found {
			return nil
		}
		if id, err := uuid.Parse(rest[:min(36, len(rest))]); err == nil && strings.HasPrefix(rest, id.String()) {
			return id.String()
		}
		text = rest
	}
}
