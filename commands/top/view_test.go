package top

import (
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

const longest = "a-run-whose-name-is-longer-than-any-terminal-of-sixty-columns-can-show"

// pictured is a screen with runs of these names.
func pictured(t *testing.T, width int, names ...string) *model {
	t.Helper()
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	s := &snapshot{at: now, running: len(names), flows: map[uuid.UUID]string{}}
	running, state := api.StateTypeRunning, "Running"
	for _, name := range names {
		s.runs = append(s.runs, api.FlowRunResponse{Name: name, StateType: &running, StateName: &state, StartTime: api.AtPtr(now.Add(-time.Minute)), FlowID: uuid.Nil})
	}
	s.flows[uuid.Nil] = "データ取り込み-of-a-department-with-a-name"
	s.workers = []worker{{api.WorkerResponse{Name: "worker-host-1234567890-abcdef-ghij", Status: api.WorkerStatusOnline}, "kubernetes-production-eu-central-1"}}
	return &model{seen: s, now: func() time.Time { return now }, width: width, height: 24}
}

// TestNamesAreWhole: what a person would copy is not cut as long as something else can give way, and
// what had to be cut of the chosen line is shown in full below.
func TestNamesAreWhole(t *testing.T) {
	t.Parallel()
	for _, width := range []int{60, 80, 160} {
		m := pictured(t, width, longest, "curious-badger-of-the-northern-pla", "実行-2850-🚀")
		for tab := range tabs {
			m.tab = tab
			lines := strings.Split(m.draw(), "\n")
			if len(lines) != m.height {
				t.Errorf("%d columns, tab %d: %d lines", width, tab, len(lines))
			}
			for _, line := range lines {
				if ansi.StringWidth(line) > width {
					t.Errorf("%d columns, tab %d: %q is %d wide", width, tab, line, ansi.StringWidth(line))
				}
			}
		}
		m.tab = runsTab
		shown := m.draw()
		for _, want := range []string{"curious-badger-of-the-northern-pla", "実行-2850-🚀", "▶ Running", "q quit"} {
			if !strings.Contains(shown, want) {
				t.Errorf("%d columns: %q is not in\n%s", width, want, shown)
			}
		}
		if whole := strings.Join(strings.Split(shown, "\n"), ""); !strings.Contains(whole, longest) {
			t.Errorf("%d columns: the name of the chosen run is not told:\n%s", width, shown)
		}
		m.tab = workersTab
		if shown := m.draw(); !strings.Contains(shown, "worker-host-1234567890-abcdef-ghij") || !strings.Contains(shown, "\nkubernetes-production-eu-central-1\n") && width < 80 || !strings.Contains(shown, "● online") {
			t.Errorf("%d columns: the worker or its pool is cut:\n%s", width, shown)
		}
	}
}

// TestMessagesAreReadToTheEnd: the chosen line of a log is shown in full.
func TestMessagesAreReadToTheEnd(t *testing.T) {
	t.Parallel()
	m := pictured(t, 60, "r")
	m.run, m.tab = &m.seen.runs[0], logsTab
	m.lines = []api.Log{{Message: strings.Repeat("word ", 30) + "end", Level: 20}}
	if shown := m.draw(); !strings.Contains(shown, "end\n") {
		t.Errorf("the message is cut:\n%s", shown)
	}
}
