package output_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/usherhq/usher/internal/output"
	"github.com/usherhq/usher/internal/term"
)

type thing struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// TestPagesPrintWhatAListPrints compares a list that comes in pages with the same list as a whole.
func TestPagesPrintWhatAListPrints(t *testing.T) {
	t.Parallel()
	columns := []output.Column[thing]{
		{Name: "ID", Value: func(t thing) string { return t.ID }, Whole: true},
		{Name: "Name", Value: func(t thing) string { return t.Name }},
	}
	itself := func(page []thing) ([]thing, error) { return page, nil }
	for _, pages := range [][][]thing{
		{},
		{{}},
		{{{"1", "a"}}},
		{{{"1", "a"}, {"2", "b"}}, {{"3", "[red]"}}, {}},
		{{{"1", "long enough"}}, {{"2", "b"}}},
	} {
		for _, options := range []output.Options{
			{Format: output.JSON},
			{Format: output.JSON, Fields: []string{"name"}},
			{Format: output.YAML},
			{Format: output.TSV},
			{Format: output.Table},
			{JQ: "length"},
			{Template: "{{len .}}\n"},
			{JQ: ".[].name"},
			{JQ: ".[] | select(.id != \"2\") | .id, .name"},
			{JQ: "def f: .id; .[] | f"},
			{JQ: ".[:1][].name"},
			{JQ: ".[].id // \"none\""},
			{JQ: "first(.[]) // 0"},
			{JQ: ".[].id, length"},
			{JQ: ".[] as $x | $x.id"},
			{Template: "{{range .}}{{.name}} {{end}}"},
			{Template: "{{range .}}{{.name}} {{else}}none{{end}}"},
			{Template: "{{range .}}{{.name}} {{break}}{{end}}"},
			{Template: "{{range .}}{{len $}} {{end}}"},
			{Template: "{{range $i, $x := .}}{{$i}} {{end}}"},
			{Template: "{{range .}}{{.name}} {{end}}."},
			{Quiet: true},
		} {
			var inPages, whole bytes.Buffer
			all := []thing{}
			p := output.New(term.New(strings.NewReader(""), &inPages, &inPages, nothing), time.Now, options)
			found, err := output.Pages(p, columns, itself, func(use func([]thing) error) error {
				for _, page := range pages {
					all = append(all, page...)
					if err := use(page); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil || found != len(all) {
				t.Fatalf("%+v: found %d and %v, want %d", options, found, err, len(all))
			}
			if err := output.List(output.New(term.New(strings.NewReader(""), &whole, &whole, nothing), time.Now, options), all, columns); err != nil {
				t.Fatal(err)
			}
			if inPages.String() != whole.String() {
				t.Errorf("%+v of %v: in pages\n%s\nwhole\n%s", options, pages, &inPages, &whole)
			}
		}
	}
}

// TestLaterPagesKeepTheColumns lets a later page be wider than the first one.
func TestLaterPagesKeepTheColumns(t *testing.T) {
	t.Parallel()
	columns := []output.Column[thing]{
		{Name: "Name", Value: func(t thing) string { return t.Name }},
		{Name: "ID", Value: func(t thing) string { return t.ID }, Whole: true},
	}
	var out bytes.Buffer
	width := func(name string) (string, bool) { return "30", name == "COLUMNS" }
	p := output.New(term.New(strings.NewReader(""), &out, &out, width), time.Now, output.Options{Format: output.Table})
	_, err := output.Pages(p, columns, func(page []thing) ([]thing, error) { return page, nil }, func(use func([]thing) error) error {
		for _, page := range [][]thing{{{"1234567890", "short"}}, {{"2234567890", strings.Repeat("long", 20)}}, {{"3234567890", "short"}}} {
			if err := use(page); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := "NAME   ID\nshort  1234567890\nlonglonglonglongl…  2234567890\nshort               3234567890\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", &out, want)
	}
}

func nothing(string) (string, bool) { return "", false }
