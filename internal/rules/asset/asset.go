// Package asset reads what events tell of assets: data that flows make and use, named by
// URIs.
package asset

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// The names of events about assets all begin with Prefix.
const (
	Prefix     = "prefect.asset."
	Succeeded  = Prefix + "materialization.succeeded"
	Failed     = Prefix + "materialization.failed"
	Referenced = Prefix + "referenced"
)

// Names are the names of the events that the catalogue is made of.
var Names = []string{Succeeded, Failed, Referenced}

// Kind says what happened to an asset.
type Kind string

// The kinds of events about assets.
const (
	Materialization Kind = "materialization"
	Reference       Kind = "reference"
)

// maxKey is how many characters the key of an asset has at most, as in the SDK.
const maxKey = 512

// Event is a materialization of an asset or a reference to one.
type Event struct {
	ID              uuid.UUID
	Key             string
	Occurred        api.Time
	Kind            Kind
	Status          *string // of a materialization: succeeded or failed
	FlowRunID       *uuid.UUID
	TaskRunID       *uuid.UUID
	Described       bool // the event says what the asset is
	Properties      api.AssetProperties
	Upstream, Tools []string       // what it was made of and with
	Metadata        jsontext.Value // an object
	// OriginatingWorkspace is where it happened, if elsewhere than where it is stored.
	OriginatingWorkspace *uuid.UUID
}

// Read reads an event, and answers nil when it tells of no asset.
func Read(e *api.ReceivedEvent) *Event {
	if !strings.HasPrefix(e.Event, Prefix) || !isKey(e.Resource[id]) {
		return nil
	}
	out := &Event{
		ID: e.ID, Key: e.Resource[id], Occurred: e.Occurred, Kind: Materialization, Upstream: []string{}, Tools: []string{}, Metadata: api.Object(e.Payload),
	}
	switch e.Event {
	case Succeeded, Failed:
		status := strings.TrimPrefix(e.Event, Prefix+"materialization.")
		out.Status = &status
	case Referenced:
		out.Kind = Reference
	default:
		return nil
	}
	out.describe(e.Resource)
	for _, r := range e.Related {
		out.relate(r)
	}
	return out
}

const (
	id   = "prefect.resource.id"
	role = "prefect.resource.role"
)

func isKey(key string) bool {
	return key != "" && utf8.RuneCountInString(key) <= maxKey
}

// describe reads what the event says that the asset is.
func (e *Event) describe(resource map[string]string) {
	p := &e.Properties
	p.Owners = []string{}
	for label, into := range map[string]*string{
		"prefect.resource.name": &p.Name, "prefect.asset.url": &p.URL, "prefect.asset.description": &p.Description,
	} {
		text, has := resource[label]
		*into, e.Described = text, e.Described || has
	}
	if list, has := resource["prefect.asset.owners"]; has {
		e.Described = true
		if json.Unmarshal([]byte(list), &p.Owners) != nil || p.Owners == nil {
			p.Owners = []string{}
		}
	}
}

// relate reads what a related resource is to the asset.
func (e *Event) relate(r map[string]string) {
	switch name := r[id]; r[role] {
	case "asset":
		if isKey(name) && name != e.Key && !slices.Contains(e.Upstream, name) {
			e.Upstream = append(e.Upstream, name)
		}
	case "asset-materialized-by":
		e.Tools = append(e.Tools, name)
	case "flow-run":
		e.FlowRunID = runID(name, "prefect.flow-run.")
	case "task-run":
		e.TaskRunID = runID(name, "prefect.task-run.")
	}
}

func runID(resource, prefix string) *uuid.UUID {
	text, ok := strings.CutPrefix(resource, prefix)
	run, err := uuid.Parse(text)
	if !ok || err != nil {
		return nil
	}
	return &run
}
