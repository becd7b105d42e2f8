package output

import (
	"bufio"
	"bytes"
	"image/color"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/term"
)

type item struct {
	ID    string        `json:"id"`
	Name  string        `json:"name"`
	State api.StateType `json:"state"`
	Count int           `json:"count"`
	Note  *string       `json:"note"`
	Tags  []string      `json:"tags"`
}

func columns() []Column[item] {
	return []Column[item]{
		{Name: "id", Value: func(i item) string { return i.ID }, Whole: true, Rank: 2},
		{Name: "name", Value: func(i item) string { return i.Name }},
		{
			Name: "state", Value: func(i item) string { return string(i.State) },
			Human: func(i item, _ time.Time) string { return strings.ToLower(string(i.State)) },
			Tone:  func(i item) Tone { return StateTone(i.State) },
		},
		{Name: "count", Value: func(i item) string { return strings.Repeat("1", i.Count) }, Right: true, Rank: 1},
	}
}

func items() []item {
	note := "yes: no"
	return []item{
		{ID: "0001-aaaa", Name: "short", State: api.StateTypeCompleted, Count: 3, Note: &note, Tags: []string{"a", "true", "1"}},
		{ID: "0002-bbbb", Name: "a name that is rather long\nand has a second line", State: api.StateTypeFailed, Count: 1},
		{ID: "0003-cccc", Name: "日本語の名前はここ", State: api.StateTypeRunning, Count: 12},
	}
}

