package core

import (
	"errors"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/actionvars"
	"github.com/usherhq/usher/internal/rules/jinja"
	"github.com/usherhq/usher/internal/store"
)

// templateEnv is what templates in actions are rendered in.
func (w *work) templateEnv() jinja.Env {
	return jinja.Env{Now: w.now.Time, Filters: actionvars.Filters(w.core.UIURL)}
}

// templateNames are what templates in an action can name. Objects are read only if their
// name is in one of the texts.
func (w *work) templateNames(d *deed, texts ...string) (map[string]any, error) {
	names, err := actionvars.Names(d.Automation, d.Firing, d.Event, w.core.UIURL)
	if err != nil || d.Event == nil {
		return names, err
	}
	all := strings.Join(texts, "\n")
	for name, read := range natives {
		if !strings.Contains(all, name) {
			continue
		}
		if names[name], err = w.native(d.Event, name, read); err != nil {
			return nil, err
		}
	}
	if strings.Contains(all, "variables") {
		names["variables"], err = w.namedVariables()
	}
	return names, err
}

// nativeObject is how an object of the API is read for templates.
type nativeObject struct {
	class string
	read  func(*work, uuid.UUID) (any, error)
}

var natives = map[string]nativeObject{
	"flow":              {"Flow", func(w *work, id uuid.UUID) (any, error) { return w.Flow(id) }},
	"flow_run":          {"FlowRunResponse", func(w *work, id uuid.UUID) (any, error) { return w.FlowRun(id, w.now) }},
	"task_run":          {"TaskRun", func(w *work, id uuid.UUID) (any, error) { return w.TaskRun(id, w.now) }},
	"deployment":        {"DeploymentResponse", func(w *work, id uuid.UUID) (any, error) { return w.Deployment(id) }},
	"work_pool":         {"WorkPool", func(w *work, id uuid.UUID) (any, error) { return w.WorkPoolByID(id) }},
	"work_queue":        {"WorkQueueWithStatus", func(w *work, id uuid.UUID) (any, error) { return w.Tx.WorkQueue(id) }},
	"concurrency_limit": {"ConcurrencyLimitV2", func(w *work, id uuid.UUID) (any, error) { return w.Tx.ConcurrencyLimit(id) }},
}

// native is the first object of a kind that an event is about or related to, nil when
// there is none. A run has the state that the event tells of.
func (w *work) native(e *api.ReceivedEvent, name string, object nativeObject) (any, error) {
	kind := strings.ReplaceAll(name, "_", "-")
	id, ok := firstOfKind(e, kind)
	if !ok {
		return nil, nil
	}
	v, err := object.read(w, id)
	if errors.Is(err, store.ErrNoRows) || api.CodeOf(err) == api.CodeNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	m, err := actionvars.ModelOf(object.class, kind, v)
	if err != nil || kind != "flow-run" && kind != "task-run" {
		return m, err
	}
	for _, r := range append([]api.RelatedResource{e.Resource}, e.Related...) {
		if r["prefect.resource.id"] != "prefect."+kind+"."+id.String() || r["prefect.state-type"] == "" {
			continue
		}
		state, err := actionvars.ModelOf("State", "", map[string]string{
			"type": r["prefect.state-type"], "name": r["prefect.state-name"], "message": r["prefect.state-message"], "timestamp": r["prefect.state-timestamp"],
		})
		m.Set("state", state)
		return m, err
	}
	return m, nil
}

// namedVariables are the workspace's variables by their names.
func (w *work) namedVariables() (any, error) {
	values, err := variableValues(w.Tx)
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(values, json.Deterministic(true))
	if err != nil {
		return nil, err
	}
	return jinja.FromJSON(raw)
}

// render renders the templates of an action.
func (w *work) render(d *deed, texts ...string) ([]string, error) {
	names, err := w.templateNames(d, texts...)
	if err != nil {
		return nil, err
	}
	out := make([]string, len(texts))
	for i, text := range texts {
		out[i], err = jinja.Render(text, names, w.templateEnv())
		var failed *jinja.RenderError
		if errors.As(err, &failed) {
			d.details["template_error"], d.details["template_source"] = err.Error(), text
			return nil, notDone("Template rendering failed: " + strings.TrimPrefix(err.Error(), "Failed to render template due to the following error: "))
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}
