package main

import (
	"os"
	"os/exec"
	"testing"
)

// TestBuildsElsewhere compiles usher for the platforms that a release has besides this one.
func TestBuildsElsewhere(t *testing.T) {
	t.Parallel()
	for _, platform := range []string{"darwin", "windows"} {
		cmd := exec.CommandContext(t.Context(), "go", "vet", ".")
		cmd.Env = append(os.Environ(), "GOOS="+platform, "GOARCH=arm64", "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", platform, err, out)
		}
	}
}
