package follow

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/output"
)

// ShowOptions say how a run is shown.
type ShowOptions struct {
	Timeout time.Duration // how long it is watched; 0 for no bound
	Poll    time.Duration // see Options
	Quiet   bool          // no log lines
}

// Show watches a flow run for the user until it has ended: log lines on stdout, states on
// stderr. The error says that watching failed or took too long, not that the run failed;
// see Verdict.
func Show(ctx context.Context, env *cli.Env, c *client.Client, id uuid.UUID, o ShowOptions) (*api.FlowRunResponse, error) {
	watching, stop := context.WithCancel(ctx)
	if o.Timeout > 0 {
		stop()
		watching, stop = context.WithTimeout(ctx, o.Timeout)
	}
	defer stop()
	s := &show{env: env, client: c, tasks: map[uuid.UUID]string{}}
	sink := Sink{State: s.state, Trouble: s.trouble}
	if !o.Quiet {
		sink.Logs = func(lines []api.Log) { s.lines(watching, id, lines) }
		defer env.Streams.Section("usher_flow_run_"+id.String(), "Log of flow run "+id.String(), env.Now)()
	}
	run, err := Run(watching, c, id, Options{Poll: o.Poll, Logs: !o.Quiet}, sink)
	if errors.Is(watching.Err(), context.DeadlineExceeded) && ctx.Err() == nil {
		return run, cli.Fail(cli.TimedOut, fmt.Sprintf("the flow run did not end within %s", output.Duration(o.Timeout)),
			"it goes on; `usher flow-run watch %s` watches it again", id)
	}
	return run, err
}

// Verdict says how a run ended and returns the error that makes the exit code of it: none
// only for a run that completed.
func Verdict(env *cli.Env, run *api.FlowRunResponse) error {
	name := output.Text(run.StateName)
	took := ""
	if run.StartTime != nil && run.EndTime != nil {
		took = " after " + output.Duration(run.EndTime.Sub(run.StartTime.Time))
	}
	if run.StateType != nil && *run.StateType == api.StateTypeCompleted {
		env.Say(env.PaintErr("✓", output.Good) + fmt.Sprintf(" Flow run %q finished in state %s%s.", run.Name, name, took))
		return nil
	}
	env.Say(env.PaintErr("✗", output.Bad) + fmt.Sprintf(" Flow run %q finished in state %s%s.", run.Name, name, took))
	if run.State != nil && output.Text(run.State.Message) != "" {
		env.Say("  " + strings.ReplaceAll(strings.TrimSpace(*run.State.Message), "\n", "\n  "))
	}
	return cli.Quiet(cli.RunFailed)
}

// show prints what happens as it happens.
type show struct {
	env    *cli.Env
	client *client.Client
	tasks  map[uuid.UUID]string
	told   string // the last state
	warned bool
}

// trouble warns once that the API is away.
func (s *show) trouble(err error) {
	if !s.warned {
		message, _, _ := strings.Cut(err.Error(), "\n")
		s.env.Warn(message + "; trying again")
	}
	s.warned = true
}

func (s *show) state(run *api.FlowRunResponse) {
	text := output.Text(run.StateName)
	if run.State == nil || text == s.told {
		return
	}
	s.told = text
	state := run.State
	line := clock(s.env.Now(), state.Timestamp.Time) + " " + s.env.PaintErr(output.StateMark(state.Type)+" "+text, output.StateTone(state.Type))
	if when := state.StateDetails.ScheduledTime; when != nil && when.After(s.env.Now()) {
		line += fmt.Sprintf(" for %s (%s)", output.Time(s.env.Now(), when.Time), output.Ago(s.env.Now(), when.Time))
	}
	s.env.Say(line)
}

// clock is the time of day: what happens now needs no date.
func clock(now, t time.Time) string { return t.In(now.Location()).Format("15:04:05") }

func (s *show) lines(ctx context.Context, run uuid.UUID, lines []api.Log) {
	s.learn(ctx, run, lines)
	printer := s.env.Printer(output.Options{})
	for _, l := range lines {
		text := clock(s.env.Now(), l.Timestamp.Time) + " " + printer.Paint(fmt.Sprintf("%-7s", Level(l.Level)), LevelTone(l.Level)) + " "
		if l.TaskRunID != nil && s.tasks[*l.TaskRunID] != "" {
			text += printer.Paint(s.tasks[*l.TaskRunID]+":", output.Dim) + " "
		}
		text += Indent(Clean(printer, l.Message))
		_ = printer.Line(s.env.Streams.WrapOut(text, len(margin))) // a reader that left is noticed by the system
	}
}

// learn finds the names of task runs that have not spoken before.
func (s *show) learn(ctx context.Context, run uuid.UUID, lines []api.Log) {
	var unknown []uuid.UUID
	for _, l := range lines {
		if l.TaskRunID == nil {
			continue
		}
		if _, known := s.tasks[*l.TaskRunID]; !known {
			s.tasks[*l.TaskRunID] = ""
			unknown = append(unknown, *l.TaskRunID)
		}
	}
	if len(unknown) == 0 {
		return
	}
	tasks, err := s.client.ReadTaskRuns(ctx, &api.ReadTaskRunsRequest{TaskRuns: &api.TaskRunFilter{ID: &api.Match[uuid.UUID]{Any: unknown}}})
	if err != nil {
		return // a line without the name of its task still says what happened
	}
	for _, t := range tasks {
		s.tasks[t.ID] = t.Name
	}
	for _, id := range unknown {
		if s.tasks[id] == "" {
			delete(s.tasks, id) // not recorded yet: look again with its next line
		}
	}
}

const margin = "    " // of the further lines of a message

// Indent puts the further lines of a message below its first.
func Indent(message string) string {
	return strings.ReplaceAll(strings.TrimRight(message, "\n"), "\n", "\n"+margin)
}

// Level is the name of a log level.
func Level(level int) string {
	switch level {
	case 0:
		return "NOTSET"
	case 10:
		return "DEBUG"
	case 20:
		return "INFO"
	case 30:
		return "WARNING"
	case 40:
		return "ERROR"
	case 50:
		return "CRITICAL"
	}
	return fmt.Sprintf("Level %d", level)
}

// LevelTone is the tone of a log level.
func LevelTone(level int) output.Tone {
	switch {
	case level >= 40:
		return output.Bad
	case level >= 30:
		return output.Warn
	case level < 20:
		return output.Dim
	}
	return output.Active
}
