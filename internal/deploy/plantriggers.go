package deploy

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/jobtemplate"
)

// belongings compares what hangs on a deployment, by its id or uuid.Nil, with what the file
// wants of it: its automations and its service level agreements.
func (d *Deployer) belongings(ctx context.Context, p *plan, id uuid.UUID, specs []map[string]any) ([]Change, error) {
	var changes []Change
	triggers, err := d.plannedTriggers(ctx, id, p.config.Name(), specs)
	if err != nil {
		return nil, err
	}
	agreements, err := d.plannedSLA(ctx, p.sla, id)
	if err != nil {
		return nil, err
	}
	for _, c := range []*Change{agreements, triggers} {
		if c != nil {
			changes = append(changes, *c)
		}
	}
	return changes, nil
}

// automation is as much of one as a plan shows.
type automation struct {
	Name    string `json:"name"`
	Enabled bool   `json:"enabled"`
	Trigger any    `json:"trigger"`
	Action  any    `json:"action"`
}

// plannedTriggers is how the automations of the deployment would change; nil if not at all.
func (d *Deployer) plannedTriggers(ctx context.Context, id uuid.UUID, name string, specs []map[string]any) (*Change, error) {
	wanted := make([]automation, len(specs))
	for i, spec := range specs {
		made, err := automationOf(spec, id)
		if err != nil {
			return nil, err
		}
		if wanted[i], err = automationFrom(made.Name, made.Enabled.Or(true), made.Trigger, made.Actions); err != nil {
			return nil, err
		}
	}
	have, err := d.automations(ctx, id, name, wanted)
	if err != nil {
		return nil, err
	}
	left := slices.Clone(have)
	isSame := len(have) == len(wanted)
	for _, w := range wanted {
		i := slices.IndexFunc(left, func(h automation) bool { return sameAutomation(h, w) })
		if i < 0 {
			isSame = false
			break
		}
		left = slices.Delete(left, i, i+1)
	}
	if isSame {
		return nil, nil //nolint:nilnil // no change is no error
	}
	return changeOf("triggers", have, wanted)
}

func changeOf(field string, from, to any) (*Change, error) {
	before, err := json.Marshal(from, json.Deterministic(true))
	if err != nil {
		return nil, err
	}
	after, err := json.Marshal(to, json.Deterministic(true))
	return &Change{Field: field, From: before, To: after}, err
}

func automationFrom(name string, enabled bool, trigger jsontext.Value, actions []jsontext.Value) (automation, error) {
	a := automation{Name: name, Enabled: enabled}
	if err := json.Unmarshal(trigger, &a.Trigger); err != nil {
		return a, err
	}
	if len(actions) == 0 {
		return a, nil
	}
	return a, json.Unmarshal(actions[0], &a.Action)
}

// automations are those of the deployment that deploying would replace. The API does not tell whose
// an automation is, so it is one that runs the deployment and has a name that the file wants or
// that triggers without a name get.
func (d *Deployer) automations(ctx context.Context, id uuid.UUID, name string, wanted []automation) ([]automation, error) {
	have := []automation{}
	if id == uuid.Nil {
		return have, nil
	}
	found, err := d.Client.ReadAutomationsRelatedToResource(ctx, "prefect.deployment."+id.String())
	if code := api.CodeOf(err); code == api.CodeNotFound || code == api.CodeUnsupported {
		return have, nil // a server without automations
	}
	if err != nil {
		return nil, err
	}
	for _, f := range found {
		isWanted := slices.ContainsFunc(wanted, func(w automation) bool { return w.Name == f.Name })
		if !isWanted && !strings.HasPrefix(f.Name, name+"__automation_") {
			continue
		}
		a, err := automationFrom(f.Name, f.Enabled, f.Trigger, f.Actions)
		if err != nil {
			return nil, err
		}
		have = append(have, a)
	}
	return have, nil
}

