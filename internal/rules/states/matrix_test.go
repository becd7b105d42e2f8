package states

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// matrices say what becomes of each state that a client proposes (columns) in each state
// that a run can be in (rows).
//
//	A   accepted
//	R   refused: the current state stays
//	X   refused for good (abort)
//	W   to be asked again later: the scheduled time lies ahead
//	name  that state instead
var matrices = []struct {
	name   string
	input  Input // what all rows have in common
	matrix string
}{
	{"of a deployment", Input{Policy: Core, DeploymentID: new(uuid.UUID{15: 1}), Deployment: &Deployment{}}, `
		from                 Scheduled Late   Pending Submitting Running Paused Cancelling Cancelled Completed Completed+result Failed Crashed
		none                 A         -      A       A          A       X      A          A         A         A                A      A
		Scheduled            A         A      A       A          A       R      Cancelled  A         A         A                A      A
		Scheduled+ahead      A         A      A       A          W       R      Cancelled  A         A         A                A      A
		Scheduled+process    A         A      A       A          A       R      A          A         A         A                A      A
		Late                 A         R      A       A          A       R      Cancelled  A         A         A                A      A
		Pending              A         R      X       A          A       R      A          A         A         A                A      A
		Pending+ahead        A         R      X       A          W       R      A          A         A         A                A      A
		Running              A         R      X       X          A       A      A          A         A         A                A      A
		Running+retries      A         R      X       X          A       A      A          A         A         A                AwaitingRetry A
		Paused               A         R      R       R          A       R      R          A         A         A                A      A
		Paused+overdue       Failed    R      R       R          Failed  R      R          Failed    Failed    Failed           Failed Failed
		Suspended            A         R      R       R          A       R      Cancelled  A         A         A                A      A
		Cancelling           R         R      R       R          R       R      R          A         R         R                R      R
		Cancelled            A         R      X       X          A       X      X          A         A         A                A      X
		Completed            A         R      A       A          A       X      X          A         A         A                A      X
		Completed+result     R         R      R       R          R       X      X          A         R         A                A      X
		Failed               A         R      A       A          A       X      X          A         A         A                A      X
		Crashed              A         R      A       A          A       X      X          A         A         A                A      X`},
	{"of no deployment", Input{Policy: Core}, `
		from                 Scheduled Late   Pending Submitting Running Paused Cancelling Cancelled Completed Completed+result Failed Crashed
		Scheduled            A         A      A       A          A       R      Cancelled  A         A         A                A      A
		Running              A         R      X       X          A       A      A          A         A         A                A      A
		Paused               A         R      R       R          A       R      R          A         A         A                A      A
		Suspended            R         R      R       R          R       R      Cancelled  R         R         R                R      R
		Cancelled            X         X      X       X          A       X      X          A         A         A                A      X
		Completed            X         X      A       A          A       X      X          A         A         A                A      X
		Completed+result     R         R      R       R          R       X      X          A         R         A                A      X
		Failed               X         X      A       A          A       X      X          A         A         A                A      X
		Crashed              X         X      A       A          A       X      X          A         A         A                A      X`},
	{"by force", Input{Policy: Minimal, DeploymentID: new(uuid.UUID{15: 1}), Deployment: &Deployment{}}, `
		from                 Scheduled Late   Pending Submitting Running Paused Cancelling Cancelled Completed Completed+result Failed Crashed
		Scheduled            A         A      A       A          A       A      Cancelled  A         A         A                A      A
		Scheduled+process    A         A      A       A          A       A      A          A         A         A                A      A
		Pending              A         A      A       A          A       A      A          A         A         A                A      A
		Running              A         A      A       A          A       A      A          A         A         A                A      A
		Paused               A         A      A       A          A       A      A          A         A         A                A      A
		Suspended            A         A      A       A          A       A      Cancelled  A         A         A                A      A
		Cancelling           A         A      A       A          A       A      A          A         A         A                A      A
		Cancelled            A         A      A       A          A       A      A          A         A         A                A      A
		Completed            A         A      A       A          A       A      A          A         A         A                A      A
		Completed+result     A         A      A       A          A       A      A          A         R         A                A      A
		Failed               A         A      A       A          A       A      A          A         A         A                A      A
		Crashed              A         A      A       A          A       A      A          A         A         A                A      A`},
}

func TestTransitionMatrix(t *testing.T) {
	t.Parallel()
	for _, m := range matrices {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			var columns []string
			for line := range strings.Lines(strings.TrimSpace(m.matrix)) {
				row := strings.Fields(line)
				if columns == nil {
					columns = row
					continue
				}
				if len(row) != len(columns) {
					t.Fatalf("the row of %s has %d cells of %d", row[0], len(row), len(columns))
				}
				for i, want := range row[1:] {
					if want != "-" {
						checkCell(t, m.input, row[0], columns[1+i], want)
					}
				}
			}
		})
	}
}

func checkCell(t *testing.T, in Input, from, to, want string) {
	t.Helper()
	in.Current = placed(&in, from)
	in.Proposed = *placed(&Input{}, to)
	in.Proposed.ID = uuid.UUID{15: 9}
	d := Decide(&in, start)
	if got := cell(&d); got != want {
		t.Errorf("%s → %s: %s (%s), want %s", from, to, got, d.Reason, want)
	}
}

func cell(d *Decision) string {
	switch {
	case d.Status == api.SetStateStatusAccept:
		return "A"
	case d.Status == api.SetStateStatusAbort:
		return "X"
	case d.Status == api.SetStateStatusWait:
		return "W"
	case d.State != nil:
		return *d.State.Name
	}
	return "R"
}

// placed is the state that a row or column is named after; in gets what goes with it.
func placed(in *Input, name string) *api.State {
	name, with, _ := strings.Cut(name, "+")
	if name == "none" {
		return nil
	}
	types := map[string]api.StateType{
		nameLate: api.StateTypeScheduled, "Submitting": api.StateTypePending, nameSuspended: api.StateTypePaused,
	}
	kind, derived := types[name]
	if !derived {
		kind = api.StateType(strings.ToUpper(name))
	}
	s := newState(kind, name, "", uuid.UUID{15: 8}, api.At(start.Add(-time.Minute)))
	s.StateDetails.PauseReschedule = name == nameSuspended
	switch with {
	case "ahead":
		s.StateDetails.ScheduledTime = new(api.At(start.Add(time.Minute)))
	case "overdue":
		s.StateDetails.PauseTimeout = new(api.At(start.Add(-time.Second)))
	case "result":
		s.Data = []byte(`{"type":"reference"}`)
	case "process":
		in.InfrastructurePID = new("1")
	case "retries":
		in.Run.FlowPolicy.Retries, in.Run.RunCount = new(1), 1
	}
	return &s
}
