package walls

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestThreatsHaveTheirTests looks that each test which docs/architecture/threats.md names is
// there, and that each row names one or says that there is none.
func TestThreatsHaveTheirTests(t *testing.T) {
	t.Parallel()
	rowsNameTests(t, "../../docs/architecture/threats.md", 30)
}

// rowsNameTests looks at the rows of the tables in a document, of which there are so many at
// least.
func rowsNameTests(t *testing.T, document string, least int) {
	t.Helper()
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	there := testsByName(t)
	name := regexp.MustCompile("`((?:Test|Fuzz|Benchmark)[A-Za-z0-9]+)`")
	rows := 0
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "| ") || strings.HasSuffix(strings.TrimSpace(line), "| tests |") {
			continue
		}
		rows++
		named := name.FindAllStringSubmatch(line, -1)
		if len(named) == 0 && !strings.HasSuffix(strings.TrimSpace(line), "| none |") {
			t.Errorf("no test and no word of it: %s", line)
		}
		for _, m := range named {
			if !there[m[1]] {
				t.Errorf("there is no test %s: %s", m[1], line)
			}
		}
	}
	if rows < least {
		t.Errorf("%d rows", rows)
	}
}

// testsByName are the names of all tests in Go.
func testsByName(t *testing.T) map[string]bool {
	t.Helper()
	there := map[string]bool{}
	begins := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)\w+)`)
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		code, err := os.ReadFile(path)
		for _, m := range begins.FindAllSubmatch(code, -1) {
			there[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return there
}
