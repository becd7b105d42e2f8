package parameters_test

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/rules/parameters"
)

// TestPlaceholdersThatCanNeverBeFilled compares with what the reference's server answers
// to actions that have such parameters.
func TestPlaceholdersThatCanNeverBeFilled(t *testing.T) {
	t.Parallel()
	const open = "Invalid jinja: unexpected end of template, expected 'end of print statement'."
	for values, want := range map[string]string{
		`{"a":1,"b":"text"}`: "",
		`{"a":"{{ x"}`:       "a: " + open,
		`{"a":{"template":"{{ x","__prefect_kind":"jinja"}}`:                                                          "a: " + open,
		`{"a":{"__prefect_kind":"json","value":"{bad"}}`:                                                              "a: Invalid JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
		`{"a":{"__prefect_kind":"json"}}`:                                                                             "",
		`{"a":{"__prefect_kind":"jinja"}}`:                                                                            "a: Missing 'template' key in __prefect object",
		`{"a":{"__prefect_kind":"workspace_variable"}}`:                                                               "",
		`{"a":{"__prefect_kind":"workspace_variable","variable_name":"v"}}`:                                           "",
		`{"a":{"__prefect_kind":"nonsense"}}`:                                                                         "",
		`{"a":{"b":{"__prefect_kind":"jinja","template":"{% for %}"}}}`:                                               "a.b: Invalid jinja: Expected an expression, got 'end of statement block'",
		`{"a":{"__prefect_kind":"json","value":{"__prefect_kind":"jinja","template":"{{ x }}"}}}`:                     "",
		`{"a":{"__prefect_kind":"json","value":{"__prefect_kind":"jinja","template":"{{ x "}}}`:                       "a: " + open,
		`{"a":[{"__prefect_kind":"json","value":"{x"}]}`:                                                              "",
		`{"a":{"__prefect_kind":"json","value":"{x"},"b":{"__prefect_kind":"jinja","template":"{{ y"}}`:               "a: Invalid JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)|b: " + open,
		`{"a":{"__prefect_kind":"json","value":{"__prefect_kind":"workspace_variable","variable_name":"not there"}}}`: "",
	} {
		got, err := parameters.Problems(jsontext.Value(values))
		if err != nil || strings.Join(got, "|") != want {
			t.Errorf("%s: %q %v, want %q", values, got, err, want)
		}
	}
}
