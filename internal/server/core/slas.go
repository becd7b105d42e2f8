package core

import (
	"context"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/automation"
	"github.com/usherhq/usher/internal/rules/sla"
	"github.com/usherhq/usher/internal/rules/trigger"
	"github.com/usherhq/usher/internal/store"
)

const noSLA = "Service level agreement"

// SLAChanges are the agreements of a resource by what became of them.
type SLAChanges struct {
	Created []api.ServiceLevelAgreement `json:"created"`
	Updated []api.ServiceLevelAgreement `json:"updated"`
	Deleted []api.ServiceLevelAgreement `json:"deleted"`
}

// CreateSLA makes an agreement.
func (c *Core) CreateSLA(ctx context.Context, who Caller, raw jsontext.Value) (out *api.ServiceLevelAgreement, err error) {
	a, found := sla.Read(raw, "body")
	if len(found) > 0 {
		return nil, api.Invalid(raw, found...)
	}
	err = c.write(ctx, who, func(w *work) error {
		if err := w.checkOwner(a.Owner); err != nil {
			return err
		}
		s, err := w.addSLA(a)
		if err != nil {
			return err
		}
		out, err = placedSLA(w.Tx, s)
		return err
	})
	return out, err
}

// checkOwner says that the deployment that an agreement is about is not there.
func (w *work) checkOwner(resource string) error {
	if !strings.HasPrefix(resource, "prefect.deployment.") {
		return nil
	}
	id, _ := idOfKind(resource, "deployment")
	_, err := w.knownDeployment(id, "Deployment not found")
	return err
}

// ApplySLAs makes the agreements of a resource those of a list: by name they are made,
// changed, and removed.
func (c *Core) ApplySLAs(ctx context.Context, who Caller, resource string, body jsontext.Value, list []jsontext.Value) (out *SLAChanges, err error) {
	var wanted []*sla.Agreement
	var found []api.Violation
	for i, raw := range list {
		a, problems := sla.Read(raw, "body", i)
		found = append(found, problems...)
		if a == nil {
			continue
		}
		if slices.ContainsFunc(wanted, func(other *sla.Agreement) bool { return other.Name == a.Name }) {
			found = append(found, api.Violation{Type: "value_error", Loc: []any{"body", i, "name"}, Msg: "Value error, another SLA of the list has that name", Input: raw})
		}
		if a.Owner != "" && a.Owner != resource {
			found = append(found, api.Violation{Type: "value_error", Loc: []any{"body", i, "owner_resource"}, Msg: "Value error, the SLA is of another resource", Input: raw})
		}
		a.Owner = resource
		wanted = append(wanted, a)
	}
	if len(found) > 0 {
		return nil, api.Invalid(body, found...)
	}
	err = c.write(ctx, who, func(w *work) error {
		if err := w.checkOwner(resource); err != nil {
			return err
		}
		out, err = w.applySLAs(resource, wanted)
		return err
	})
	return out, err
}

