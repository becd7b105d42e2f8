package rest

import (
	"context"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
)

// What is seen of one run: its lines, events and artifacts.
var runViewRoutes = []route{
	{api.OpGetFlowRunLogs, "see_flows", small, readRunLogs},
	{api.OpDownloadFlowRunLogs, "see_flows", small, downloadLogs},
	{api.OpGetEventsForFlowRun, "see_events", small, readRunEvents},
	{api.OpGetFlowRunArtifacts, "see_flows", small, runArtifacts((*core.Core).FlowRunArtifacts)},
	{api.OpGetTaskRunArtifacts, "see_flows", small, runArtifacts((*core.Core).TaskRunArtifacts)},
	{api.OpSummarizeFlowRunLogs, "see_flows", small, summarizeLogs},
}

// unchanged says by a count whether the client has seen all that there is, and tells it the
// count.
func (r *request) unchanged(count int) bool {
	tag := strconv.Itoa(count)
	r.writer.Header().Set("ETag", `"`+tag+`"`)
	return strings.Trim(strings.TrimPrefix(r.Header.Get("If-None-Match"), "W/"), `"`) == tag
}

// queryPage reads limit and offset from the query.
func (r *request) queryPage(most, mostOffset int) (limit, offset int, err error) {
	if limit, err = r.queryInt("limit", most, 0, most); err != nil {
		return 0, 0, err
	}
	offset, err = r.queryInt("offset", 0, 0, mostOffset)
	return limit, offset, err
}

func readRunLogs(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	f, err := r.logFilter()
	if err != nil {
		return answer{}, err
	}
	limit, offset, err := r.queryPage(api.MaxPage, math.MaxInt32)
	if err != nil {
		return answer{}, err
	}
	sort, err := r.queryChoice("sort", api.LogSort("").Values()...)
	if err != nil {
		return answer{}, err
	}
	list, total, err := c.LogsOfRun(r.Context(), r.who, id, f, api.LogSort(sort), limit, offset)
	if err == nil && r.unchanged(total) {
		return answer{status: http.StatusNotModified}, nil
	}
	return give(http.StatusOK, list, err)
}

// logFilter reads from the query which lines are wanted.
func (r *request) logFilter() (*api.LogFilter, error) {
	f, query := &api.LogFilter{}, r.URL.Query()
	for name, bound := range map[string]func(*api.LogFilterLevel, *int){
		"level_ge": func(l *api.LogFilterLevel, n *int) { l.Ge = n },
		"level_le": func(l *api.LogFilterLevel, n *int) { l.Le = n },
	} {
		if query.Get(name) == "" {
			continue
		}
		n, err := r.queryInt(name, 0, 0, math.MaxInt16)
		if err != nil {
			return nil, err
		}
		if f.Level == nil {
			f.Level = &api.LogFilterLevel{}
		}
		bound(f.Level, &n)
	}
	since, err := r.queryTimePtr("since")
	if err != nil {
		return nil, err
	}
	until, err := r.queryTimePtr("until")
	if err != nil {
		return nil, err
	}
	if since != nil || until != nil {
		f.Timestamp = &api.Span{After: since, Before: until}
	}
	if text := query.Get("task_runs_is_null"); text != "" {
		isNull, err := r.queryChoice("task_runs_is_null", "false", "true")
		if err != nil {
			return nil, err
		}
		none := isNull == "true"
		f.TaskRunID = &api.LogFilterTaskRunId{IsNull: &none}
	}
	for text := range strings.SplitSeq(query.Get("task_runs"), ",") {
		if text == "" {
			continue
		}
		id, err := uuid.Parse(text)
		if err != nil {
			return nil, badQuery("task_runs", "uuid_parsing", "Input should be a list of UUIDs with commas between them", text)
		}
		if f.TaskRunID == nil {
			f.TaskRunID = &api.LogFilterTaskRunId{}
		}
		f.TaskRunID.Any = append(f.TaskRunID.Any, id)
	}
	if loggers := query.Get("loggers"); loggers != "" {
		f.Loggers = &api.Match[string]{Any: strings.Split(loggers, ",")}
	}
	if text := query.Get("text_query"); text != "" {
		const most = 200
		if len([]rune(text)) > most {
			return nil, badQuery("text_query", "string_too_long", "String should have at most 200 characters", text)
		}
		f.Text = &api.LogFilterTextSearch{Query: text}
	}
	return f, nil
}

// mostRunEvents is how many events of a run a page has.
const mostRunEvents = 200

func readRunEvents(c *core.Core, r *request) (answer, error) {
	id, err := r.id("flow_run_id")
	if err != nil {
		return answer{}, err
	}
	const mostOffset = 5000
	limit, offset, err := r.queryPage(mostRunEvents, mostOffset)
	if err != nil {
		return answer{}, err
	}
	order, err := r.queryChoice("order", "DESC", "ASC")
	if err != nil {
		return answer{}, err
	}
	tasks, err := r.queryChoice("with_task_runs", "true", "false")
	if err != nil {
		return answer{}, err
	}
	page, err := c.EventsOfRun(r.Context(), r.who, id, api.EventOrder(order), tasks == "true", limit, offset)
	if err == nil && r.unchanged(page.Total) {
		return answer{status: http.StatusNotModified}, nil
	}
	return give(http.StatusOK, page, err)
}

func runArtifacts(of func(*core.Core, context.Context, core.Caller, uuid.UUID, core.ArtifactsOfRun) ([]api.Artifact, error)) handler {
	return func(c *core.Core, r *request) (answer, error) {
		id, err := r.id("id")
		if err != nil {
			return answer{}, err
		}
		var q core.ArtifactsOfRun
		if q.Depth, err = r.queryInt("depth", -1, 0, math.MaxInt32); err != nil {
			return answer{}, err
		}
		if q.Since, err = r.queryTimePtr("since"); err != nil {
			return answer{}, err
		}
		if q.Until, err = r.queryTimePtr("until"); err != nil {
			return answer{}, err
		}
		sort, err := r.queryChoice("sort", "desc", "asc")
		if err != nil {
			return answer{}, err
		}
		q.OldestFirst = sort == "asc"
		list, err := of(c, r.Context(), r.who, id, q)
		return give(http.StatusOK, list, err)
	}
}

// summarizeLogs answers as a server without a language model does.
func summarizeLogs(c *core.Core, r *request) (answer, error) {
	id, err := r.id("flow_run_id")
	if err != nil {
		return answer{}, err
	}
	if _, err := c.FlowRun(r.Context(), r.who, id); err != nil {
		return answer{}, err
	}
	detail := "disabled"
	return ok(api.MarvinResult{Detail: &detail})
}
