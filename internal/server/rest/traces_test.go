package rest_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// A flow run is a trace, what ran in it are its spans: filtered, paged to and fro, with
// their places, children, states, tags and loggers.
func TestTracesOfFlowRuns(t *testing.T) {
	t.Parallel()
	hosted(t, func(t *testing.T, w *town) {
		main, side := w.owner(w.first.WorkspaceID), w.owner(w.side.ID)
		flow := pick(t, main.ask(http.StatusCreated, "POST /flows/", `{"name":"f"}`), "id")
		names := map[string]string{} // by id
		run := func(name, parent string) string {
			body := `{"name":"` + name + `","flow_id":"` + flow + `","tags":["nightly"],"state":{"type":"RUNNING","name":"Running"}`
			if parent != "" {
				body += `,"parent_task_run_id":"` + parent + `"`
			}
			id := pick(t, main.ask(http.StatusCreated, "POST /flow_runs/", body+"}"), "id")
			names[id] = name
			return id
		}
		task := func(name, of, state string) string {
			id := pick(t, main.ask(http.StatusCreated, "POST /task_runs/", fmt.Sprintf(`{"name":%q,"flow_run_id":%q,"task_key":"t","dynamic_key":%q,"tags":["cheap","nightly"],"state":{"type":%q}}`, name, of, uuid.NewString(), state)), "id")
			names[id] = name
			return id
		}
		top := run("top", "")
		first := task("first", top, "COMPLETED")
		stands := task("stands", top, "RUNNING")
		sub := run("sub", stands)
		inner := task("inner", sub, "FAILED")
		run("other", "")
		main.ask(http.StatusCreated, "POST /logs/", fmt.Sprintf(`[{"name":"prefect.flow_runs","level":20,"message":"m","timestamp":%q,"flow_run_id":%q},{"name":"mine","level":20,"message":"m","timestamp":%q,"flow_run_id":%q}]`,
			time.Now().UTC().Format(time.RFC3339Nano), top, time.Now().UTC().Add(time.Second).Format(time.RFC3339Nano), sub))

		read := func(query string) (found []string, page api.SpansResponse) {
			t.Helper()
			main.into(&page, http.StatusOK, "GET /traces/"+top+query, "")
			for _, s := range page.Spans {
				found = append(found, names[*s.SpanID])
			}
			return found, page
		}
		for query, want := range map[string][]string{
			"": {"top", "first", "sub", "inner"}, "?direction=desc": {"inner", "sub", "first", "top"}, "?depth=0": {"top"}, "?depth=1": {"top", "first", "sub"},
			"?parent_span_id=" + sub: {"inner"}, "?parent_span_id=" + top + "&depth=1": {"first", "sub"}, "?entities=task-run": {"first", "inner"}, "?entities=flow_run": {"top", "sub"},
			"?state_types=FAILED": {"inner"}, "?state_types=FAILED&state_types=COMPLETED": {"first", "inner"}, "?state_names=Running": {"top", "sub"}, "?tags=cheap": {"first", "inner"},
			"?query=INN": {"inner"}, "?tags=none": nil,
		} {
			if got, _ := read(query); !slices.Equal(got, want) {
				t.Errorf("%s: %v, not %v", query, got, want)
			}
		}
		got, page := read("?limit=2")
		if !slices.Equal(got, []string{"top", "first"}) || page.PrevCursor != nil || page.NextCursor == nil {
			t.Fatalf("%v %+v", got, page)
		}
		got, page = read("?limit=2&cursor=" + *page.NextCursor)
		if !slices.Equal(got, []string{"sub", "inner"}) || page.NextCursor != nil || page.PrevCursor == nil {
			t.Fatalf("%v %+v", got, page)
		}
		s := page.Spans[1]
		if *s.ParentSpanID != sub || !slices.Equal(s.Path, []string{top, sub, inner}) || *s.StateType != "FAILED" || s.HasChildren || *s.TraceID != top {
			t.Errorf("%+v", s)
		}
		if s := page.Spans[0]; *s.ParentSpanID != top || !s.HasChildren || s.ChildCount != 1 || string(s.ChildStateCounts) != `{"task-run":{"FAILED":1}}` {
			t.Errorf("%+v", s)
		}
		if got, _ = read("?limit=2&cursor=" + *page.PrevCursor); !slices.Equal(got, []string{"top", "first"}) {
			t.Errorf("back: %v", got)
		}
		main.into(&page, http.StatusOK, "GET /traces/"+top+"/context/"+sub+"?context_size=1", "")
		if len(page.Spans) != 3 || *page.Spans[0].SpanID != first || page.PrevCursor == nil || page.NextCursor != nil {
			t.Errorf("context: %+v", page)
		}
		main.ask(http.StatusOK, "GET /traces/"+top+"/spans/"+inner, "")
		var list []api.SpanResponse
		main.into(&list, http.StatusOK, "GET /traces/"+top+"/spans?ids="+inner+"&ids="+top+"&ids="+uuid.NewString(), "")
		if len(list) != 2 || list[0].ParentSpanID != nil || !slices.Equal(list[0].Path, []string{top}) {
			t.Errorf("%+v", list)
		}
		for of, want := range map[string]string{inner: inner, sub: sub, stands: sub, top: top} {
			var at api.SpanIdentifierResponse
			main.into(&at, http.StatusOK, "GET /spans/lookup/"+of, "")
			if at.TraceID.String() != top || at.SpanID.String() != want {
				t.Errorf("%s: %+v", names[of], at)
			}
		}
		var states []api.ObservedState
		main.into(&states, http.StatusOK, "GET /traces/"+top+"/observed-states?order_by=NAME_ASC", "")
		if len(states) != 3 || states[0].StateName != "Completed" || states[2].StateType != "RUNNING" {
			t.Errorf("%+v", states)
		}
		main.into(&states, http.StatusOK, "GET /observed-states?query=run", "")
		if len(states) != 1 || states[0].StateName != "Running" {
			t.Errorf("%+v", states)
		}
		for path, want := range map[string]string{
			"/traces/" + top + "/observed-tags": `[{"tag":"nightly","count":4},{"tag":"cheap","count":2}]`, "/traces/" + top + "/observed-tags?query=CHE": `[{"tag":"cheap","count":2}]`,
			"/spans/" + sub + "/observed-tags": `[{"tag":"nightly","count":2},{"tag":"cheap","count":1}]`, "/spans/" + inner + "/observed-tags": `[{"tag":"cheap","count":1},{"tag":"nightly","count":1}]`,
		} {
			if got := string(main.ask(http.StatusOK, "GET "+path, "")); got != want {
				t.Errorf("%s: %s, not %s", path, got, want)
			}
		}
		for _, path := range []string{"/traces/" + top + "/observed-loggers", "/observed-loggers"} {
			var loggers []api.ObservedLogger
			main.into(&loggers, http.StatusOK, "GET "+path, "")
			if len(loggers) != 2 || loggers[0].LoggerName != "mine" || loggers[1].Count != 1 {
				t.Errorf("%s: %+v", path, loggers)
			}
			main.ask(http.StatusUnprocessableEntity, "GET "+path+"?order_by=nonsense", "")
		}
		for _, path := range []string{"/traces/" + top, "/traces/" + top + "/context/" + sub, "/traces/" + top + "/observed-states", "/traces/" + top + "/observed-tags", "/traces/" + top + "/observed-loggers",
			"/traces/" + top + "/spans/" + sub, "/spans/lookup/" + sub, "/spans/" + sub + "/observed-tags"} {
			side.ask(http.StatusNotFound, "GET "+path, "")
			w.denied(w.first.WorkspaceID).ask(http.StatusForbidden, "GET "+path, "")
		}
		main.ask(http.StatusUnprocessableEntity, "GET /traces/"+top+"?direction=up", "")
		main.ask(http.StatusUnprocessableEntity, "GET /traces/"+top+"?cursor=nonsense", "")
		main.ask(http.StatusNotFound, "GET /traces/"+top+"/spans/"+uuid.NewString(), "")
	})
}
