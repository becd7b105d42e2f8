package filter_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/usherhq/usher/internal/rules/filter"
)

func TestParseText(t *testing.T) {
	t.Parallel()
	cases := map[string]filter.TextQuery{
		"":                     {},
		" \t ":                 {},
		"error":                {Include: []string{"error"}},
		"error  warning":       {Include: []string{"error", "warning"}},
		"error -debug !trace":  {Include: []string{"error"}, Exclude: []string{"debug", "trace"}},
		"+a b":                 {Include: []string{"b"}, Required: []string{"a"}},
		`"a b" c`:              {Include: []string{"a b", "c"}},
		`-"a \"b\" \\ \n"`:     {Exclude: []string{`a "b" \ \n`}},
		`"open to the end`:     {Include: []string{"open to the end"}},
		"- a":                  {Include: []string{"a"}},
		"a -":                  {Include: []string{"a"}},
		"--a":                  {Exclude: []string{"-a"}},
		"a-b":                  {Include: []string{"a-b"}},
		`a"b c"d`:              {Include: []string{"a", "b c", "d"}},
		`"" "  "`:              {},
		`"ends with a slash \`: {Include: []string{`ends with a slash \`}},
		"ünï\u00a0cödé":        {Include: []string{"ünï", "cödé"}},
	}
	for query, want := range cases {
		if diff := cmp.Diff(want, filter.ParseText(query)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", query, diff)
		}
	}
}

func TestTextQueryMatches(t *testing.T) {
	t.Parallel()
	cases := []struct {
		query, text string
		want        bool
	}{
		{"", "anything", true},
		{"ERR", "an error", true},
		{"a z", "zebra", true},
		{"error -debug", "debug error", false},
		{"+a +b", "a", false},
		{"+a +b c", "a b", false},
		{"+a c", "a c", true},
		{"-x", "a", true},
	}
	for _, c := range cases {
		if got := filter.ParseText(c.query).Matches(c.text); got != c.want {
			t.Errorf("%q in %q: got %v", c.query, c.text, got)
		}
	}
}
