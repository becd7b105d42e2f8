package rest_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/store/storetest"
)

// TestEventsThatAreNotKept: one that is too large is dropped without a word, one with a
// label that is null is refused.
func TestEventsThatAreNotKept(t *testing.T) {
	t.Parallel()
	url := startServer(t, storetest.SQLiteURL(t))
	const event = `[{"event":"too.large","id":"11111111-2222-4333-8444-555555555555","occurred":"2026-01-02T03:04:05Z","resource":{"prefect.resource.id":"r","label":LABEL},"payload":{"text":"TEXT"}}]`
	post := func(label, text string) int {
		status, _ := ask(t, url, "POST /events", strings.NewReplacer("LABEL", label, "TEXT", text).Replace(event))
		return status
	}
	if got := post(`null`, ""); got != http.StatusUnprocessableEntity {
		t.Errorf("a label that is null: status %d", got)
	}
	if got := post(`""`, strings.Repeat("x", 1_500_000)); got != http.StatusNoContent {
		t.Errorf("a large event: status %d", got)
	}
	_, answer := ask(t, url, "POST /events/filter", `{"filter":{"event":{"name":["too.large"]},"occurred":{"since":"2026-01-01T00:00:00Z","until":"2026-01-03T00:00:00Z"}}}`)
	if !strings.Contains(string(answer), `"total":0`) {
		t.Errorf("it was kept: %s", answer)
	}
}

// TestEventsOfOtherClocks: an event is kept with its sender's time, however wrong. It is
// found by who asks for that time; without bounds a query ends now.
func TestEventsOfOtherClocks(t *testing.T) {
	t.Parallel()
	url := startServer(t, storetest.SQLiteURL(t))
	now := time.Now().UTC()
	found := func(filter string) (names []string) {
		_, answer := ask(t, url, "POST /events/filter", `{"filter":`+filter+`}`)
		var page struct {
			Events []struct{ Event string }
		}
		if err := json.Unmarshal(answer, &page, json.MatchCaseInsensitiveNames(true)); err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Events {
			names = append(names, e.Event)
		}
		return names
	}
	for name, at := range map[string]time.Time{"past": now.AddDate(-1, 0, 0), "now": now.Add(-time.Second), "future": now.AddDate(1, 0, 0)} {
		event := `[{"id":"` + uuid.NewString() + `","event":"` + name + `","occurred":"` + at.Format(time.RFC3339Nano) + `","resource":{"prefect.resource.id":"r"}}]`
		if status, answer := ask(t, url, "POST /events", event); status != http.StatusNoContent {
			t.Errorf("%s: %d %s", name, status, answer)
		}
	}
	span := func(since, until time.Time) string {
		return `"occurred":{"since":"` + since.Format(time.RFC3339) + `","until":"` + until.Format(time.RFC3339) + `"}`
	}
	for filter, want := range map[string][]string{
		`{"resource":{"id":["r"]}}`: {"now"},
		`{"resource":{"id":["r"]},` + span(now.AddDate(-2, 0, 0), now.AddDate(2, 0, 0)) + `}`: {"future", "now", "past"},
		`{` + span(now.AddDate(0, 1, 0), now.AddDate(2, 0, 0)) + `}`:                          {"future"},
	} {
		if got := found(filter); !slices.Equal(got, want) {
			t.Errorf("%s finds %q, want %q", filter, got, want)
		}
	}
}
