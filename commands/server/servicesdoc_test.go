package server

import (
	"os"
	"strings"
	"testing"

	"github.com/usherhq/usher/internal/profile"
)

// TestEverySettingOfServicesIsExplained looks for each setting of a service in the page that
// says which of them count, and for each switch among those that do.
func TestEverySettingOfServicesIsExplained(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/services.md")
	if err != nil {
		t.Fatal(err)
	}
	count, _, _ := strings.Cut(string(text), "These change nothing")
	for _, s := range profile.All() {
		if !strings.HasPrefix(s.Path, "server.services.") {
			continue
		}
		name := s.Name()
		if !s.Ours {
			name = strings.TrimPrefix(name, "PREFECT_SERVER_SERVICES_")
		}
		if n := strings.Count(string(text), "`"+name+"`"); n != 1 {
			t.Errorf("%s is explained %d times", name, n)
		}
	}
	for _, service := range optional {
		if !strings.Contains(count, strings.ToUpper(service)+"_ENABLED`") {
			t.Errorf("the switch of %s is not among what counts", service)
		}
	}
}
