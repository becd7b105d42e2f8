package nativeflow

import (
	"strings"

	"github.com/go-json-experiment/json"
)

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

// ReadLine finds the level and the message of a printed line: "::warning:: text" and JSON
// objects with a level and a message say their level, lines about tasks and artifacts read as
// what they tell, everything else has the given one.
func ReadLine(line string, format LogFormat, level int) (int, string) {
	if format == LogPlain {
		return level, line
	}
	if task, ok := ReadTask(line, format); ok {
		return task.record()
	}
	if a, ok := ReadArtifact(line, format); ok {
		return recordOf(a)
	}
	if rest, ok := strings.CutPrefix(line, "::"); ok {
		if name, text, ok := strings.Cut(rest, "::"); ok {
			if marked, ok := levelOf(name); ok {
				return marked, strings.TrimPrefix(text, " ")
			}
		}
	}
	if strings.HasPrefix(line, "{") {
		return readJSONLine(line, level)
	}
	return level, line
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
