package nativeflow

import (
	"strings"
	"unicode/utf8"
)

// TaskEventKind says what a program tells about a task.
type TaskEventKind int

// What a program tells about a task.
const (
	TaskBegins TaskEventKind = iota + 1
	TaskEnds
	TaskFails
)

// TaskEvent is a line about a task: "::begin:: name", "::end:: name" or "::fail:: name: why".
type TaskEvent struct {
	Kind    TaskEventKind
	Name    string
	Message string // why it failed; may be empty
}

// maxName is the longest name of a task and of a type of failures, in bytes.
const maxName = 200

// task makes the reader of the lines of one kind.
func task(kind TaskEventKind) func(text string) Told {
	return func(text string) Told {
		e := TaskEvent{Kind: kind, Name: text}
		if kind == TaskFails {
			e.Name, e.Message, _ = strings.Cut(text, ": ")
		}
		if !isName(e.Name) {
			return nil
		}
		return e
	}
}

func isName(s string) bool { return s != "" && len(s) <= maxName && utf8.ValidString(s) }

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
