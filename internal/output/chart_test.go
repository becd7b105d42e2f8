package output_test

import (
	"strings"
	"testing"
	"time"

	"github.com/usherhq/usher/internal/output"
	"github.com/usherhq/usher/internal/term"
)

func TestChart(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(seconds int) time.Time { return begin.Add(time.Duration(seconds) * time.Second) }
	bars := []output.Bar{
		{Label: "whole", Start: at(0), End: at(10), Note: "10s"},
		{Label: "first half", Start: at(0), End: at(5), Note: "5s"},
		{Label: "goes on", Start: at(5), Note: "5s"},
		{Label: "a point", Start: at(10), End: at(10)},
		{Label: "not begun"},
	}
	var text strings.Builder
	columns := map[string]string{"COLUMNS": "40"}
	streams := term.New(strings.NewReader(""), &text, &text, func(name string) (string, bool) { v, ok := columns[name]; return v, ok })
	if err := output.Chart(output.New(streams, func() time.Time { return at(10) }, output.Options{}), bars); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(text.String(), "\n")
	width := strings.Count(lines[0], "█")
	want := []string{
		"whole       " + strings.Repeat("█", width) + "  10s",
		"first half  " + strings.Repeat("█", (width+1)/2) + strings.Repeat(" ", width/2) + "  5s",
		"goes on     " + strings.Repeat(" ", (width+1)/2) + strings.Repeat("█", width/2-1) + "▶  5s",
		"a point     " + strings.Repeat(" ", width-1) + "█",
		"not begun",
		"",
	}
	if strings.Join(lines, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
}

func TestSparkline(t *testing.T) {
	t.Parallel()
	for want, numbers := range map[string][]float64{
		"": nil, "▁▅█": {0, 4, 8}, "▁▁": {0, 0}, "█ █": {1, -1, 1},
	} {
		if got := output.Sparkline(numbers); got != want {
			t.Errorf("%v is %q, want %q", numbers, got, want)
		}
	}
}
