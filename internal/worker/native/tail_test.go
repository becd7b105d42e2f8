package native

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/rules/nativeflow"
	"github.com/usherhq/usher/internal/worker/report"
)

// copied runs a tail over a file that holds text and returns the lines it made of it.
func copied(t *testing.T, content string) []string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "out")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	lines := &lineSink{}
	x := &execution{Engine: &Engine{Now: time.Now, Logs: unsent(t)}, Task: Task{
		Run: api.FlowRun{ID: uuid.New()}, Manifest: nativeflow.Manifest{LogFormat: nativeflow.LogPlain}, Output: lines,
	}}
	ended := make(chan struct{})
	close(ended)
	x.tail(path, 20).run(t.Context(), ended)
	return lines.lines
}

// unsent takes records and keeps them.
func unsent(t *testing.T) *report.Logs {
	t.Helper()
	c, err := client.New(client.Options{BaseURL: "http://127.0.0.1:1/api"})
	if err != nil {
		t.Fatal(err)
	}
	return report.NewLogs(c, func(int, error) {})
}

type lineSink struct{ lines []string }

func (s *lineSink) Write(p []byte) (int, error) {
	s.lines = append(s.lines, string(p[:len(p)-1]))
	return len(p), nil
}

func TestPrintedTextBecomesLines(t *testing.T) {
	t.Parallel()
	long := make([]byte, maxLine+5)
	for i := range long {
		long[i] = 'x'
	}
	for name, c := range map[string]struct {
		printed string
		want    []string
	}{
		"lines":                  {"a\nb\n", []string{"a", "b"}},
		"no end":                 {"a\nb", []string{"a", "b"}},
		"windows":                {"a\r\nb\r\n", []string{"a", "b"}},
		"empty lines":            {"a\n\n\nb\n", []string{"a", "b"}},
		"progress, then its end": {"10%\r50%\r100%\ndone\n", []string{"100%", "done"}},
		"too long":               {string(long) + "\n", []string{string(long[:maxLine]), "xxxxx"}},
		"nothing":                {"", nil},
	} {
		if diff := cmp.Diff(c.want, copied(t, c.printed)); diff != "" {
			t.Errorf("%s: %.500s", name, diff)
		}
	}
}

func TestTheOverlapOfShippedAndPrintedLines(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		shipped, printed []string
		want             int
	}{
		{nil, nil, 0},
		{[]string{"a", "b"}, []string{"c"}, 0},
		{[]string{"a", "b"}, []string{"b", "c"}, 1},
		{[]string{"a", "b"}, []string{"a", "b", "c"}, 2},
		{[]string{"x", "a", "a"}, []string{"a", "a", "a"}, 2},
		{[]string{"b"}, []string{"a", "b"}, 0},
	} {
		if got := overlap(c.shipped, c.printed); got != c.want {
			t.Errorf("%v %v: %d, want %d", c.shipped, c.printed, got, c.want)
		}
	}
}
