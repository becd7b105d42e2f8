package core

import (
	"context"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

// managedType is a kind of automation that the server makes for a workspace that wants it.
type managedType struct {
	of                api.ManagedAutomationType
	name, description string
	seconds, least    int // how long the runs have, unless said otherwise, and at least
	after, expect     []string
	state, message    string
}

var ends = []string{"prefect.flow-run.Completed", "prefect.flow-run.Failed", "prefect.flow-run.Cancelled", "prefect.flow-run.Crashed"}

var managedTypes = []managedType{
	{
		api.ManagedAutomationTypeZombieCleanup, "Zombie clean-up", "Marks flow runs as crashed whose heartbeats have stopped.", 90, 30,
		[]string{"prefect.flow-run.heartbeat"}, append([]string{"prefect.flow-run.heartbeat"}, ends...), "CRASHED", "The heartbeats of the flow run have stopped.",
	},
	{
		api.ManagedAutomationTypeStuckCancelling, "Stuck cancelling", "Marks flow runs as cancelled that have been cancelling for too long.", 600, 30,
		[]string{"prefect.flow-run.Cancelling"}, ends, "CANCELLED", "Nobody has ended the flow run in time.",
	},
}

func managedOf(t api.ManagedAutomationType) *managedType {
	return &managedTypes[slices.IndexFunc(managedTypes, func(m managedType) bool { return m.of == t })]
}

func (m *managedType) defaults() jsontext.Value {
	return jsontext.Value(`{"within_seconds":` + decimal(m.seconds) + `}`)
}

func (m *managedType) schema() jsontext.Value {
	return jsontext.Value(`{"type":"object","additionalProperties":false,"properties":{"within_seconds":{"type":"integer","minimum":` + decimal(m.least) +
		`,"maximum":86400,"default":` + decimal(m.seconds) + `,"title":"Seconds","description":"After how many seconds a flow run is taken care of."}}}`)
}

func decimal(n int) string {
	text, err := json.Marshal(n)
	if err != nil {
		return "0" // numbers can be written
	}
	return string(text)
}

// ManagedAutomationTypes lists the automations that the server can make for a workspace.
func ManagedAutomationTypes() []api.ManagedAutomationTypeResponse {
	out := make([]api.ManagedAutomationTypeResponse, len(managedTypes))
	for i := range managedTypes {
		m := &managedTypes[i]
		out[i] = api.ManagedAutomationTypeResponse{Type: m.of, Name: m.name, Description: m.description, Defaults: m.defaults(), SettingsSchema: m.schema()}
	}
	return out
}

// ManagedAutomation is one that the server has made for a workspace.
type ManagedAutomation struct {
	Type       api.ManagedAutomationType `json:"type"`
	Settings   jsontext.Value            `json:"settings"`
	Enabled    bool                      `json:"enabled"`
	Automation api.PlacedAutomation      `json:"automation"`
}

// ManagedAutomations lists those that a workspace has.
func (c *Core) ManagedAutomations(ctx context.Context, who Caller) ([]ManagedAutomation, error) {
	var names []string
	for i := range managedTypes {
		names = append(names, managedName(managedTypes[i].of))
	}
	return value(ctx, c, who, func(tx *store.Tx) ([]ManagedAutomation, error) {
		list, err := tx.KeptAutomations(names...)
		if err != nil {
			return nil, err
		}
		account, err := accountOf(tx)
		out := make([]ManagedAutomation, len(list))
		for i, k := range list {
			out[i] = ManagedAutomation{
				api.ManagedAutomationType(strings.TrimPrefix(k.Name, managedName(""))), k.Settings, k.Enabled,
				api.PlacedAutomation{Automation: k.Automation, Account: account, Workspace: tx.Workspace()},
			}
		}
		return out, err
	})
}

func managedName(t api.ManagedAutomationType) string { return "managed." + string(t) }

// ManageAutomation makes the automation of a type, or makes it anew with other settings.
func (c *Core) ManageAutomation(ctx context.Context, who Caller, t api.ManagedAutomationType, enabled bool, settings, body jsontext.Value) (*ManagedAutomation, error) {
	m := managedOf(t)
	in := struct {
		Within int `json:"within_seconds"`
	}{m.seconds}
	if err := json.Unmarshal(settings, &in, json.RejectUnknownMembers(true)); err != nil || in.Within < m.least || in.Within > 86400 {
		return nil, api.Invalid(body, api.Violation{
			Type: "value_error", Loc: []any{"body", "settings"}, Msg: "Value error, within_seconds is a whole number from " + decimal(m.least) + " to 86400, and all there is to set", Input: settings,
		})
	}
	kept := jsontext.Value(`{"within_seconds":` + decimal(in.Within) + `}`)
	request, err := json.Marshal(map[string]any{
		"name": m.name, "description": m.description,
		"trigger": map[string]any{
			"type": "event", "posture": "Proactive", "match": map[string]string{"prefect.resource.id": "prefect.flow-run.*"}, "after": m.after, "expect": m.expect,
			"for_each": []string{"prefect.resource.id"}, "threshold": 1, "within": in.Within,
		},
		"actions": []any{map[string]any{"type": "change-flow-run-state", "state": m.state, "message": m.message, "force": m.state == "CANCELLED"}},
	}, json.Deterministic(true))
	if err != nil {
		return nil, err
	}
	var out *ManagedAutomation
	err = c.write(ctx, who, func(w *work) error {
		a, err := w.keep(managedName(t), request, enabled, kept)
		if err == nil {
			out = &ManagedAutomation{t, kept, enabled, *a}
		}
		return err
	})
	return out, err
}

// UnmanageAutomation removes the automation of a type.
func (c *Core) UnmanageAutomation(ctx context.Context, who Caller, t api.ManagedAutomationType) error {
	return c.write(ctx, who, func(w *work) error { return w.dropKept(managedName(t), "Managed automation") })
}
