package core

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

// The bounds of an incident.
const (
	mostOfIncident = 50 // resources and tags
	mostComments   = 1000

	longestIncidentName = 250
)

// DeclareIncident declares an incident.
func (c *Core) DeclareIncident(ctx context.Context, who Caller, in *api.IncidentCreate) (i *api.Incident, err error) {
	err = c.write(ctx, who, func(w *work) error {
		i, err = w.declare(in)
		return err
	})
	return i, err
}

func (w *work) declare(in *api.IncidentCreate) (*api.Incident, error) {
	i := &api.Incident{
		ID: newID(), Created: w.now, Updated: w.now, CreatedBy: w.who.By, Name: in.Name, Summary: in.Summary.Or(""), Status: api.IncidentStatusActive,
		Severity: in.Severity.Or(api.IncidentSeverityModerate), StartTime: in.StartTime.Or(w.now),
		RelatedResources: in.RelatedResources.Or([]map[string]string{}), Tags: in.Tags.Or([]string{}), Comments: []api.IncidentComment{},
	}
	if err := checkIncident(i); err != nil {
		return nil, err
	}
	return i, w.keepIncident(i, "declared", nil)
}

// checkIncident says what the contract's types can't.
func checkIncident(i *api.Incident) error {
	switch {
	case strings.TrimSpace(i.Name) == "":
		return invalid("name", "an incident has a name")
	case len(i.Tags) > mostOfIncident:
		return invalid("tags", "an incident has at most "+strconv.Itoa(mostOfIncident)+" tags")
	case len(i.RelatedResources) > mostOfIncident:
		return invalid("related_resources", "an incident has at most "+strconv.Itoa(mostOfIncident)+" related resources")
	case slices.ContainsFunc(i.RelatedResources, func(r map[string]string) bool { return r["prefect.resource.id"] == "" }):
		return invalid("related_resources", "a related resource has a prefect.resource.id")
	}
	return nil
}

// keepIncident writes an incident and tells what has happened to it; more is what the event
// says besides what the incident is now.
func (w *work) keepIncident(i *api.Incident, what string, more map[string]any) error {
	i.Updated = w.now
	if err := w.SaveIncident(i); err != nil {
		return err
	}
	return w.emitIncident(i, what, more)
}

// incidentResource is an incident in events, which the hosted service names in its own way.
func incidentResource(i *api.Incident, labels ...string) map[string]string {
	r := resource("", i.ID, i.Name, labels...)
	r["prefect.resource.id"] = "prefect-cloud.incident." + i.ID.String()
	return r
}

func (w *work) emitIncident(i *api.Incident, what string, more map[string]any) (err error) {
	related := make([]map[string]string, len(i.RelatedResources))
	for n, r := range i.RelatedResources {
		related[n] = map[string]string{roleLabel: "related-resource"}
		for label, value := range r {
			related[n][label] = value
		}
	}
	payload := map[string]any{"id": i.ID, "name": i.Name, "status": i.Status, "severity": i.Severity, "tags": i.Tags, "end_time": i.EndTime}
	for name, v := range more {
		payload[name] = v
	}
	e := w.about("prefect-cloud.incident."+what, incidentResource(i), related...)
	if e.Payload, err = json.Marshal(payload, json.Deterministic(true)); err != nil {
		return err
	}
	return w.emit(e)
}

// changeIncident changes an incident; change does nothing by leaving it as it is.
func (c *Core) changeIncident(ctx context.Context, who Caller, id uuid.UUID, change func(*work, *api.Incident) error) (*api.Incident, error) {
	return found("Incident", func() (i *api.Incident, err error) {
		return i, c.write(ctx, who, func(w *work) error {
			if i, err = w.LockIncident(id); err != nil {
				return err
			}
			return change(w, i)
		})
	})
}

// UpdateIncident changes what the request has, and tells of each field that became something
// else.
func (c *Core) UpdateIncident(ctx context.Context, who Caller, id uuid.UUID, in *api.IncidentUpdate) (*api.Incident, error) {
	return c.changeIncident(ctx, who, id, func(w *work, i *api.Incident) error {
		before := *i
		i.Name, i.Summary, i.Severity, i.StartTime = in.Name.Or(i.Name), in.Summary.Or(i.Summary), in.Severity.Or(i.Severity), in.StartTime.Or(i.StartTime)
		i.RelatedResources, i.Tags = in.RelatedResources.Or(i.RelatedResources), in.Tags.Or(i.Tags)
		if err := checkIncident(i); err != nil {
			return err
		}
		for _, field := range []struct {
			name     string
			from, to any
		}{
			{"name", before.Name, i.Name}, {"summary", before.Summary, i.Summary}, {"severity", before.Severity, i.Severity}, {"start_time", before.StartTime, i.StartTime},
			{"related_resources", before.RelatedResources, i.RelatedResources}, {"tags", before.Tags, i.Tags},
		} {
			var ch changes
			if err := ch.note(field.name, field.from, field.to); err != nil {
				return err
			}
			if len(ch.fields) == 0 {
				continue
			}
			if err := w.keepIncident(i, "updated."+field.name, map[string]any{field.name: field.to, "updates": ch.moves}); err != nil {
				return err
			}
		}
		return nil
	})
}

// SettleIncident resolves an incident, or opens it again. One that is so already stays as it is.
func (c *Core) SettleIncident(ctx context.Context, who Caller, id uuid.UUID, to api.IncidentStatus) (*api.Incident, error) {
	return c.changeIncident(ctx, who, id, func(w *work, i *api.Incident) error {
		if i.Status == to {
			return nil
		}
		i.Status = to
		if to == api.IncidentStatusActive {
			i.EndTime = nil
			return w.keepIncident(i, "reopened", nil)
		}
		i.EndTime = &w.now
		return w.keepIncident(i, "resolved", nil)
	})
}

// CommentIncident says something about an incident.
func (c *Core) CommentIncident(ctx context.Context, who Caller, id uuid.UUID, body string) (*api.Incident, error) {
	if strings.TrimSpace(body) == "" {
		return nil, invalid("body", "a comment says something")
	}
	return c.changeIncident(ctx, who, id, func(w *work, i *api.Incident) error {
		if len(i.Comments) == mostComments {
			return api.Errorf(api.CodeConflict, "The incident has %d comments, which is as many as one can have.", mostComments)
		}
		comment := api.IncidentComment{ID: newID(), Created: w.now, CreatedBy: w.who.By, Body: body}
		i.Comments = append(i.Comments, comment)
		return w.keepIncident(i, "comment.added", map[string]any{"comment": comment})
	})
}

// DeleteIncident removes an incident.
func (c *Core) DeleteIncident(ctx context.Context, who Caller, id uuid.UUID) error {
	return missing("Incident", c.write(ctx, who, func(w *work) error { return w.Tx.DeleteIncident(id) }))
}

// Incident returns an incident.
func (c *Core) Incident(ctx context.Context, who Caller, id uuid.UUID) (*api.Incident, error) {
	return found("Incident", func() (*api.Incident, error) {
		return value(ctx, c, who, func(tx *store.Tx) (*api.Incident, error) { return tx.Incident(id) })
	})
}

// Incidents lists incidents, the one that was declared last first.
func (c *Core) Incidents(ctx context.Context, who Caller, f *api.IncidentFilter, limit, offset int) ([]api.Incident, error) {
	return value(ctx, c, who, func(tx *store.Tx) ([]api.Incident, error) { return tx.Incidents(f, limit, offset) })
}
