// Package publish decides which events of a workspace others hear.
package publish

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/filter"
)

// Selection selects events: of one of the names (a * at the end stands for anything; no
// names are all), about a resource that has one of some sets of labels, and related to
// resources with each of others. No sets select everything.
type Selection struct {
	Events            []string
	Resource, Related []filter.Labels
}

// Read reads a selection as it is written in requests and stored.
func Read(events []string, resource, related jsontext.Value) (s Selection, err error) {
	s.Events = events
	if s.Resource, err = readAll(resource); err != nil {
		return s, err
	}
	s.Related, err = readAll(related)
	return s, err
}

func readAll(list jsontext.Value) (out []filter.Labels, err error) {
	if len(list) == 0 || list.Kind() == 'n' {
		return nil, nil
	}
	var specs []jsontext.Value
	if err := json.Unmarshal(list, &specs); err != nil {
		return nil, api.Errorf(api.CodeInvalid, "resource and related are lists of labels: %w", err)
	}
	for _, spec := range specs {
		labels, err := filter.ParseLabels(spec)
		if err != nil {
			return nil, err
		}
		out = append(out, labels)
	}
	return out, nil
}

// MayBe says whether events of a name may be selected.
func (s *Selection) MayBe(event string) bool {
	return len(s.Events) == 0 || slices.ContainsFunc(s.Events, func(pattern string) bool {
		prefix, open := strings.CutSuffix(pattern, "*")
		return event == pattern || open && strings.HasPrefix(event, prefix)
	})
}

// Selects says whether an event is selected.
func (s *Selection) Selects(e *api.ReceivedEvent) bool {
	if !s.MayBe(e.Event) {
		return false
	}
	if len(s.Resource) > 0 && !slices.ContainsFunc(s.Resource, func(l filter.Labels) bool { return l.Matches(e.Resource) }) {
		return false
	}
	for _, labels := range s.Related {
		if !slices.ContainsFunc(e.Related, func(r api.RelatedResource) bool { return labels.Matches(r) }) {
			return false
		}
	}
	return true
}

// Names says whether the selection names a resource by its id.
func (s *Selection) Names(resource string) bool {
	id := map[string]string{"prefect.resource.id": resource}
	return slices.ContainsFunc(s.Resource, func(l filter.Labels) bool {
		ids := filter.Labels{"prefect.resource.id": l["prefect.resource.id"]}
		return len(l["prefect.resource.id"]) > 0 && ids.Matches(id)
	})
}

// IDs lists the ids of resources that the selection names in full.
func (s *Selection) IDs() (ids []string) {
	for _, labels := range s.Resource {
		for _, id := range labels["prefect.resource.id"] {
			if !strings.ContainsAny(id, "*!") && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

const (
	workspaceRole   = "workspace"
	workspacePrefix = "prefect-cloud.workspace."
)

// From is a copy of an event for another workspace than where it happened, which it tells.
func From(e *api.ReceivedEvent, workspace uuid.UUID, handle string) *api.ReceivedEvent {
	out := *e
	out.Related = append(slices.Clone(e.Related), api.RelatedResource{
		"prefect.resource.id": workspacePrefix + workspace.String(), "prefect.resource.role": workspaceRole, "prefect.resource.name": handle,
	})
	return &out
}

// IsFromElsewhere says that an event came from another workspace than the one where it is
// stored.
func IsFromElsewhere(e *api.ReceivedEvent, here uuid.UUID) bool {
	return slices.ContainsFunc(e.Related, func(r api.RelatedResource) bool {
		id, ok := strings.CutPrefix(r["prefect.resource.id"], workspacePrefix)
		return ok && r["prefect.resource.role"] == workspaceRole && id != here.String()
	})
}
