package nativeflow

import (
	"strings"
	"unicode/utf8"
)

// TaskEventKind says what a program tells about a task.
type TaskEventKind string

// What a program tells about a task.
const (
	TaskBegins TaskEventKind = "begin"
	TaskEnds   TaskEventKind = "end"
	TaskFails  TaskEventKind = "fail"
)

// TaskEvent is a line about a task: "::begin:: name", "::end:: name" or "::fail:: name: why".
type TaskEvent struct {
	Kind    TaskEventKind
	Name    string
	Message string // why it failed; may be empty
}

// maxTaskName is the longest name of a task, in bytes; a line with a longer one is a line of
// the log like others.
const maxTaskName = 200

// ReadTask finds what a printed line tells about a task.
func ReadTask(line string, format LogFormat) (TaskEvent, bool) {
	rest, marked := strings.CutPrefix(line, "::")
	if format == LogPlain || !marked {
		return TaskEvent{}, false
	}
	kind, text, _ := strings.Cut(rest, "::")
	e := TaskEvent{Kind: TaskEventKind(kind), Name: strings.TrimSpace(text)}
	switch e.Kind {
	case TaskBegins, TaskEnds:
	case TaskFails:
		e.Name, e.Message, _ = strings.Cut(e.Name, ": ")
	default:
		return TaskEvent{}, false
	}
	return e, e.Name != "" && len(e.Name) <= maxTaskName && utf8.ValidString(e.Name)
}

// record is how the event reads in the log.
func (e TaskEvent) record() (level int, message string) {
	switch e.Kind {
	case TaskBegins:
		return LevelOf("INFO"), "Task " + e.Name + " begins"
	case TaskEnds:
		return LevelOf("INFO"), "Task " + e.Name + " ended"
	case TaskFails:
	}
	if e.Message == "" {
		return LevelOf("ERROR"), "Task " + e.Name + " failed"
	}
	return LevelOf("ERROR"), "Task " + e.Name + " failed: " + e.Message
}