// printed returns what print shows at a width with a format and an environment.
func printed(t *testing.T, options Options, env map[string]string, print func(*Printer) error) string {
	t.Helper()
	var out bytes.Buffer
	streams := term.New(strings.NewReader(""), &out, &out, func(name string) (string, bool) {
		value, ok := env[name]
		return value, ok
	})
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	if err := print(New(streams, func() time.Time { return now }, options)); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func list(p *Printer) error { return List(p, items(), columns()) }

func TestTable(t *testing.T) {
	t.Parallel()
	for width, want := range map[string]string{
		"80": `
ID         NAME                                          STATE             COUNT
0001-aaaa  short                                         completed           111
0002-bbbb  a name that is rather long and has a second…  failed                1
0003-cccc  日本語の名前はここ                            running    111111111111
`,
		"45": `
ID         NAME        STATE            COUNT
0001-aaaa  short       completed          111
0002-bbbb  a name th…  failed               1
0003-cccc  日本語の…   running    1111111111…
`,
		"40": `
NAME             STATE             COUNT
short            completed           111
a name that is…  failed                1
日本語の名前は…  running    111111111111
`,
		"25": `
NAME            STATE
short           completed
a name that i…  failed
日本語の名前…   running
`,
		"16": `
id     0001-aaaa
name   short
state  completed
count  111

id     0002-bbbb
name   a name
       that is
       rather
       long
       and has a
       second
       line
state  failed
count  1

id     0003-cccc
name   日本語の
       名前はこ
       こ
state  running
count  111111111
       111
`,
	} {
		t.Run(width, func(t *testing.T) {
			t.Parallel()
			got := printed(t, Options{Format: Table}, map[string]string{"COLUMNS": width}, list)
			if diff := cmp.Diff(want, "\n"+got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestTableFits: whatever the data and the width, no line is wider, no row is
// lost and nothing reaches the terminal but text.
func TestTableFits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		items := rapid.SliceOfN(rapid.Custom(func(r *rapid.T) item {
			return item{ID: rapid.StringN(0, 9, -1).Draw(r, "id"), Name: rapid.String().Draw(r, "name"), Count: rapid.IntRange(0, 60).Draw(r, "count")}
		}), 1, 8).Draw(r, "items")
		columns := columns()
		columns[0].Whole = false
		s := tableOf(items, columns).fill(time.Time{})
		width := rapid.IntRange(25, 120).Draw(r, "width")
		if !s.fit(width) {
			r.Fatalf("%d columns are too few for name and state", width)
		}
		var out bytes.Buffer
		w := bufio.NewWriter(&out)
		for _, cells := range s.cells {
			s.line(w, cells, func(text string, _ int) string { return text })
		}
		if err := w.Flush(); err != nil {
			r.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		if len(lines) != len(items) {
			r.Fatalf("%d lines for %d items", len(lines), len(items))
		}
		for _, line := range lines {
			if got := ansi.StringWidth(line); got > width {
				r.Fatalf("%q is %d columns wide, not %d", line, got, width)
			}
			if strings.ContainsFunc(line, unicode.IsControl) {
				r.Fatalf("%q carries a control character", line)
			}
		}
	})
}

func TestPiped(t *testing.T) {
	t.Parallel()
	want := "0001-aaaa\tshort\tCOMPLETED\t111\n" +
		"0002-bbbb\ta name that is rather long\\nand has a second line\tFAILED\t1\n" +
		"0003-cccc\t日本語の名前はここ\tRUNNING\t111111111111\n"
	if diff := cmp.Diff(want, printed(t, Options{}, map[string]string{"COLUMNS": "40"}, list)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	detail := func(p *Printer) error { return Detail(p, items()[0], columns()) }
	want = "id\t0001-aaaa\nname\tshort\nstate\tCOMPLETED\ncount\t111\n"
	if diff := cmp.Diff(want, printed(t, Options{}, nil, detail)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestColor(t *testing.T) {
	t.Parallel()
	force := map[string]string{"CLICOLOR_FORCE": "1"}
	got := printed(t, Options{Format: Table}, force, list)
	for _, want := range []string{"\x1b[38;5;28mcompleted\x1b[m", "\x1b[38;5;160mfailed\x1b[m", "\x1b[38;5;27mrunning\x1b[m"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in %q", want, got)
		}
	}
	force["NO_COLOR"] = "1"
	if got := printed(t, Options{Format: Table}, force, list); strings.Contains(got, "\x1b") {
		t.Errorf("colour in spite of NO_COLOR: %q", got)
	}
}

// TestDataCannotSteerTheTerminal: a name with an escape sequence is shown without.
func TestDataCannotSteerTheTerminal(t *testing.T) {
	t.Parallel()
	evil := []item{{Name: "a\x1b]0;title\x07b\x1b[2Jc\u009bd\re"}}
	got := printed(t, Options{Format: Table}, map[string]string{"CLICOLOR_FORCE": "1"}, func(p *Printer) error { return List(p, evil, columns()[1:2]) })
	if want := "\x1b[2mNAME\x1b[m\nabc d e\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestStructured(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		options Options
		want    string
	}{
		{"json", Options{Format: JSON, Fields: []string{"name", "note"}}, `[
  {
    "name": "short",
    "note": "yes: no"
  },
  {
    "name": "a name that is rather long\nand has a second line",
    "note": null
  },
  {
    "name": "日本語の名前はここ",
    "note": null
  }
]
`},
		{"yaml", Options{Format: YAML, Fields: []string{"tags", "note", "count"}}, `- tags:
    - a
    - "true"
    - "1"
  note: 'yes: no'
  count: 3
- tags: []
  note: null
  count: 1
- tags: []
  note: null
  count: 12
`},
		{"jq text", Options{JQ: ".[].id"}, "0001-aaaa\n0002-bbbb\n0003-cccc\n"},
		{"jq values", Options{JQ: ".[0] | .tags, .count, .note == null"}, "[\"a\",\"true\",\"1\"]\n3\nfalse\n"},
		{"jq of chosen fields", Options{JQ: ".[0]", Fields: []string{"count"}}, "{\"count\":3}\n"},
		{"template", Options{Template: `{{range .}}{{.name | upper | printf "%.5s"}} {{join "+" .tags}};{{end}}`}, "SHORT a+true+1;A NAM ;日本語の名 ;"},
		{"timeago", Options{Template: `{{timeago "2026-01-02T03:00:05Z"}}`}, "4m ago"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, printed(t, c.options, nil, list)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestNothing(t *testing.T) {
	t.Parallel()
	none := func(p *Printer) error { return List[item](p, nil, columns()) }
	for format, want := range map[string]string{JSON: "[]\n", YAML: "[]\n", TSV: "", Table: ""} {
		if got := printed(t, Options{Format: format}, nil, none); got != want {
			t.Errorf("%s: %q, want %q", format, got, want)
		}
	}
}

func TestFieldsOf(t *testing.T) {
	t.Parallel()
	type outer struct {
		item
		Extra string `json:"extra,omitempty"`
		Not   string `json:"-"`
	}
	if diff := cmp.Diff([]string{"count", "extra", "id", "name", "note", "state", "tags"}, FieldsOf[outer]()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestHumanWords(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for d, want := range map[time.Duration]string{
		0: "just now", time.Second: "1s ago", 59 * time.Second: "59s ago", time.Minute: "1m ago", 47 * time.Hour: "47h ago",
		49 * time.Hour: "2d ago", 729 * day: "729d ago", 3 * year: "3y ago", -time.Minute: "in 1m", -90 * time.Minute: "in 1h",
	} {
		if got := Ago(now, now.Add(-d)); got != want {
			t.Errorf("Ago(%s) = %q, want %q", d, got, want)
		}
	}
	if got := Ago(now, time.Time{}); got != "" {
		t.Errorf("a missing time is %q", got)
	}
	for d, want := range map[time.Duration]string{
		0: "0ms", 350 * time.Millisecond: "350ms", 1250 * time.Millisecond: "1.2s", 9999 * time.Millisecond: "9.9s", 12 * time.Second: "12s",
		65 * time.Second: "1m 5s", 2 * time.Hour: "2h 0m", 50 * time.Hour: "2d 2h", -time.Second: "-1.0s",
	} {
		if got := Duration(d); got != want {
			t.Errorf("Duration(%s) = %q, want %q", d, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 1_500_000: "1.5 MB", 1 << 62: "4.6 EB"} {
		if got := Size(n); got != want {
			t.Errorf("Size(%d) = %q, want %q", n, got, want)
		}
	}
}

// TestColoursReadOnLightAndDark holds each colour to the contrast that text of its kind needs, on
// white and on black.
func TestColoursReadOnLightAndDark(t *testing.T) {
	t.Parallel()
	const least = 3.8 // of large or bold text it is 3, of small text 4.5
	for tone, color := range colors {
		l := luminance(color)
		if white, black := 1.05/(l+0.05), (l+0.05)/0.05; white < least || black < least {
			t.Errorf("tone %d has a contrast of %.1f on white and %.1f on black", tone, white, black)
		}
	}
	for tone := Plain; tone <= Waiting; tone++ {
		if _, has := colors[tone]; has == (tone == Plain || tone == Heading || tone == Strong) {
			t.Errorf("tone %d: colour %v", tone, has)
		}
	}
}

// luminance is how bright a colour is, as the WCAG define it.
func luminance(c color.Color) float64 {
	r, g, b, _ := c.RGBA()
	linear := func(v uint32) float64 {
		s := float64(v) / 0xffff
		if s <= 0.04045 {
			return s / 12.92
		}
		return math.Pow((s+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(r) + 0.7152*linear(g) + 0.0722*linear(b)
}

// TestALonelyColumnIsStacked: where a long name leaves room for nothing else, each item is told in
// lines of its own.
func TestALonelyColumnIsStacked(t *testing.T) {
	t.Parallel()
	columns := []Column[string]{
		{Name: "Name", Value: func(s string) string { return s }, Whole: true},
		{Name: "Size", Value: func(s string) string { return strconv.Itoa(len(s)) }, Rank: 1},
	}
	got := printed(t, Options{Format: Table}, map[string]string{"COLUMNS": "20"}, func(p *Printer) error {
		return List(p, []string{strings.Repeat("n", 39), "m"}, columns)
	})
	if want := "Name  " + strings.Repeat("n", 39) + "\nSize  39\n\nName  m\nSize  1\n"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
