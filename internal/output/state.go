package output

import (
	"strconv"
	"time"

	"github.com/usherhq/usher/internal/api"
)

// StateMark tells kinds of states apart where there is no colour, or nobody who sees it.
func StateMark(state api.StateType) string {
	switch state {
	case api.StateTypeCompleted:
		return "✓"
	case api.StateTypeFailed, api.StateTypeCrashed:
		return "✗"
	case api.StateTypeRunning:
		return "▶"
	case api.StateTypeCancelled, api.StateTypeCancelling:
		return "■"
	case api.StateTypePaused:
		return "‖"
	case api.StateTypeScheduled, api.StateTypePending:
	}
	return "○"
}

// StateText is the state of a run for people: its name behind its mark.
func StateText(state *api.StateType, name *string) string {
	if state == nil || name == nil {
		return Text(name)
	}
	return StateMark(*state) + " " + *name
}

// StateColumn is the column of a run's state.
func StateColumn[T any](state func(T) (*api.StateType, *string)) Column[T] {
	return Column[T]{
		Name:  "State",
		Value: func(item T) string { _, name := state(item); return Text(name) },
		Human: func(item T, _ time.Time) string { return StateText(state(item)) },
		Tone: func(item T) Tone {
			if kind, _ := state(item); kind != nil {
				return StateTone(*kind)
			}
			return Plain
		},
	}
}

// StatusText is the status of what serves runs (a pool, a queue, a deployment, a worker) for people.
func StatusText(status string) string {
	switch status {
	case "READY":
		return "● ready"
	case "NOT_READY":
		return "○ not ready"
	case "PAUSED":
		return "‖ paused"
	case "ONLINE":
		return "● online"
	case "OFFLINE":
		return "○ offline"
	}
	return status
}

// StatusTone is the tone of such a status.
func StatusTone(status string) Tone {
	switch status {
	case "READY", "ONLINE":
		return Good
	case "PAUSED":
		return Warn
	case "OFFLINE":
		return Bad
	}
	return Dim
}

// StatusColumn is the column of such a status.
func StatusColumn[T any](status func(T) string) Column[T] {
	return Column[T]{
		Name: "Status", Value: status,
		Human: func(item T, _ time.Time) string { return StatusText(status(item)) },
		Tone:  func(item T) Tone { return StatusTone(status(item)) },
	}
}

// SwitchColumn is the column of what is on or off.
func SwitchColumn[T any](name string, on func(T) bool) Column[T] {
	return Column[T]{
		Name: name, Value: func(item T) string { return strconv.FormatBool(on(item)) },
		Human: func(item T, _ time.Time) string {
			if on(item) {
				return "● on"
			}
			return "○ off"
		},
		Tone: func(item T) Tone {
			if on(item) {
				return Good
			}
			return Dim
		},
	}
}

// At gives a column its rank.
func (c Column[T]) At(rank int) Column[T] {
	c.Rank = rank
	return c
}