func (w *work) applySLAs(resource string, wanted []*sla.Agreement) (*SLAChanges, error) {
	old, err := w.Tx.SLAs(nil, &resource, api.AutomationSortNameAsc, -1, 0)
	if err != nil {
		return nil, err
	}
	var created, updated, deleted []store.SLA
	for _, a := range wanted {
		i := slices.IndexFunc(old, func(s store.SLA) bool { return s.Name == a.Name })
		if i < 0 {
			s, err := w.addSLA(a)
			if err != nil {
				return nil, err
			}
			created = append(created, *s)
			continue
		}
		s := old[i]
		if err := w.changeSLA(&s, a); err != nil {
			return nil, err
		}
		old = slices.Delete(old, i, i+1)
		updated = append(updated, s)
	}
	for i := range old {
		if err := w.deleteAutomation(&old[i].Automation); err != nil {
			return nil, err
		}
		deleted = append(deleted, old[i])
	}
	out := &SLAChanges{}
	for _, list := range []struct {
		from []store.SLA
		to   *[]api.ServiceLevelAgreement
	}{{created, &out.Created}, {updated, &out.Updated}, {deleted, &out.Deleted}} {
		if *list.to, err = answered(w.Tx, list.from); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// addSLA adds the automation that looks after an agreement.
func (w *work) addSLA(a *sla.Agreement) (*store.SLA, error) {
	acts, found := automation.ReadActions([]jsontext.Value{a.Action()}, "actions")
	if len(found) > 0 {
		return nil, api.Invalid(nil, found...)
	}
	text, err := json.Marshal(a.Trigger(uuid.New, w.core.Upkeep.late()))
	if err != nil {
		return nil, err
	}
	s := &store.SLA{
		Automation: api.Automation{
			ID: newID(), Created: &w.now, Updated: &w.now, Name: a.Name, Enabled: a.Enabled, Tags: []string{}, Trigger: text,
			Actions: stored(acts), ActionsOnTrigger: []jsontext.Value{}, ActionsOnResolve: []jsontext.Value{},
		},
		Owner: a.Owner, Kind: a.Kind, Severity: a.Severity, Bound: a.Bound,
	}
	if err := w.addAutomation(&s.Automation, acts, ""); err != nil {
		return nil, err
	}
	if err := w.own(s.ID); err != nil {
		return nil, err
	}
	if err := w.SaveSLA(s); err != nil {
		return nil, err
	}
	return s, w.beginSLA(s, a)
}

// beginSLA lets the time of an agreement begin that waits without any event.
func (w *work) beginSLA(s *store.SLA, a *sla.Agreement) error {
	if !a.WaitsAtOnce() {
		return nil
	}
	t, err := automation.ReadStored(s.Trigger)
	if err != nil {
		return err
	}
	compiled, err := trigger.Compile(s.ID, t)
	if err != nil {
		return err
	}
	return w.SaveBucket(s.ID, trigger.PlaceOf(compiled, &api.ReceivedEvent{}), &trigger.Bucket{Start: w.now.Time, End: w.now.Add(a.Bound)})
}

// changeSLA changes an agreement. What its trigger remembers is kept unless it has to wait
// for something else.
func (w *work) changeSLA(s *store.SLA, a *sla.Agreement) error {
	old, err := automation.ReadStored(s.Trigger)
	if err != nil {
		return err
	}
	same, err := json.Marshal(a.Trigger(func() uuid.UUID { return old.ID }, w.core.Upkeep.late()))
	if err != nil {
		return err
	}
	before, err := json.Marshal(old)
	if err != nil {
		return err
	}
	acts, found := automation.ReadActions([]jsontext.Value{a.Action()}, "actions")
	if len(found) > 0 {
		return api.Invalid(nil, found...)
	}
	isKept := string(same) == string(before)
	if isKept && s.Enabled == a.Enabled && s.Severity == a.Severity {
		return nil
	}
	s.Enabled, s.Kind, s.Severity, s.Bound, s.Actions, s.Updated = a.Enabled, a.Kind, a.Severity, a.Bound, stored(acts), &w.now
	actions, err := json.Marshal(s.Actions)
	if err != nil {
		return err
	}
	sets := []store.Set{{Column: "updated", Value: w.now}, {Column: "enabled", Value: s.Enabled}, {Column: "actions", Value: jsontext.Value(actions)}}
	if !isKept {
		if s.Trigger, err = json.Marshal(a.Trigger(uuid.New, w.core.Upkeep.late())); err != nil {
			return err
		}
		sets = append(sets, store.Set{Column: "trigger", Value: s.Trigger})
		if err := w.ForgetTriggers(s.ID); err != nil {
			return err
		}
		if err := w.beginSLA(s, a); err != nil {
			return err
		}
	}
	if err := w.UpdateAutomation(s.ID, sets...); err != nil {
		return err
	}
	if err := w.SaveSLA(s); err != nil {
		return err
	}
	if err := w.own(s.ID); err != nil {
		return err
	}
	return w.emitAutomation("updated", &s.Automation)
}

// SLAs lists agreements; owner is the resource that they are about, nil for any.
func (c *Core) SLAs(ctx context.Context, who Caller, f *api.SlaFilter, owner *string, sort api.AutomationSort, limit, offset int) ([]api.ServiceLevelAgreement, error) {
	return value(ctx, c, who, func(tx *store.Tx) ([]api.ServiceLevelAgreement, error) {
		list, err := tx.SLAs(f, owner, sort, limit, offset)
		if err != nil {
			return nil, err
		}
		return answered(tx, list)
	})
}

// SLA returns an agreement by its id.
func (c *Core) SLA(ctx context.Context, who Caller, id uuid.UUID) (*api.ServiceLevelAgreement, error) {
	return found(noSLA, func() (*api.ServiceLevelAgreement, error) {
		return value(ctx, c, who, func(tx *store.Tx) (*api.ServiceLevelAgreement, error) {
			s, err := tx.SLA(id)
			if err != nil {
				return nil, err
			}
			return placedSLA(tx, s)
		})
	})
}

// EnableSLA switches an agreement on or off.
func (c *Core) EnableSLA(ctx context.Context, who Caller, id uuid.UUID, enabled bool) error {
	return missing(noSLA, c.write(ctx, who, func(w *work) error {
		if _, err := w.Tx.SLA(id); err != nil {
			return err
		}
		return w.enableAutomation(id, &api.AutomationPartialUpdate{Enabled: api.Some(enabled)})
	}))
}

// DeleteSLA removes an agreement.
func (c *Core) DeleteSLA(ctx context.Context, who Caller, id uuid.UUID) error {
	return missing(noSLA, c.write(ctx, who, func(w *work) error {
		s, err := w.Tx.SLA(id)
		if err != nil {
			return err
		}
		return w.deleteAutomation(&s.Automation)
	}))
}

// RunsInViolation lists the ids of the flow runs that have not kept one of the agreements
// since a time, as far as events are kept.
func (c *Core) RunsInViolation(ctx context.Context, who Caller, ids []uuid.UUID, since api.Time) ([]string, error) {
	out := []string{}
	if len(ids) == 0 {
		return out, nil
	}
	resources := make([]string, len(ids))
	for i, id := range ids {
		resources[i] = slaResource(id)
	}
	related, err := json.Marshal(map[string][]string{"id": resources, "role": {"sla"}}, json.Deterministic(true))
	if err != nil {
		return nil, err
	}
	q, err := c.ReadEventQuery(&api.EventFilter{
		Occurred: &api.EventOccurredFilter{Since: &since},
		Event:    &api.EventNameFilter{Name: []string{violated}},
		Related:  related,
	})
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	err = c.read(ctx, who, func(tx *store.Tx) error {
		return q.each(tx, func(e *api.ReceivedEvent) {
			if id, isRun := idOfKind(e.Resource["prefect.resource.id"], "flow-run"); isRun && !seen[id.String()] {
				seen[id.String()] = true
				out = append(out, id.String())
			}
		})
	})
	return out, err
}

// accountOf is the account of the workspace of a transaction.
func accountOf(tx *store.Tx) (uuid.UUID, error) {
	w, err := tx.WorkspaceByID(tx.Workspace())
	if err != nil {
		return uuid.UUID{}, err
	}
	return w.AccountID, nil
}

// placedSLA and answered word agreements as answers do.
func placedSLA(tx *store.Tx, s *store.SLA) (*api.ServiceLevelAgreement, error) {
	list, err := answered(tx, []store.SLA{*s})
	if err != nil {
		return nil, err
	}
	return &list[0], nil
}

func answered(tx *store.Tx, list []store.SLA) ([]api.ServiceLevelAgreement, error) {
	account, err := accountOf(tx)
	out := make([]api.ServiceLevelAgreement, len(list))
	workspace := tx.Workspace()
	for i, s := range list {
		labels, err := json.Marshal(map[string]api.Float{"prefect.sla.seconds": api.Seconds(s.Bound)})
		if err != nil {
			return nil, err
		}
		out[i] = api.ServiceLevelAgreement{
			Name: s.Name, Description: s.Description, Enabled: s.Enabled, Trigger: s.Trigger, Actions: s.Actions, ActionsOnTrigger: s.ActionsOnTrigger,
			ActionsOnResolve: s.ActionsOnResolve, Labels: labels, Tags: s.Tags, Severity: s.Severity, Type: s.Kind, ID: s.ID, Created: s.Created,
			Updated: s.Updated, Account: account, Workspace: &workspace,
		}
	}
	return out, err
}
