package browser

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/usherhq/usher/internal/testkit"
)

type object = map[string]any

// person uses a web interface, and knows what has to come of it on the server.
type person struct {
	*testkit.Browser
	t    *testing.T
	s    *testkit.Server
	base string
	it   things
	gone []string // parts of addresses that the page asks for though nothing is there: any more, or yet
}

// A person makes, changes and deletes with the forms and buttons of the reference's
// interface what it has forms for. After each the server has what was asked for, and nothing
// went wrong in the browser.
func TestReferenceInterfaceIsUsed(t *testing.T) {
	t.Parallel()
	for name, use := range map[string]func(*person){"version": useFirst, "version v2": useSecond} {
		t.Run(name, func(t *testing.T) {
			s := testkit.UsherServer(t, "--ui-dir", referenceInterface(t))
			p := &person{testkit.StartBrowser(t, 1400, false), t, s, "", furnish(t, s), nil}
			p.Watch()
			use(p)
		})
	}
}

// page opens a page of the interface.
func (p *person) page(path string) {
	p.t.Helper()
	p.Open(p.s.URL + p.base + path)
}

// at waits until the server's answer is as it should be. Nothing may have gone wrong in the
// browser meanwhile.
func (p *person) at(method, path string, body any, right func(answer any) bool) {
	p.t.Helper()
	testkit.Eventually(p.t, 20*time.Second, func() error {
		var answer any
		err := try(p.t, p.s, method, path, body, &answer)
		if err == nil && !right(answer) {
			err = fmt.Errorf("%s %s answers %v", method, path, answer)
		}
		return err
	})
	p.fine()
}

// fine sees that the browser has nothing to complain of.
func (p *person) fine() {
	p.t.Helper()
	for _, problem := range p.Problems(p.s.URL) {
		if !slices.ContainsFunc(p.gone, func(path string) bool { return strings.Contains(problem, path) }) {
			p.t.Error(problem)
		}
	}
}

// counts waits until a filter finds so many.
func (p *person) counts(path string, body object, n int) {
	p.t.Helper()
	p.at(http.MethodPost, path, body, func(answer any) bool { return len(answer.([]any)) == n })
}

// has waits until the first that a filter finds has members of those values.
func (p *person) has(path string, body, want object) {
	p.t.Helper()
	p.at(http.MethodPost, path, body, func(answer any) bool {
		list := answer.([]any)
		return len(list) > 0 && includes(list[0], want)
	})
}

// is waits until what is at a path has members of those values.
func (p *person) is(path string, want object) {
	p.t.Helper()
	p.at(http.MethodGet, path, nil, func(answer any) bool { return includes(answer, want) })
}

// includes says that an object has the wanted members, at any depth.
func includes(got any, want object) bool {
	o, _ := got.(object)
	for name, w := range want {
		if inner, ok := w.(object); ok && !includes(o[name], inner) || !ok && fmt.Sprint(o[name]) != fmt.Sprint(w) {
			return false
		}
	}
	return o != nil
}

func named(kind string, name string) object {
	return object{kind: object{"name": object{"any_": []string{name}}}}
}

