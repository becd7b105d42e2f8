package find

import (
	"slices"
	"strings"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
)

// knownStates are the names that states have unless a flow gives its own.
func knownStates() []string {
	return []string{
		"Scheduled", "Late", "Resuming", "AwaitingRetry", "AwaitingConcurrencySlot", "Pending", "Paused", "Suspended", "Running",
		"Retrying", "Completed", "Cached", "Cancelled", "Cancelling", "Crashed", "Failed", "RolledBack", "TimedOut", "Skipped",
	}
}

// StateNames spells names of states as they are stored, and warns of a name that is not
// known: a flow may have given it.
func StateNames(env *cli.Env, typed []string) []string {
	known := knownStates()
	names := slices.Clone(typed)
	for i, name := range typed {
		at := slices.IndexFunc(known, func(k string) bool { return strings.EqualFold(k, name) })
		if at >= 0 {
			names[i] = known[at]
			continue
		}
		env.Warn("no state is named " + name + " unless a flow says so; the known names are " + strings.Join(known, ", "))
	}
	return names
}

// StateTypes reads types of states.
func StateTypes(typed []string) ([]api.StateType, error) {
	known := api.StateType("").Values()
	types := make([]api.StateType, len(typed))
	for i, name := range typed {
		types[i] = api.StateType(strings.ToUpper(name))
		if !slices.Contains(known, string(types[i])) {
			return nil, cli.Usagef("%q is no type of state; the types are %s", name, strings.Join(known, ", "))
		}
	}
	return types, nil
}
