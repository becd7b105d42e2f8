package events

import (
	"cmp"
	"strings"
	"time"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/output"
)

func columns() []output.Column[api.ReceivedEvent] {
	return []output.Column[api.ReceivedEvent]{
		{
			Name: "Occurred", Value: func(e api.ReceivedEvent) string { return output.Stamp(&e.Occurred) },
			Human: func(e api.ReceivedEvent, now time.Time) string { return output.Ago(now, e.Occurred.Time) }, Whole: true,
		},
		{Name: "Event", Value: func(e api.ReceivedEvent) string { return e.Event }, Tone: func(api.ReceivedEvent) output.Tone { return output.Strong }, Whole: true},
		{Name: "Resource", Value: func(e api.ReceivedEvent) string { return e.Resource[idLabel] }, Whole: true, Rank: 2},
		{Name: "Name", Value: func(e api.ReceivedEvent) string { return e.Resource["prefect.resource.name"] }, Human: named, Rank: 1},
		{Name: "ID", Value: func(e api.ReceivedEvent) string { return e.ID.String() }, Whole: true, Rank: 3},
	}
}

// named is what an event is about, by its id where it has no name: a narrow terminal has no room
// for both.
func named(e api.ReceivedEvent, _ time.Time) string {
	return cmp.Or(e.Resource["prefect.resource.name"], e.Resource[idLabel])
}

// line is an event on one line of text, as the reference writes it.
func line(e *api.ReceivedEvent) string {
	return strings.Join([]string{output.Stamp(&e.Occurred), e.Event, e.Resource[idLabel]}, " ")
}
