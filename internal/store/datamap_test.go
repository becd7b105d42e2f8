package store_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/usherhq/usher/internal/store"
	"github.com/usherhq/usher/internal/store/storetest"
)

// TestTheDataMapNamesEveryColumn compares the map with the schema of both databases: whoever
// adds a table or a column says in datamap.txt what it holds and how long.
func TestTheDataMapNamesEveryColumn(t *testing.T) {
	t.Parallel()
	tables, err := store.DataMap()
	if err != nil {
		t.Fatal(err)
	}
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		columns := columnsOf(t, s)
		for _, table := range tables {
			if table.Purpose == "" || table.Kept == "" {
				t.Errorf("%s: say what it is for and how long it is kept", table.Name)
			}
			left := columns[table.Name]
			if left == nil {
				t.Errorf("%s is in datamap.txt, and there is no such table", table.Name)
			}
			for class, names := range table.Columns {
				for _, name := range names {
					i := slices.Index(left, name)
					if i < 0 {
						t.Errorf("%s.%s is in datamap.txt as %s, and there is no such column, or it is there twice", table.Name, name, class)
						continue
					}
					left = slices.Delete(left, i, i+1)
				}
			}
			left = slices.DeleteFunc(left, func(c string) bool { return c == "txid" }) // PostgreSQL's own count
			if len(left) > 0 {
				t.Errorf("%s: datamap.txt gives no class to %v", table.Name, left)
			}
			delete(columns, table.Name)
		}
		for name := range columns {
			t.Errorf("datamap.txt does not say what %s holds", name)
		}
	})
}

// TestPeopleAreNameAndAddress: nothing is known of people but what signing in needs, and
// nobody's password.
func TestPeopleAreNameAndAddress(t *testing.T) {
	t.Parallel()
	columns := columnsOf(t, storetest.Open(t, storetest.SQLiteURL(t)))
	const person = "created email email_norm first_name handle id last_login last_name location settings title updated"
	if got := strings.Join(columns["auth_user"], " "); got != person {
		t.Errorf("auth_user has %s", got)
	}
	for table, names := range columns {
		for _, name := range names {
			if strings.Contains(name, "password") {
				t.Errorf("%s has %s", table, name)
			}
		}
	}
}
