package core

import (
	"context"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

const noDefaultSLA = "Default SLA"

func defaultSLA(severity api.SlaSeverity) string { return "default-sla." + string(severity) }

// CreateDefaultSLAs makes, for each severity, the automation that sends a notification
// through a block when an agreement of that severity is not kept, in place of the one that
// there was.
func (c *Core) CreateDefaultSLAs(ctx context.Context, who Caller, severities []api.SlaSeverity, block uuid.UUID) (out []api.PlacedAutomation, err error) {
	if _, err := c.BlockDocument(ctx, who, block, false); err != nil {
		return nil, err
	}
	out = []api.PlacedAutomation{}
	slices.Sort(severities)
	err = c.write(ctx, who, func(w *work) error {
		for _, severity := range slices.Compact(severities) {
			body, err := json.Marshal(map[string]any{
				"name":        "Default SLA: " + string(severity),
				"description": "Sends a notification when a service level agreement of severity " + string(severity) + " is not kept.",
				"trigger": map[string]any{
					"type": "event", "posture": "Reactive", "expect": []string{violated}, "match": map[string]string{severityLabel: string(severity)},
					"for_each": []string{"prefect.resource.id"},
				},
				"actions": []any{map[string]any{
					"type": "send-notification", "block_document_id": block, "subject": "SLA violation (" + string(severity) + ")",
					"body": "{{ event.resource.name }} has not kept the agreement {{ event.payload.sla_name }}.\n",
				}},
			}, json.Deterministic(true))
			if err != nil {
				return err
			}
			a, err := w.keep(defaultSLA(severity), body, true, jsontext.Value("{}"))
			if err != nil {
				return err
			}
			out = append(out, *a)
		}
		return nil
	})
	return out, err
}

// keep makes the automation that a request describes the one that the server keeps under a
// name, in place of the one that there was.
func (w *work) keep(name string, request jsontext.Value, enabled bool, settings jsontext.Value) (*api.PlacedAutomation, error) {
	old, err := w.KeptAutomations(name)
	if err != nil {
		return nil, err
	}
	for i := range old {
		if err := w.deleteAutomation(&old[i].Automation); err != nil {
			return nil, err
		}
	}
	var in api.AutomationCreate
	if err := api.Decode(request, &in); err != nil {
		return nil, err
	}
	in.Enabled = api.Some(enabled)
	a, err := w.createAutomation(&in, request)
	if err != nil {
		return nil, err
	}
	if err := w.KeepAutomation(name, a.ID, settings); err != nil {
		return nil, err
	}
	return w.placed(a)
}

func (w *work) placed(a *api.Automation) (*api.PlacedAutomation, error) {
	account, err := accountOf(w.Tx)
	return &api.PlacedAutomation{Automation: *a, Account: account, Workspace: w.Workspace()}, err
}

// DefaultSLAs lists the automations that tell of violations by their severity.
func (c *Core) DefaultSLAs(ctx context.Context, who Caller) ([]api.PlacedAutomation, error) {
	var names []string
	for _, severity := range api.SlaSeverity("").Values() {
		names = append(names, defaultSLA(api.SlaSeverity(severity)))
	}
	return value(ctx, c, who, func(tx *store.Tx) ([]api.PlacedAutomation, error) { return keptAutomations(tx, names...) })
}

// DefaultSLA returns the automation that tells of violations of a severity.
func (c *Core) DefaultSLA(ctx context.Context, who Caller, severity api.SlaSeverity) (*api.PlacedAutomation, error) {
	list, err := value(ctx, c, who, func(tx *store.Tx) ([]api.PlacedAutomation, error) { return keptAutomations(tx, defaultSLA(severity)) })
	if err == nil && len(list) == 0 {
		err = api.NotFound(noDefaultSLA)
	}
	if err != nil {
		return nil, err
	}
	return &list[0], nil
}

func keptAutomations(tx *store.Tx, names ...string) ([]api.PlacedAutomation, error) {
	list, err := tx.KeptAutomations(names...)
	if err != nil {
		return nil, err
	}
	account, err := accountOf(tx)
	out := make([]api.PlacedAutomation, len(list))
	for i, k := range list {
		out[i] = api.PlacedAutomation{Automation: k.Automation, Account: account, Workspace: tx.Workspace()}
	}
	return out, err
}

// DeleteDefaultSLA removes the automation that tells of violations of a severity.
func (c *Core) DeleteDefaultSLA(ctx context.Context, who Caller, severity api.SlaSeverity) error {
	return c.write(ctx, who, func(w *work) error { return w.dropKept(defaultSLA(severity), noDefaultSLA) })
}

// dropKept removes the automation that the server keeps under a name; what is told when
// there is none.
func (w *work) dropKept(name, what string) error {
	list, err := w.KeptAutomations(name)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return api.NotFound(what)
	}
	return w.deleteAutomation(&list[0].Automation)
}
