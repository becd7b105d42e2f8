package follow

import (
	"context"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/usherhq/usher/internal/api"
)

// Log lines leave a run in batches, the last of them after its last state. Watching goes on
// for linger after the last line; where the engine of the SDK runs the flow, until its own
// last line is in, but no longer than engineSilent after the end if it said nothing at all
// (its lines may be switched off), and than lingerMost in any case.
const (
	linger       = 600 * time.Millisecond
	engineSilent = 3 * time.Second
	lingerMost   = 5 * time.Second
)

// The engine says when it begins and, after the last state, that it has finished; a worker
// says that the process has ended.
const (
	engineBegins   = "Beginning flow run"
	engineFinished = "Finished in state"
	processOf      = "Process for flow run"
	processEnded   = " exited "
)

// ending decides when the last lines of a run that has ended are in.
type ending struct {
	begun, finished bool // what was said
	engine          bool // the engine of the SDK runs it
	ended, lastLine time.Time
}

func (e *ending) hear(l *api.Log) {
	if l.TaskRunID != nil {
		return
	}
	if strings.HasPrefix(l.Message, engineBegins) {
		e.begun, e.finished = true, false // once more, where a run is retried
	}
	e.finished = e.finished || strings.HasPrefix(l.Message, engineFinished) ||
		strings.HasPrefix(l.Message, processOf) && strings.Contains(l.Message, processEnded)
}

// wait says how long to wait for further lines of a run that has ended.
func (e *ending) wait(run *api.FlowRunResponse, lines int, now time.Time) (wait time.Duration, over bool) {
	if lines > 0 || e.lastLine.IsZero() {
		e.lastLine = now
	}
	if now.Sub(e.ended) >= lingerMost || endedLongAgo(run, now) {
		return 0, true
	}
	if e.expects(run, now) {
		return linger, false
	}
	quiet := now.Sub(e.lastLine)
	return linger - quiet, e.finished || quiet >= linger
}

// endedLongAgo says of a run that ended before anybody looked that nothing is on its way.
func endedLongAgo(run *api.FlowRunResponse, now time.Time) bool {
	return run.State != nil && now.Sub(run.State.Timestamp.Time) > lingerMost
}

// expects reports whether the engine has not said its last line yet. One that was ended from
// outside does not come to it.
func (e *ending) expects(run *api.FlowRunResponse, now time.Time) bool {
	byItself := *run.StateType == api.StateTypeCompleted || *run.StateType == api.StateTypeFailed
	return byItself && e.engine && !e.finished && (e.begun || now.Sub(e.ended) < engineSilent)
}

// runsEngine reports whether the engine runs a flow run: a deployment with a command of its
// own runs something else.
func (w *watch) runsEngine(ctx context.Context, run *api.FlowRunResponse) bool {
	if run.DeploymentID == nil {
		return true
	}
	if ownCommand(run.JobVariables) {
		return false
	}
	d, err := w.client.ReadDeployment(ctx, *run.DeploymentID)
	return err == nil && !ownCommand(d.JobVariables)
}

func ownCommand(variables []byte) bool {
	var v struct {
		Command string `json:"command"`
	}
	return json.Unmarshal(variables, &v) == nil && v.Command != ""
}
