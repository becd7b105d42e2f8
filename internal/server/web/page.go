package web

import (
	"bytes"
	"context"
	_ "embed"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/build"
	"github.com/usherhq/usher/internal/server/core"
	"github.com/usherhq/usher/internal/server/origin"
)

//go:embed page.html
var pageText string

var pageTemplate = sync.OnceValue(func() *template.Template { return template.Must(template.New("page").Parse(pageText)) })

// front is what the page shows.
type front struct {
	Version string
	APIURL  string
	Healthy bool
	Guarded bool // who is not known sees no runs
	Runs    []runLine
	Pools   []poolLine
}

type runLine struct{ Name, State, Tone, Pool, Ago string }

type poolLine struct{ Name, Type, Status, Tone string }

// shown is how many runs and work pools the page lists.
const shown = 10

// page is our own page: what runs here, how it is, and how to connect.
func (s *Site) page(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/" {
		notFound(w)
		return
	}
	data := front{Version: build.Version(), APIURL: origin.URL(r, origin.API), Guarded: s.options.Private || s.core.Guards.Guarded()}
	data.Healthy = s.core.Ready(r.Context()) == nil
	if data.Healthy && !data.Guarded {
		data.Healthy = s.show(r.Context(), &data) == nil
	}
	var b bytes.Buffer
	if err := pageTemplate().Execute(&b, data); err != nil {
		http.Error(w, "the page can't be shown", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	if !data.Healthy {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	w.Write(b.Bytes()) //nolint:errcheck // the client is gone; nobody is left to tell
}

// show puts in what runs here. Runs that a schedule has made for later would hide the others.
func (s *Site) show(ctx context.Context, data *front) error {
	who, now := core.Caller{Workspace: core.DefaultWorkspace}, s.core.Clock()
	due := core.Filters{FlowRuns: &api.FlowRunFilter{ExpectedStartTime: &api.Span{Before: new(api.At(now))}}}
	runs, err := s.core.FlowRuns(ctx, who, due, api.FlowRunSortExpectedStartTimeDesc, shown, 0)
	if err != nil {
		return err
	}
	pools, err := s.core.WorkPools(ctx, who, nil, shown, 0)
	data.Runs, data.Pools = lines(runs, now), poolLines(pools)
	return err
}

func poolLines(pools []api.WorkPoolResponse) (out []poolLine) {
	for i := range pools {
		line := poolLine{Name: pools[i].Name, Type: pools[i].Type, Tone: "quiet"}
		if status := pools[i].Status; status != nil {
			line.Status, line.Tone = wordsOf(*status)
		}
		out = append(out, line)
	}
	return out
}

// wordsOf says how a work pool is, and whether that is good.
func wordsOf(status api.WorkPoolStatus) (words, tone string) {
	switch status {
	case api.WorkPoolStatusReady:
		return "Ready", "good"
	case api.WorkPoolStatusPaused:
		return "Paused", "quiet"
	}
	return "No worker", "bad"
}

func lines(runs []api.FlowRunResponse, now time.Time) (out []runLine) {
	for i := range runs {
		run := &runs[i]
		line := runLine{Name: run.Name, State: "Unknown", Tone: "quiet"}
		if run.StateName != nil {
			line.State = *run.StateName
		}
		if run.StateType != nil {
			line.Tone = toneOf(*run.StateType)
		}
		if run.WorkPoolName != nil {
			line.Pool = *run.WorkPoolName
		}
		at := run.StartTime
		if at == nil {
			at = run.ExpectedStartTime
		}
		if at != nil {
			line.Ago = ago(now.Sub(at.Time))
		}
		out = append(out, line)
	}
	return out
}

func toneOf(state api.StateType) string {
	switch state {
	case api.StateTypeCompleted:
		return "good"
	case api.StateTypeFailed, api.StateTypeCrashed:
		return "bad"
	case api.StateTypeRunning, api.StateTypePending:
		return "busy"
	}
	return "quiet"
}

func ago(d time.Duration) string {
	text, ahead := d.Abs().Round(time.Second).String(), d < 0
	switch d = d.Abs(); {
	case d >= 48*time.Hour:
		text = strconv.Itoa(int(d.Hours()/24)) + " days"
	case d >= time.Hour:
		text = strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
	}
	if ahead {
		return "in " + text
	}
	return text + " ago"
}
