package acceptance

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"

	"github.com/usherhq/usher/internal/testkit"
)

// TestStrangeServers asks servers that are none, that are too old, or that let nobody in: one message,
// the exit code for it, and nothing on standard output.
func TestStrangeServers(t *testing.T) {
	t.Parallel()
	bin := testkit.Usher(t)
	for _, stranger := range []struct {
		name   string
		status int
		body   string
		code   int
		says   string
	}{
		{"a web page", http.StatusOK, "<html>welcome</html>", 1, "is not the Prefect API"},
		{"an empty answer", http.StatusOK, "", 1, "is not the Prefect API"},
		{"a broken answer", http.StatusOK, `[{"id":`, 1, "is not the Prefect API"},
		{"an older server", http.StatusNotFound, `{"detail": "Not Found"}`, 3, "does not answer as an API does"},
		{"no way in", http.StatusUnauthorized, `{"detail": "Unauthorized"}`, 4, "wants to know who you are"},
		{"no permission", http.StatusForbidden, `{"detail": "Forbidden"}`, 5, "you have no permission for POST /"},
		{"a breakdown", http.StatusInternalServerError, "Internal Server Error", 1, "the server failed on POST /"},
		{"too busy", http.StatusServiceUnavailable, `{"detail": "busy"}`, 6, "busy"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(stranger.status)
			_, _ = w.Write([]byte(stranger.body)) // who asked may be gone
		}))
		env := testkit.Env(t.TempDir(), "PREFECT_API_URL="+server.URL+"/api", "PREFECT_CLIENT_MAX_RETRIES=0")
		for _, line := range []string{"flow ls", "flow-run ls -o json", "variable set a 1", "variable ls --quiet"} {
			cmd := exec.CommandContext(t.Context(), bin, strings.Fields(line)...)
			var errs strings.Builder
			cmd.Dir, cmd.Env, cmd.Stderr = t.TempDir(), env, &errs
			out, err := cmd.Output()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != stranger.code {
				t.Errorf("%s: usher %s ends with %v, want %d\n%s", stranger.name, line, err, stranger.code, &errs)
			}
			if text := errs.String(); len(out) > 0 || !strings.Contains(text, stranger.says) || strings.Count(text, "error") != 1 && !strings.Contains(text, "Error") {
				t.Errorf("%s: usher %s prints %q and says %q", stranger.name, line, out, text)
			}
		}
		server.Close()
	}
}
