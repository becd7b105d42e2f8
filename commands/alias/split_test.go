package alias

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSplit(t *testing.T) {
	t.Parallel()
	for line, want := range map[string][]string{
		"":                             nil,
		"  flow  ls ":                  {"flow", "ls"},
		`flow-run ls --state 'A B'`:    {"flow-run", "ls", "--state", "A B"},
		`api GET "/a\"b" ''`:           {"api", "GET", `/a"b`, ""},
		`variable set a\ b 'c\d' e"f"`: {"variable", "set", "a b", `c\d`, "ef"},
	} {
		got, err := Split(line)
		if err != nil {
			t.Errorf("Split(%q): %v", line, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Split(%q) (-want +got):\n%s", line, diff)
		}
	}
	for _, line := range []string{`a 'b`, `a "b\"`, `a\`} {
		if words, err := Split(line); err == nil {
			t.Errorf("Split(%q) = %q, want an error", line, words)
		}
	}
}
