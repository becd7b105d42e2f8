package slots_test

import (
	"testing"

	"github.com/usherhq/usher/internal/slots"
)

func TestTheBarShowsHowFullItIs(t *testing.T) {
	t.Parallel()
	limit := func(n int) *int { return &n }
	for _, c := range []struct {
		active int
		limit  *int
		want   string
	}{
		{0, nil, "0 taken, no limit"},
		{0, limit(4), "░░░░░░░░░░░░░░░░░░░░ 0 / 4"},
		{3, limit(4), "███████████████░░░░░ 3 / 4"},
		{9, limit(4), "████████████████████ 9 / 4"},
		{0, limit(0), "████████████████████ 0 / 0"},
	} {
		if got := slots.Bar(c.active, c.limit); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
