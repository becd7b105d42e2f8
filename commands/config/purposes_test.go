package config

import (
	"strings"
	"testing"

	"github.com/usherhq/usher/internal/profile"
)

// TestEverySettingHasAPurpose compares the texts with the settings that there are.
func TestEverySettingHasAPurpose(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, s := range profile.All() {
		known[s.Name()] = true
		if purposeOf(s) == "" {
			t.Errorf("purposes.txt does not say what %s is for", s.Name())
		}
	}
	for line := range strings.Lines(purposes) {
		if name, _, _ := strings.Cut(line, "\t"); !known[name] {
			t.Errorf("purposes.txt has %s, which is no setting", name)
		}
	}
}
