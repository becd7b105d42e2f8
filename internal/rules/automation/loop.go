package automation

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/rules/filter"
)

// What CheckLoop says.
const (
	inferredLoop = "Running an inferred deployment from a flow run state change event will lead to an infinite loop of flow runs.  " +
		"Please choose a specific deployment and add additional filtering labels to the match or match_related for this automation's trigger."
	selectedLoop = "Running a selected deployment from a flow run state change event may lead to an infinite loop of flow runs.  " +
		"Please include additional filtering labels on either match or match_related to narrow down which flow runs will trigger this automation " +
		"to exclude flow runs from the deployment you've selected."
)

// CheckLoop says why an automation would start runs for ever: it answers to the states
// of every run by running a deployment, whose runs go through those states too. It
// answers "" for an automation that does not.
func CheckLoop(t *Trigger, actions []Action) string {
	if t.Type != TypeEvent || t.Posture != Reactive || !slices.ContainsFunc(t.Expect, isEveryRuns) {
		return ""
	}
	for _, a := range actions {
		switch {
		case a.Type != RunDeployment:
		case a.Source == Inferred:
			return inferredLoop
		case everyRun(t.Match) && slices.ContainsFunc(t.RelatedMatches(), everyRun):
			return selectedLoop
		}
	}
	return ""
}

// isEveryRuns says that every run of a deployment has an event of that name.
func isEveryRuns(event string) bool {
	switch strings.TrimPrefix(event, "prefect.flow-run.") {
	case "Scheduled", "Pending", "Running", "*":
		return strings.HasPrefix(event, "prefect.flow-run.")
	}
	return false
}

// everyRun says that a selection leaves no flow run out.
func everyRun(raw jsontext.Value) bool {
	labels, err := filter.ParseLabels(raw)
	if err != nil {
		return false
	}
	if len(labels) > 1 {
		return false
	}
	ids, byID := labels["prefect.resource.id"]
	if !byID {
		return len(labels) == 0
	}
	return slices.Contains(ids, "prefect.flow-run.*")
}
