package launch

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// machine is a process table: init, strangers, a keeper with its program and family.
func machine() []stat {
	return []stat{
		{pid: 1, parent: 0, session: 1, start: "1"},
		{pid: 2, parent: 0, session: 0, start: "1"},
		{pid: 50, parent: 1, session: 50, start: "5"}, // a stranger's session
		{pid: 51, parent: 50, session: 50, start: "6"},
		{pid: 100, parent: 50, session: 100, start: "10"},  // the keeper
		{pid: 101, parent: 100, session: 100, start: "11"}, // its program
		{pid: 102, parent: 101, session: 100, start: "12"},
		{pid: 103, parent: 101, session: 103, start: "12"}, // a session of its own
		{pid: 104, parent: 103, session: 103, start: "13"},
		{pid: 105, parent: 1, session: 100, start: "13"}, // an orphan of the session
	}
}

func TestFamilyIsNeverAStranger(t *testing.T) {
	t.Parallel()
	keeper, program := identity{100, "10"}, identity{101, "11"}
	for name, c := range map[string]struct {
		keeper, program identity
		want            []int
	}{
		"all of it":                       {keeper, program, []int{101, 102, 103, 104, 105}},
		"the program never started":       {keeper, identity{}, []int{101, 102, 105, 103, 104}},
		"nothing is known":                {identity{}, identity{}, nil},
		"the program's id was reused":     {identity{}, identity{51, "5"}, nil},
		"the keeper's id was reused":      {identity{50, "4"}, identity{}, nil},
		"init is nobody's keeper":         {identity{1, "1"}, identity{1, "1"}, nil},
		"zero is nobody's program":        {identity{}, identity{0, ""}, nil},
		"a keeper of unknown start":       {identity{50, ""}, identity{}, nil},
		"an unknown start is not trusted": {identity{}, identity{51, ""}, nil},
	} {
		got := family(c.keeper, c.program, machine())
		slices.Sort(got)
		slices.Sort(c.want)
		if diff := cmp.Diff(c.want, got); diff != "" && len(got)+len(c.want) > 0 {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
