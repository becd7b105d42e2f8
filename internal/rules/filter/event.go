package filter

import (
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// Event is a parsed event filter. All its parts must match. The zero value matches
// every event.
type Event struct {
	Since, Until *time.Time // inclusive; nil is unbounded
	IDs          []uuid.UUID
	Name         *api.EventNameFilter
	Resource     Resources
	Any          []Resources // each matched by one resource of the event
	Related      []Related   // each matched by one related resource of the event
	Text         *TextQuery
}

// Resources selects resources by id and labels.
type Resources struct {
	IDs, Prefixes []string
	Labels        Labels
}

// Related selects related resources by id, role and labels.
type Related struct {
	IDs, Roles []string
	Pairs      [][2]string // of an id and a role
	Labels     Labels
}

// IsPlain says that names, times, ids and prefixes of the event and of its own resource,
// and ids of the others alone decide what the filter selects, so that nobody has to look
// at single related resources or search for text.
func (f *Event) IsPlain() bool {
	plain := f.Text == nil && len(f.Resource.Labels) == 0
	for i := range f.Any {
		plain = plain && len(f.Any[i].Labels)+len(f.Any[i].Prefixes) == 0
	}
	for i := range f.Related {
		plain = plain && len(f.Related[i].Labels)+len(f.Related[i].Roles)+len(f.Related[i].Pairs) == 0
	}
	return plain
}

// ParseEvent reads a filter as it stands in a request; nil is the zero filter.
func ParseEvent(in *api.EventFilter) (Event, error) {
	if in == nil {
		return Event{}, nil
	}
	out := Event{Name: in.Event}
	if in.Occurred != nil {
		out.Since, out.Until = instant(in.Occurred.Since), instant(in.Occurred.Until)
	}
	if in.ID != nil {
		out.IDs = in.ID.ID
	}
	if in.Text != nil {
		q := ParseText(in.Text.Query)
		out.Text = &q
	}
	var err error
	if r := in.Resource; r != nil {
		if out.Resource, err = parseResources(r.ID, r.IDPrefix, r.Labels); err != nil {
			return out, err
		}
	}
	if out.Any, err = parseAny(in.AnyResource); err != nil {
		return out, err
	}
	out.Related, err = parseRelated(in.Related)
	return out, err
}

func instant(t *api.Time) *time.Time {
	if t == nil {
		return nil
	}
	return &t.Time
}

func parseResources(ids, prefixes []string, labels api.Opt[jsontext.Value]) (Resources, error) {
	spec, err := ParseLabels(labels.Or(nil))
	return Resources{ids, prefixes, spec}, err
}

func parseAny(raw jsontext.Value) ([]Resources, error) {
	list, err := oneOrMany[api.EventAnyResourceFilter](raw)
	if err != nil {
		return nil, err
	}
	out := make([]Resources, len(list))
	for i, f := range list {
		if out[i], err = parseResources(f.ID, f.IDPrefix, f.Labels); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func parseRelated(raw jsontext.Value) ([]Related, error) {
	list, err := oneOrMany[api.EventRelatedFilter](raw)
	if err != nil {
		return nil, err
	}
	out := make([]Related, len(list))
	for i, f := range list {
		labels, err := ParseLabels(f.Labels.Or(nil))
		if err != nil {
			return nil, err
		}
		out[i] = Related{IDs: f.ID, Roles: f.Role, Labels: labels}
		for _, pair := range f.ResourcesInRoles {
			var id, role string
			if len(pair) != 2 || json.Unmarshal(pair[0], &id) != nil || json.Unmarshal(pair[1], &role) != nil {
				return nil, api.Errorf(api.CodeInvalid, "resources_in_roles holds pairs of a resource id and a role")
			}
			out[i].Pairs = append(out[i].Pairs, [2]string{id, role})
		}
	}
	return out, nil
}

// oneOrMany reads a filter that may be written as one object or as a list of them.
func oneOrMany[T any](raw jsontext.Value) ([]T, error) {
	switch raw.Kind() {
	case '{':
		var one T
		err := api.Decode(raw, &one)
		return []T{one}, err
	case '[':
		var many []T
		err := api.Decode(raw, &many)
		return many, err
	}
	return nil, nil
}

// Matches says whether the filter selects e.
func (f *Event) Matches(e *api.ReceivedEvent) bool {
	switch {
	case f.Since != nil && e.Occurred.Before(*f.Since), f.Until != nil && e.Occurred.After(*f.Until):
		return false
	case len(f.IDs) > 0 && !slices.Contains(f.IDs, e.ID), !f.MatchesName(e.Event), !f.Resource.Matches(e.Resource):
		return false
	case !f.matchesAny(e), !f.matchesRelated(e):
		return false
	}
	return f.Text == nil || f.Text.Matches(searchable(e))
}

// MatchesName says whether an event of a name may match: it is quick, whatever else the
// filter asks for.
func (f *Event) MatchesName(name string) bool {
	if f.Name == nil {
		return true
	}
	hasPrefix := func(p string) bool { return strings.HasPrefix(name, p) }
	switch {
	case len(f.Name.Prefix) > 0 && !slices.ContainsFunc(f.Name.Prefix, hasPrefix), slices.ContainsFunc(f.Name.ExcludePrefix, hasPrefix):
		return false
	case len(f.Name.Name) > 0 && !slices.Contains(f.Name.Name, name), slices.Contains(f.Name.ExcludeName, name):
		return false
	}
	return true
}

// Matches says whether a resource with these labels is selected.
func (r *Resources) Matches(labels map[string]string) bool {
	id := labels["prefect.resource.id"]
	switch {
	case len(r.IDs) > 0 && !slices.Contains(r.IDs, id):
		return false
	case len(r.Prefixes) > 0 && !slices.ContainsFunc(r.Prefixes, func(p string) bool { return strings.HasPrefix(id, p) }):
		return false
	}
	return r.Labels.Matches(labels)
}

func (f *Event) matchesAny(e *api.ReceivedEvent) bool {
	for i := range f.Any {
		if !f.Any[i].Matches(e.Resource) && !slices.ContainsFunc(e.Related, f.Any[i].Matches) {
			return false
		}
	}
	return true
}

func (f *Event) matchesRelated(e *api.ReceivedEvent) bool {
	for i := range f.Related {
		if !slices.ContainsFunc(e.Related, f.Related[i].matches) {
			return false
		}
	}
	return true
}

func (r *Related) matches(labels map[string]string) bool {
	id, role := labels["prefect.resource.id"], labels["prefect.resource.role"]
	switch {
	case len(r.IDs) > 0 && !slices.Contains(r.IDs, id), len(r.Roles) > 0 && !slices.Contains(r.Roles, role):
		return false
	case len(r.Pairs) > 0 && !slices.Contains(r.Pairs, [2]string{id, role}):
		return false
	}
	return r.Labels.Matches(labels)
}

// searchable is the text of an event that a text search looks at.
func searchable(e *api.ReceivedEvent) string {
	var b strings.Builder
	b.WriteString(e.Event)
	for _, r := range append([]api.RelatedResource{e.Resource}, e.Related...) {
		for _, v := range r {
			b.WriteString(" " + v)
		}
	}
	b.WriteString(" ")
	b.Write(e.Payload)
	return b.String()
}
