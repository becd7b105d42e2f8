package deploy

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/document"
	"github.com/usherhq/usher/internal/rules/jobtemplate"
)

// triggers are the deployment's triggers: those of the command line, else the file's, with
// what the steps left filled in. The parameters of a trigger stay templates: they are filled
// when it fires.
func (p *plan) triggers(fromFile any) ([]map[string]any, error) {
	list, _ := fromFile.([]any)
	if len(p.options.Triggers) > 0 {
		var err error
		if list, err = fromFlags("triggers", p.options.Triggers); err != nil {
			return nil, err
		}
	}
	var out []map[string]any
	for i, item := range list {
		spec, ok := item.(map[string]any)
		if !ok {
			return nil, api.Errorf(api.CodeInvalid, "trigger %d must be a mapping", i+1)
		}
		spec = jobtemplate.CloneObject(spec)
		parameters, has := spec["parameters"]
		delete(spec, "parameters")
		spec = jobtemplate.ApplyObject(spec, p.outputs, jobtemplate.Options{})
		if has {
			spec["parameters"] = parameters
		}
		if spec["name"] == nil {
			spec["name"] = fmt.Sprintf("%s__automation_%d", p.config.Name(), i+1)
		}
		out = append(out, spec)
	}
	return out, nil
}

// fromFlags reads objects from flags: JSON, or a file that has them under the key.
func fromFlags(key string, flags []string) ([]any, error) {
	var out []any
	for _, text := range flags {
		found, err := fromFlag(key, text)
		if err != nil {
			return nil, api.Errorf(api.CodeInvalid, "Failed to parse %s %s: %w", strings.TrimSuffix(key, "s"), text, err)
		}
		out = append(out, found...)
	}
	return out, nil
}

func fromFlag(key, text string) ([]any, error) {
	if !strings.HasSuffix(text, ".yaml") && !strings.HasSuffix(text, ".json") {
		object, err := jobtemplate.Parse([]byte(text))
		return []any{object}, err
	}
	data, err := os.ReadFile(text)
	if err != nil {
		return nil, err
	}
	node, err := document.Parse(text, data)
	if err != nil {
		return nil, err
	}
	whole, err := document.Tree(node)
	if err != nil {
		return nil, document.Located(text, err)
	}
	found, _ := jobtemplate.Lookup(whole, key)
	list, ok := found.([]any)
	if !ok {
		return nil, api.Errorf(api.CodeInvalid, "the file has no list %s", key)
	}
	return list, nil
}

// createTriggers replaces the automations that belong to the deployment.
func (d *Deployer) createTriggers(ctx context.Context, id uuid.UUID, specs []map[string]any) error {
	owner := "prefect.deployment." + id.String()
	_, err := d.Client.DeleteAutomationsOwnedByResource(ctx, owner)
	if code := api.CodeOf(err); code == api.CodeNotFound || code == api.CodeUnsupported && len(specs) == 0 {
		return nil // a server without automations
	}
	if err != nil {
		return err
	}
	for _, spec := range specs {
		automation, err := automationOf(spec, id)
		if err != nil {
			return err
		}
		automation.OwnerResource = api.Some(owner)
		if _, err := d.Client.CreateAutomation(ctx, automation); err != nil {
			return api.Errorf(api.CodeOf(err), "create the automation %s: %w", automation.Name, err)
		}
	}
	return nil
}

// automationOf makes the automation that runs the deployment when the trigger fires.
func automationOf(spec map[string]any, id uuid.UUID) (*api.AutomationCreate, error) {
	spec = jobtemplate.CloneObject(spec)
	action := map[string]any{"type": "run-deployment", "source": "selected", "deployment_id": id.String()}
	for _, key := range []string{"parameters", "job_variables", "schedule_after"} {
		action[key] = spec[key]
		delete(spec, key)
	}
	if action["schedule_after"] == nil {
		delete(action, "schedule_after")
	}
	a := &api.AutomationCreate{Name: jobtemplate.Text(spec["name"])}
	if description, ok := spec["description"].(string); ok {
		a.Description = api.Some(description)
	}
	if enabled := spec["enabled"]; enabled != nil {
		value, ok := boolean(enabled)
		if !ok {
			return nil, api.Errorf(api.CodeInvalid, "trigger %s: enabled must be true or false, got %q", a.Name, jobtemplate.Text(enabled))
		}
		a.Enabled = api.Some(value)
	}
	for _, key := range []string{"name", "description", "enabled"} {
		delete(spec, key)
	}
	completeTrigger(spec)
	var err error
	if a.Trigger, err = jobtemplate.Encode(spec); err != nil {
		return nil, err
	}
	encoded, err := jobtemplate.Encode(action)
	a.Actions = []jsontext.Value{encoded}
	return a, err
}

// completeTrigger fills in what may be left out by hand, but not on the wire.
func completeTrigger(spec map[string]any) {
	if spec["type"] == nil {
		spec["type"] = impliedType(spec)
	}
	absent := func(key string, value any) {
		if _, ok := spec[key]; !ok || spec[key] == nil {
			spec[key] = value
		}
	}
	switch spec["type"] {
	case "event":
		absent("posture", "Reactive")
	case "metric":
		absent("posture", "Metric")
	case "compound", "sequence":
		absent("within", nil)
	}
	parts, _ := spec["triggers"].([]any)
	for _, part := range parts {
		if object, ok := part.(map[string]any); ok {
			completeTrigger(object)
		}
	}
}

// impliedType is the type of a trigger that does not say it.
func impliedType(spec map[string]any) string {
	_, hasParts := spec["triggers"]
	_, hasRequire := spec["require"]
	switch {
	case spec["posture"] == "Metric":
		return "metric"
	case hasParts && hasRequire:
		return "compound"
	case hasParts:
		return "sequence"
	}
	return "event"
}
