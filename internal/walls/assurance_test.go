package walls

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/usherhq/usher/internal/rules/assurance"
)

// TestPromisesHaveTheirTests looks that each test and script which the report about security
// names is there, that the rows are all there in order, and that one without a test, or
// with tests of a part, says what is missing.
func TestPromisesHaveTheirTests(t *testing.T) {
	t.Parallel()
	there := testsByName(t)
	rows := assurance.Rows()
	for i, row := range rows {
		if want := "S" + strconv.Itoa(i+1); row.ID != want {
			t.Errorf("row %d is %s, not %s", i, row.ID, want)
		}
		if row.Proof() != assurance.Proven && row.Missing == "" {
			t.Errorf("%s is %s and does not say what is missing", row.ID, row.Proof())
		}
		for _, name := range row.Tests {
			if strings.HasSuffix(name, ".txtar") {
				if _, err := os.Stat(filepath.Join("../acceptance/testdata", name)); err != nil {
					t.Errorf("%s: %v", row.ID, err)
				}
			} else if !there[name] {
				t.Errorf("%s: there is no test %s", row.ID, name)
			}
		}
		for word := range strings.FieldsSeq(row.Missing) {
			if strings.HasPrefix(word, "docs/") {
				if _, err := os.Stat(filepath.Join("../..", word)); err != nil {
					t.Errorf("%s: %v", row.ID, err)
				}
			}
		}
	}
	if len(rows) != 55 {
		t.Errorf("%d rows", len(rows))
	}
}
