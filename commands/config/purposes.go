package config

import (
	_ "embed"
	"strings"

	"github.com/usherhq/usher/internal/profile"
)

// purposes has a line for each setting: its name, a tab, and what it is for.
//
//go:embed purposes.txt
var purposes string

// purposeOf says what a setting is for.
func purposeOf(s profile.Setting) string {
	for line := range strings.Lines(purposes) {
		if name, purpose, _ := strings.Cut(strings.TrimSpace(line), "\t"); name == s.Name() {
			return purpose
		}
	}
	return ""
}
