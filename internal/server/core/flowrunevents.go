package core

import (
	"fmt"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

// emitFlowRun tells that a flow run has another state. The event has the state's id and
// time, and follows the event of the state before when that is not long ago.
func (w *work) emitFlowRun(r *store.FlowRunInTransition, runCount int, state *api.State) error {
	name, message := stateName(state), ""
	if state.Message != nil {
		message = shorten(*state.Message)
	}
	e := api.ReceivedEvent{
		ID: state.ID, Occurred: state.Timestamp, Event: "prefect.flow-run." + name,
		Resource: resource("flow-run", r.ID, r.Name,
			"prefect.run-count", strconv.Itoa(runCount),
			"prefect.state-message", message,
			"prefect.state-name", name,
			"prefect.state-timestamp", isoTime(state.Timestamp),
			"prefect.state-type", string(state.Type)),
		Related: relatedTo(r),
	}
	e.Resource["prefect.resource.name"] = r.Name
	if from := r.Current; from != nil && from.Timestamp.Sub(state.Timestamp.Time).Abs() < 5*time.Minute {
		e.Follows = &from.ID
	}
	var err error
	if e.Payload, err = json.Marshal(transitionPayload(r.Current, state)); err != nil {
		return err
	}
	return w.emit(e)
}

type statePayload struct {
	Type            api.StateType `json:"type"`
	Name            string        `json:"name,omitzero"`
	Message         string        `json:"message,omitzero"`
	PauseReschedule string        `json:"pause_reschedule,omitzero"`
}

type transition struct {
	Intended struct {
		From *api.StateType `json:"from"`
		To   api.StateType  `json:"to"`
	} `json:"intended"`
	Initial   *statePayload `json:"initial_state"`
	Validated *statePayload `json:"validated_state"`
}

func transitionPayload(from, to *api.State) (p transition) {
	if from != nil {
		p.Intended.From = &from.Type
	}
	p.Intended.To = to.Type
	p.Initial, p.Validated = payloadOf(from), payloadOf(to)
	return p
}

func payloadOf(state *api.State) *statePayload {
	if state == nil {
		return nil
	}
	p := &statePayload{Type: state.Type, Name: stateName(state)}
	if state.Message != nil {
		p.Message = shorten(*state.Message)
	}
	if state.Type == api.StateTypePaused {
		p.PauseReschedule = strconv.FormatBool(state.StateDetails.PauseReschedule)
	}
	return p
}

func stateName(state *api.State) string {
	if state.Name == nil {
		return ""
	}
	return *state.Name
}

// isoTime writes a time as labels of events do.
func isoTime(t api.Time) string {
	if t.Nanosecond() == 0 {
		return t.Format("2006-01-02T15:04:05+00:00")
	}
	return t.Format("2006-01-02T15:04:05.000000+00:00")
}

// relatedTo lists what a flow run belongs to, the tags of all of it, and who made it.
func relatedTo(r *store.FlowRunInTransition) (related []api.RelatedResource) {
	tags := slices.Clone(r.RunTags)
	add := func(kind string, named *store.Named, labels ...string) {
		if named == nil {
			return
		}
		tags = append(tags, named.Tags...)
		related = append(related, relation(kind, kind, named, labels...))
	}
	add("flow", &r.Flow)
	add("deployment", r.Origin.Deployment)
	add("work-queue", r.WorkQueue)
	if r.WorkPool != nil {
		add("work-pool", r.WorkPool, "prefect.work-pool.type", r.WorkPool.Type)
	}
	add("task-run", r.ParentTaskRun)
	slices.Sort(tags)
	for _, tag := range slices.Compact(tags) {
		related = append(related, api.RelatedResource{"prefect.resource.id": "prefect.tag." + tag, "prefect.resource.role": "tag"})
	}
	return append(related, creator(r.CreatedBy)...)
}

func relation(kind, role string, named *store.Named, labels ...string) api.RelatedResource {
	out := resource(kind, named.ID, "", append(labels, "prefect.resource.role", role)...)
	out["prefect.resource.name"] = named.Name
	return out
}

func creator(by *api.CreatedBy) []api.RelatedResource {
	if by == nil || by.Type == nil {
		return nil
	}
	kind := map[string]string{"DEPLOYMENT": "deployment", "AUTOMATION": "automation"}[*by.Type]
	if kind == "" {
		return nil
	}
	var id uuid.UUID
	if by.ID != nil {
		id = *by.ID
	}
	named := store.Named{ID: id}
	if by.DisplayValue != nil {
		named.Name = *by.DisplayValue
	}
	out := resource(kind, named.ID, named.Name, "prefect.resource.role", "creator")
	return []api.RelatedResource{out}
}

// longestMessage is how many characters of a state's message go into events.
const longestMessage = 100_000

// shorten cuts the middle out of a message that is too long.
func shorten(message string) string { return shortenTo(message, longestMessage) }

func shortenTo(message string, longest int) string {
	if len(message) <= longest || utf8.RuneCountInString(message) <= longest {
		return message
	}
	text := []rune(message)
	half := longest / 2
	short := fmt.Sprintf("%s...%d additional characters...%s", string(text[:half]), len(text)-2*half, string(text[len(text)-half:]))
	if utf8.RuneCountInString(short) >= len(text) {
		return message
	}
	return short
}