func useSecond(p *person) {
	p.base = "/v2"
	// A variable.
	p.page("/variables")
	p.Click("Add variable", "")
	p.Fill("Name", "by_hand")
	p.Fill("Value", `{"a": [1]}`)
	p.Click("Create", "")
	p.has("/variables/filter", named("variables", "by_hand"), object{"value": object{"a": "[1]"}})
	p.Click("Open menu", "by_hand")
	p.Click("Edit", "")
	p.Fill("Value", "17")
	p.Click("Save", "")
	p.has("/variables/filter", named("variables", "by_hand"), object{"value": 17})
	p.Click("Open menu", "by_hand")
	p.Click("Delete", "")
	p.Click("Delete", "Cancel")
	p.counts("/variables/filter", named("variables", "by_hand"), 0)

	// A block with a secret.
	p.gone = append(p.gone, "/block_types/slug/secret/block_documents/name/by-hand") // it looks whether the name is free
	p.page("/blocks/catalog/secret/create")
	p.Fill("Name", "by-hand")
	p.Fill("Value", "hunter2")
	p.Click("Save", "")
	p.See("by-hand")
	p.has("/block_documents/filter", object{"include_secrets": true}, object{"name": "by-hand", "data": object{"value": "hunter2"}})
	p.Screenshot("used_v2_block")
	p.Click("Open menu", "")
	p.Click("Edit", "")
	p.Fill("Value", "hunter3")
	p.Click("Save", "")
	p.has("/block_documents/filter", object{"include_secrets": true}, object{"name": "by-hand", "data": object{"value": "hunter3"}})
	p.page("/blocks")
	p.Click("Open menu", "by-hand")
	p.Click("Delete", "")
	p.Click("Delete", "Cancel")
	p.counts("/block_documents/filter", object{}, 1)

	// A work pool.
	p.page("/work-pools/create")
	p.Click("Execute flow runs as subprocesses", "")
	p.Click("Next", "")
	p.Fill("Name", "by-hand")
	p.Fill("Flow Run Concurrency", "3")
	p.Click("Next", "")
	p.Click("Create", "")
	p.See("almost ready")
	p.is("/work_pools/by-hand", object{"type": "process", "concurrency_limit": 3, "is_paused": false})
	p.Click("Pause work pool", "")
	p.is("/work_pools/by-hand", object{"is_paused": true})
	p.Screenshot("used_v2_pool")
	p.page("/work-pools")
	p.Click("Open menu", "by-hand")
	p.Click("Delete", "")
	p.gone = append(p.gone, "/work_pools/by-hand/")
	p.counts("/work_pools/filter", object{"work_pools": object{"name": object{"any_": []string{"by-hand"}}}}, 0)

	// Limits.
	p.page("/concurrency-limits")
	p.Click("add global concurrency limit", "")
	p.Fill("Concurrency Limit Name", "by-hand")
	p.Fill("Concurrency Limit", "3")
	p.Click("Save", "")
	p.is("/v2/concurrency_limits/by-hand", object{"limit": 3, "active": true})
	p.Click("toggle active", "by-hand")
	p.is("/v2/concurrency_limits/by-hand", object{"active": false})
	p.Click("Open menu", "by-hand")
	p.Click("Delete", "")
	p.Click("Delete", "Close")
	p.counts("/v2/concurrency_limits/filter", object{}, 2) // those that there were, one of a tag
	p.Click("Task Run", "")
	p.Click("add task run concurrency limit", "")
	p.Fill("Tag", "by-hand")
	p.Fill("Concurrency Limit", "4")
	p.Click("Add", "")
	p.is("/concurrency_limits/tag/by-hand", object{"concurrency_limit": 4})

	// An automation.
	p.page("/automations/create")
	p.Click("Select template", "")
	p.Click("Flow run state", "")
	p.Click("Any state", "")
	p.Click("Failed", "")
	p.Keys(testkit.Escape)
	p.Click("Next", "")
	p.Click("Select action", "")
	p.Click("Cancel a flow run", "")
	p.Click("Next", "")
	p.Fill("Automation Name", "by hand")
	p.Click("Save", "")
	p.See("by hand")
	automation := object{"automations": object{"name": object{"any_": []string{"by hand"}}}}
	p.has("/automations/filter", automation, object{"enabled": true, "trigger": object{"expect": "[prefect.flow-run.Failed]"}})
	p.Click("toggle automation", "by hand")
	p.has("/automations/filter", automation, object{"enabled": false})
	p.Screenshot("used_v2_automations")
	p.Click("Open menu", "by hand")
	p.Click("Edit", "")
	p.Click("Next", "")
	p.Click("Next", "")
	p.Fill("Automation Name", "by hand too")
	p.Click("Save", "")
	p.See("by hand too")
	automation = object{"automations": object{"name": object{"any_": []string{"by hand too"}}}}
	p.counts("/automations/filter", automation, 1)
	p.Click("Open menu", "by hand too")
	p.Click("Delete", "")
	p.Click("Delete", "Cancel")
	p.counts("/automations/filter", automation, 0)

	// Runs of a deployment.
	runs := object{"flow_runs": object{"deployment_id": object{"any_": []string{p.it.deployment}}}, "sort": "START_TIME_DESC"}
	p.page("/deployments/deployment/" + p.it.deployment)
	p.Click("Run", "nightly")
	p.Click("Quick run", "")
	p.counts("/flow_runs/filter", runs, 2)
	p.Click("Run", "nightly")
	p.Click("Custom run", "")
	p.Fill("Run Name", "by-hand")
	p.Fill("who", "them")
	p.Click("Submit", "")
	byHand := object{"flow_runs": object{"name": object{"any_": []string{"by-hand"}}}}
	p.has("/flow_runs/filter", byHand, object{"parameters": object{"who": "them"}, "deployment_id": p.it.deployment, "state_type": "SCHEDULED"})
	p.page("/deployments/deployment/" + p.it.deployment)
	p.Click("toggle Every 1 day", "")
	p.schedule(true)
	p.Screenshot("used_v2_deployment")
	p.Click("toggle Every 1 day", "")
	p.schedule(false)

	// What becomes of runs.
	p.page("/runs/flow-run/" + p.run("to-cancel", "RUNNING"))
	p.Click("", "to-cancel")
	p.Click("Cancel", "")
	p.Click("Cancel Flow Run", "")
	p.has("/flow_runs/filter", named("flow_runs", "to-cancel"), object{"state_type": "CANCELLING"})
	p.page("/runs/flow-run/" + p.run("to-retry", "RUNNING", "FAILED"))
	p.Click("", "to-retry")
	p.Click("Retry", "")
	p.Click("Retry", "Cancel")
	p.has("/flow_runs/filter", named("flow_runs", "to-retry"), object{"state_type": "SCHEDULED", "state_name": "AwaitingRetry"})
	deleted := p.run("to-delete", "RUNNING")
	p.page("/runs/flow-run/" + deleted)
	p.Screenshot("used_v2_run")
	p.Click("", "to-delete")
	p.Click("Delete", "")
	p.gone = append(p.gone, "/flow_runs/"+deleted, "flow-run-graph") // the drawing is not ready for its page's end
	p.Click("Delete", "Cancel")
	p.counts("/flow_runs/filter", named("flow_runs", "to-delete"), 0)

	// Runs are looked for.
	p.page("/runs")
	p.See("to-cancel")
	p.Fill("Search by flow run name", "to-ret")
	p.See("1 Flow run")
	p.See("to-retry")
	p.Fill("Search by flow run name", "")
	p.Click("All run states", "")
	p.Click("Completed", "")
	p.Keys(testkit.Escape)
	p.See("1 Flow run")
	p.See(p.it.run.name)
	p.Screenshot("used_v2_runs")
	p.page("/artifacts")
	p.Fill("Search artifacts", "furn")
	p.Click("furnished-artifact", "")
	p.See("furnished-run")
	p.fine()
}

