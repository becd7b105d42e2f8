// Package slots shows who holds the slots of work pools and queues.
package slots

import (
	"fmt"
	"strings"
	"time"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/output"
)

// Holder is a run that holds a slot.
type Holder struct {
	Queue string
	Run   api.FlowRunSlotSummary
}

// Holders are the runs of one queue.
func Holders(queue string, runs []api.FlowRunSlotSummary) []Holder {
	list := make([]Holder, len(runs))
	for i, run := range runs {
		list[i] = Holder{queue, run}
	}
	return list
}

// Show lists the holders, with how full it is for a person.
func Show(env *cli.Env, printer *output.Printer, active int, limit *int, holders []Holder) error {
	if printer.ForPeople() {
		env.Say("Slots: " + Bar(active, limit))
	}
	if len(holders) == 0 {
		env.Say("No flow run holds a slot.")
	}
	return output.List(printer, holders, columns())
}

// barWidth is how many signs a full bar has.
const barWidth = 20

// Bar draws how many slots are taken, as "████░░░░ 4 / 10"; without a limit there is only
// the number.
func Bar(active int, limit *int) string {
	if limit == nil {
		return fmt.Sprintf("%d taken, no limit", active)
	}
	full := barWidth
	if *limit > 0 {
		full = min(barWidth, active*barWidth / *limit)
	}
	return strings.Repeat("█", full) + strings.Repeat("░", barWidth-full) + fmt.Sprintf(" %d / %d", active, *limit)
}

func columns() []output.Column[Holder] {
	return []output.Column[Holder]{
		{Name: "Queue", Value: func(h Holder) string { return h.Queue }, Rank: 1},
		{Name: "ID", Value: func(h Holder) string { return h.Run.ID.String() }, Whole: true, Rank: 2},
		{Name: "Flow run", Value: func(h Holder) string { return h.Run.Name }, Tone: func(Holder) output.Tone { return output.Strong }},
		output.StateColumn(func(h Holder) (*api.StateType, *string) { return h.Run.StateType, h.Run.StateName }),
		{Name: "Since", Value: seconds, Human: func(h Holder, _ time.Time) string { return since(h) }, Right: true},
	}
}

// seconds is how long the run has been in its state, for programs.
func seconds(h Holder) string {
	if h.Run.TimeInCurrentState == nil {
		return ""
	}
	return fmt.Sprint(float64(*h.Run.TimeInCurrentState))
}

func since(h Holder) string {
	if h.Run.TimeInCurrentState == nil {
		return ""
	}
	return output.Duration(time.Duration(float64(*h.Run.TimeInCurrentState) * float64(time.Second)))
}
