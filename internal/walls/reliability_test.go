package walls

import "testing"

// TestReliabilityHasItsTests looks that each test which docs/architecture/reliability.md
// names is there, and that each row names one.
func TestReliabilityHasItsTests(t *testing.T) {
	t.Parallel()
	rowsNameTests(t, "../../docs/architecture/reliability.md", 30)
}