// run makes a run of the deployment that has come to some states.
func (p *person) run(name string, states ...string) (id string) {
	p.t.Helper()
	var made struct{ ID string }
	call(p.t, p.s, http.MethodPost, "/flow_runs/", object{"name": name, "flow_id": p.it.flow, "deployment_id": p.it.deployment, "work_pool_name": "furnished-pool", "state": object{"type": "PENDING"}}, &made)
	for _, state := range states {
		call(p.t, p.s, http.MethodPost, "/flow_runs/"+made.ID+"/set_state", object{"state": object{"type": state}}, nil)
	}
	return made.ID
}

// schedule waits until the only schedule of the deployment is as it should be.
func (p *person) schedule(active bool) {
	p.t.Helper()
	p.at(http.MethodGet, "/deployments/"+p.it.deployment, nil, func(answer any) bool {
		schedules := answer.(object)["schedules"].([]any)
		return len(schedules) == 1 && includes(schedules[0], object{"active": active})
	})
}

func useFirst(p *person) {
	// A variable.
	p.page("/variables")
	p.See("furnished_variable")
	p.gone = append(p.gone, "/variables/name/by_hand") // it looks whether the name is free
	p.Click("", "Variables")
	p.Fill("Name", "by_hand")
	p.Fill("Value", `{"a": [1]}`)
	p.Click("Create", "Close")
	p.has("/variables/filter", named("variables", "by_hand"), object{"value": object{"a": "[1]"}})
	p.menu("by_hand")
	p.Click("Edit", "")
	p.Fill("Value", "17")
	p.Click("Save", "Close")
	p.has("/variables/filter", named("variables", "by_hand"), object{"value": 17})
	p.menu("by_hand")
	p.Click("Delete", "")
	p.Click("Delete", "Close")
	p.counts("/variables/filter", named("variables", "by_hand"), 0)

	// A block with a secret.
	p.gone = append(p.gone, "/block_types/slug/secret/block_documents/name/by-hand")
	p.page("/blocks/catalog/secret/create")
	p.Fill("Name", "by-hand")
	p.Fill("Value", "hunter2")
	p.Click("Create", "Cancel")
	p.See("Block created")
	p.has("/block_documents/filter", object{"include_secrets": true}, object{"name": "by-hand", "data": object{"value": "hunter2"}})
	p.Screenshot("used_v1_block")
	p.menu("by-hand")
	p.Click("Edit", "")
	p.Fill("Value", "hunter3")
	p.Click("Save", "Cancel")
	p.has("/block_documents/filter", object{"include_secrets": true}, object{"name": "by-hand", "data": object{"value": "hunter3"}})
	p.See("********")
	p.menu("by-hand")
	p.Click("Delete", "")
	p.Click("Delete", "Close")
	p.counts("/block_documents/filter", object{}, 1)

	// A work pool.
	p.page("/work-pools/create")
	p.Click("Execute flow runs as subprocesses", "")
	p.Click("Next", "")
	p.Fill("Name", "by-hand")
	p.Fill("Flow Run Concurrency", "3")
	p.Click("Next", "")
	p.Click("Create", "Cancel")
	p.See("Work pool created")
	p.is("/work_pools/by-hand", object{"type": "process", "concurrency_limit": 3, "is_paused": false})
	p.Screenshot("used_v1_pool")
	p.page("/work-pools")
	p.switchOf("by-hand")
	p.is("/work_pools/by-hand", object{"is_paused": true})
	p.switchOf("by-hand")
	p.is("/work_pools/by-hand", object{"is_paused": false})
	p.page("/work-pools") // without the sign that it is paused, which is a button too
	p.menu("by-hand")
	p.Click("Delete", "")
	p.Click("Delete", "Close")
	p.gone = append(p.gone, "/work_pools/by-hand/")
	p.counts("/work_pools/filter", object{"work_pools": object{"name": object{"any_": []string{"by-hand"}}}}, 0)

	// A limit.
	p.page("/concurrency-limits")
	p.See("furnished-limit")
	p.Click("", "Concurrency")
	p.Fill("Concurrency Limit Name", "by-hand")
	p.Fill("Concurrency Limit", "3")
	p.Click("Create", "Close")
	p.is("/v2/concurrency_limits/by-hand", object{"limit": 3, "active": true})
	p.page("/concurrency-limits")
	p.See("by-hand")
	p.switchOf("by-hand")
	p.is("/v2/concurrency_limits/by-hand", object{"active": false})
	p.menu("by-hand")
	p.Click("Delete", "")
	p.Click("Delete", "Close")
	p.counts("/v2/concurrency_limits/filter", object{}, 2) // those that there were, one of a tag

	// An automation.
	p.page("/automations/create")
	p.Click("Flow run state", "")
	p.Click("Failed", "")
	p.Click("Next", "")
	p.Click("Cancel a flow run", "")
	p.Click("Next", "")
	p.Fill("Automation Name", "by hand")
	p.Click("Save", "")
	p.See("Automation created")
	automation := object{"automations": object{"name": object{"any_": []string{"by hand"}}}}
	p.has("/automations/filter", automation, object{"enabled": true, "trigger": object{"expect": "[prefect.flow-run.Failed]"}})
	p.page("/automations")
	p.switchOf("by hand")
	p.has("/automations/filter", automation, object{"enabled": false})
	p.Screenshot("used_v1_automations")
	p.menu("by hand")
	p.Click("Delete", "")
	p.Click("Delete", "Close")
	p.counts("/automations/filter", automation, 0)

	// Runs of a deployment.
	runs := object{"flow_runs": object{"deployment_id": object{"any_": []string{p.it.deployment}}}, "sort": "START_TIME_DESC"}
	p.page("/deployments/deployment/" + p.it.deployment)
	p.Click("Run", "nightly")
	p.Click("Quick run", "")
	p.counts("/flow_runs/filter", runs, 2)
	p.page("/deployments/deployment/" + p.it.deployment + "/run")
	p.Fill("Run Name", "by-hand")
	p.Fill("who", "them")
	p.Click("Submit", "")
	byHand := object{"flow_runs": object{"name": object{"any_": []string{"by-hand"}}}}
	p.has("/flow_runs/filter", byHand, object{"parameters": object{"who": "them"}, "deployment_id": p.it.deployment, "state_type": "SCHEDULED"})
	p.page("/deployments/deployment/" + p.it.deployment)
	p.switchOf("Schedules")
	p.schedule(true)
	p.Screenshot("used_v1_deployment")
	p.switchOf("Schedules")
	p.schedule(false)

	// A pool and an automation are changed.
	p.page("/work-pools/work-pool/furnished-pool/edit")
	p.Fill("Description", "by hand")
	p.Fill("Flow Run Concurrency", "7")
	p.Click("Save", "")
	p.is("/work_pools/furnished-pool", object{"description": "by hand", "concurrency_limit": 7})
	p.page("/automations")
	p.menu("furnished automation")
	p.Click("Edit", "")
	p.Click("Next", "")
	p.Click("Next", "")
	p.Fill("Automation Name", "by hand too")
	p.Click("Save", "")
	p.is("/automations/"+p.it.automation, object{"name": "by hand too", "trigger": object{"expect": "[furnished.happened]"}, "actions": "[map[type:do-nothing]]"})

	// A limit for task runs.
	p.page("/concurrency-limits")
	p.Click("Task Run", "")
	p.Click("", "Task Run Concurrency Limits")
	p.Fill("Tag", "by-hand")
	p.Fill("Concurrency Limit", "4")
	p.Click("Add", "Close")
	p.is("/concurrency_limits/tag/by-hand", object{"concurrency_limit": 4})

	// What becomes of runs: the buttons are at the end of the line of their page's title.
	p.page("/runs/flow-run/" + p.run("to-cancel", "RUNNING"))
	p.Click("Cancel", "to-cancel")
	p.Click("Confirm", "Close")
	p.has("/flow_runs/filter", named("flow_runs", "to-cancel"), object{"state_type": "CANCELLING"})
	p.page("/runs/flow-run/" + p.run("to-suspend", "RUNNING"))
	p.Click("Suspend", "to-suspend")
	p.Click("Submit", "Close")
	p.has("/flow_runs/filter", named("flow_runs", "to-suspend"), object{"state_type": "PAUSED", "state_name": "Suspended"})
	p.page("/runs/flow-run/" + p.run("to-retry", "RUNNING", "FAILED"))
	p.Click("Retry", "to-retry")
	p.Click("Retry", "Close")
	p.has("/flow_runs/filter", named("flow_runs", "to-retry"), object{"state_type": "SCHEDULED", "state_name": "AwaitingRetry"})
	deleted := p.run("to-delete", "RUNNING")
	p.page("/runs/flow-run/" + deleted)
	p.menu("Suspend")
	p.gone = append(p.gone, "/flow_runs/"+deleted, "getFlowRunsGraph") // the drawing is not ready for its page's end
	p.Click("Delete", "")
	p.Click("Delete", "Close")
	p.counts("/flow_runs/filter", named("flow_runs", "to-delete"), 0)

	// Runs are looked for, and what was asked for is kept.
	p.page("/runs")
	p.See("to-cancel")
	p.Fill("Search by flow run name", "to-ret")
	p.See("1 run")
	p.See("to-retry")
	p.page("/runs")
	p.Click("Completed", "")
	p.See("1 run")
	p.See(p.it.run.name)
	var other struct{ ID string }
	call(p.t, p.s, http.MethodPost, "/flows/", object{"name": "other"}, &other)
	call(p.t, p.s, http.MethodPost, "/flow_runs/", object{"name": "elsewhere", "flow_id": other.ID, "state": object{"type": "RUNNING"}}, nil)
	p.page("/runs")
	p.See("elsewhere")
	p.Click("other", "Flows")
	p.See("1 run")
	p.menu("Runs")
	p.Click("Save View", "")
	p.Fill("View Name", "by hand")
	p.Click("Save", "Close")
	p.has("/saved_searches/filter", object{}, object{"name": "by hand"})
	p.Screenshot("used_v1_runs")
	p.page("/runs")
	p.See("to-cancel")
	p.Click("by hand", "")
	p.See("1 run")
	p.See("elsewhere")
	p.menu("Runs")
	p.Click("Delete View", "")
	p.Click("Delete", "Close")
	p.counts("/saved_searches/filter", object{}, 0)
	p.page("/artifacts")
	p.Fill("Search artifacts", "furn")
	p.Click("furnished-artifact", "")
	p.See("furnished-run")
	p.Screenshot("used_v1_artifact")
	p.fine()
}

// menu opens the menu of what has a name: three dots without words.
func (p *person) menu(of string) {
	p.t.Helper()
	p.Click("", of)
}

// switchOf turns the switch of what has a name on or off.
func (p *person) switchOf(name string) {
	p.t.Helper()
	p.Click("switch", name)
}
