package states

import "github.com/usherhq/usher/internal/api"

// set is a set of state types, and of "no state yet".
type set uint16

const (
	noState set = 1 << iota
	scheduled
	pending
	running
	paused
	cancelling
	completed
	failed
	crashed
	cancelled

	terminal = completed | failed | crashed | cancelled
	anything = 1<<iota - 1
)

// setOf returns the set of the one type that s has; noState when s is nil.
func setOf(s *api.State) set {
	if s == nil {
		return noState
	}
	return typeSet(s.Type)
}

func typeSet(t api.StateType) set {
	switch t {
	case api.StateTypeScheduled:
		return scheduled
	case api.StateTypePending:
		return pending
	case api.StateTypeRunning:
		return running
	case api.StateTypePaused:
		return paused
	case api.StateTypeCancelling:
		return cancelling
	case api.StateTypeCompleted:
		return completed
	case api.StateTypeFailed:
		return failed
	case api.StateTypeCrashed:
		return crashed
	case api.StateTypeCancelled:
		return cancelled
	}
	return 0
}

func (s set) has(other set) bool { return s&other != 0 }

// IsTerminal says that a run in state type t has ended.
func IsTerminal(t api.StateType) bool { return terminal.has(typeSet(t)) }
