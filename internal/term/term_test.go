package term

import (
	"bytes"
	"strings"
	"testing"
)

func withEnv(env map[string]string) *Streams {
	return New(strings.NewReader(""), &bytes.Buffer{}, &bytes.Buffer{}, func(name string) (string, bool) {
		value, ok := env[name]
		return value, ok
	})
}

func TestColorFollowsTheConventions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name           string
		env            map[string]string
		pipe, terminal bool
	}{
		{"nothing set", nil, false, true},
		{"NO_COLOR", map[string]string{"NO_COLOR": "1"}, false, false},
		{"an empty NO_COLOR counts as unset", map[string]string{"NO_COLOR": ""}, false, true},
		{"CLICOLOR_FORCE", map[string]string{"CLICOLOR_FORCE": "1"}, true, true},
		{"CLICOLOR_FORCE=0", map[string]string{"CLICOLOR_FORCE": "0"}, false, true},
		{"FORCE_COLOR", map[string]string{"FORCE_COLOR": "true"}, true, true},
		{"NO_COLOR beats force", map[string]string{"NO_COLOR": "1", "CLICOLOR_FORCE": "1"}, false, false},
		{"CLICOLOR=0", map[string]string{"CLICOLOR": "0"}, false, false},
		{"a dumb terminal", map[string]string{"TERM": "dumb"}, false, false},
		{"force beats dumb", map[string]string{"TERM": "dumb", "CLICOLOR_FORCE": "1"}, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := withEnv(c.env)
			if got := s.color(false); got != c.pipe {
				t.Errorf("in a pipe: %v", got)
			}
			if got := s.color(true); got != c.terminal {
				t.Errorf("at a terminal: %v", got)
			}
			s.DisableColor()
			if s.color(true) {
				t.Error("the setting does not count")
			}
		})
	}
}

func TestBuffersAreNoTerminal(t *testing.T) {
	t.Parallel()
	s := withEnv(map[string]string{"COLUMNS": "33"})
	if s.InIsTerminal() || s.OutIsTerminal() || s.ErrIsTerminal() || s.CanPrompt() {
		t.Error("a buffer counts as a terminal")
	}
	if got := s.Width(); got != 33 {
		t.Errorf("width %d in spite of COLUMNS", got)
	}
	if got := withEnv(map[string]string{"COLUMNS": "x"}).Width(); got != defaultWidth {
		t.Errorf("width %d", got)
	}
	stop := s.Spin("working")
	stop()
	if s.Err.(*bytes.Buffer).Len() > 0 {
		t.Error("a spinner off a terminal")
	}
}

func TestWordwrap(t *testing.T) {
	t.Parallel()
	const id = "01a22ad1-e3ba-70db-a5d3-38d6b52bbdb8"
	for text, want := range map[string]string{
		"short":                                       "short",
		"one two three four five six":                 "one two three four\nfive six",
		"  → usher work-pool ls, and more":            "  → usher work-pool\n    ls, and more",
		"! a warning that is long enough":             "! a warning that is\n  long enough",
		"run " + id + " is gone":                      "run\n" + id + "\nis gone",
		"\x1b[31merror:\x1b[m there is no such thing": "\x1b[31merror:\x1b[m there is no\nsuch thing",
		"日本語 日本語 日本語 日本語":                             "日本語 日本語 日本語\n日本語",
		"": "",
	} {
		if got := wordwrap(text, 20, 0); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
