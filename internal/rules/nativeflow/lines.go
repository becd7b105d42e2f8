package nativeflow

import (
	"strings"

	"github.com/go-json-experiment/json"
)

// Told is what a printed line tells besides its text: a TaskEvent, an Artifact, a Value or a
// Failure.
type Told interface {
	// record is how it reads in the log.
	record() (level int, message string)
}

// tellers read what stands behind the word that begins a line ("::word:: text"); nil means
// that the line is one of the log like others.
var tellers = map[string]func(text string) Told{
	"begin":    task(TaskBegins),
	"end":      task(TaskEnds),
	"fail":     task(TaskFails),
	"progress": readProgress,
	"artifact": readArtifact,
	"result":   readValue,
	"failure":  readFailure,
}

// levels are Python's numbers of the names that programs use.
func levelOf(name string) (int, bool) {
	switch strings.ToUpper(name) {
	case "TRACE", "DEBUG":
		return 10, true
	case "INFO", "NOTICE":
		return 20, true
	case "WARN", "WARNING":
		return 30, true
	case "ERR", "ERROR":
		return 40, true
	case "FATAL", "PANIC", "CRITICAL":
		return 50, true
	}
	return 0, false
}

// LevelOf is the number of a level's name, 20 (INFO) for anything unknown.
func LevelOf(name string) int {
	if level, ok := levelOf(name); ok {
		return level
	}
	return 20
}

// ReadLine finds the level and the message of a printed line, and what it tells besides (nil
// for nothing): "::warning:: text" and JSON objects with a level and a message say their level,
// lines that tell something read as what they tell, everything else has the given level.
func ReadLine(line string, format LogFormat, level int) (int, string, Told) {
	if format == LogPlain {
		return level, line, nil
	}
	if rest, ok := strings.CutPrefix(line, "::"); ok {
		if word, text, ok := strings.Cut(rest, "::"); ok {
			if marked, ok := levelOf(word); ok {
				return marked, strings.TrimPrefix(text, " "), nil
			}
			if told := tell(word, strings.TrimSpace(text)); told != nil {
				level, message := told.record()
				return level, message, told
			}
		}
	}
	if strings.HasPrefix(line, "{") {
		level, message := readJSONLine(line, level)
		return level, message, nil
	}
	return level, line, nil
}

func tell(word, text string) Told { //nolint:ireturn // there are four kinds
	read, ok := tellers[word]
	if !ok || text == "" {
		return nil
	}
	return read(text)
}

func readJSONLine(line string, level int) (int, string) {
	var record struct {
		Level    string `json:"level"`
		Severity string `json:"severity"`
		Msg      string `json:"msg"`
		Message  string `json:"message"`
	}
	if json.Unmarshal([]byte(line), &record) != nil {
		return level, line
	}
	marked, ok := levelOf(record.Level + record.Severity)
	text := record.Msg + record.Message
	if !ok || text == "" {
		return level, line
	}
	return marked, text
}