func sameAutomation(have, want automation) bool {
	return have.Name == want.Name && have.Enabled == want.Enabled && says(have.Trigger, want.Trigger) && says(have.Action, want.Action)
}

// says says that the server keeps whatever is wanted, beside what it fills in itself. It keeps
// names in sets, which have no order.
func says(have, want any) bool {
	switch want := want.(type) {
	case nil:
		switch have.(type) {
		case map[string]any, []any:
			return equal(have, map[string]any{}) || equal(have, []any{})
		}
		return have == nil || equal(have, 0)
	case map[string]any:
		object, ok := have.(map[string]any)
		if !ok {
			return have == nil && len(want) == 0
		}
		for key, value := range want {
			if !says(object[key], value) {
				return false
			}
		}
		return true
	case []any:
		list, ok := have.([]any)
		if !ok || len(list) != len(want) {
			return !ok && len(want) == 1 && equal(have, want[0])
		}
		for i := range want {
			if !says(list[i], want[i]) {
				return sameSet(have, want)
			}
		}
		return true
	}
	if list, ok := have.([]any); ok && len(list) == 1 {
		return equal(list[0], want)
	}
	return equal(have, want)
}

// agreement is as much of a service level agreement as a plan compares.
type agreement struct {
	Name     string  `json:"name"`
	Severity string  `json:"severity"`
	Enabled  bool    `json:"enabled"`
	Seconds  float64 `json:"seconds"`
}

// plannedSLA is how the service level agreements of the deployment would change; nil if not at
// all, or if nothing is said of them.
func (d *Deployer) plannedSLA(ctx context.Context, specs []any, id uuid.UUID) (*Change, error) {
	if specs == nil {
		return nil, nil //nolint:nilnil // no change is no error
	}
	wanted := []agreement{}
	for _, spec := range specs {
		if object, ok := spec.(map[string]any); ok {
			wanted = append(wanted, agreementOf(object))
		}
	}
	have := []agreement{}
	if id != uuid.Nil {
		answer, err := d.Client.Do(ctx, http.MethodPost, "/slas/by-owner/prefect.deployment."+id.String(), []byte(`{}`))
		if err != nil {
			return nil, err
		}
		var found []struct {
			Name     string `json:"name"`
			Severity string `json:"severity"`
			Enabled  bool   `json:"enabled"`
			Trigger  struct {
				Within float64 `json:"within"`
			} `json:"trigger"`
			Labels map[string]any `json:"labels"`
		}
		if err := json.Unmarshal(answer.Body, &found); err != nil {
			return nil, api.Errorf(api.CodeInternal, "the deployment's service level agreements can't be read: %w", err)
		}
		for _, f := range found {
			seconds, told := f.Labels["prefect.sla.seconds"].(float64) // by usher's server, whose triggers look at other times
			if !told {
				seconds = f.Trigger.Within
			}
			have = append(have, agreement{f.Name, f.Severity, f.Enabled, seconds})
		}
	}
	byName := func(a, b agreement) int { return strings.Compare(a.Name, b.Name) }
	slices.SortFunc(have, byName)
	slices.SortFunc(wanted, byName)
	if slices.Equal(have, wanted) {
		return nil, nil //nolint:nilnil // no change is no error
	}
	return changeOf("sla", have, wanted)
}

// agreementOf reads an agreement of the file, whose time has a name by its kind.
func agreementOf(spec map[string]any) agreement {
	a := agreement{Name: jobtemplate.Text(spec["name"]), Severity: string(api.SlaSeverityHigh), Enabled: spec["enabled"] != false}
	if severity, ok := spec["severity"].(string); ok {
		a.Severity = severity
	}
	for _, key := range []string{"duration", "stale_after", "within"} {
		switch v := spec[key].(type) {
		case int64:
			a.Seconds = float64(v)
		case api.Float:
			a.Seconds = float64(v)
		}
	}
	return a
}
