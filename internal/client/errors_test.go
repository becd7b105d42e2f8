package client_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/client"
)

// A URL that is not an API's is told as that, and not as an object that is not there.
func TestWrongURLsAreTold(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
		code   api.Code
		want   string
	}{
		"another path":       {http.StatusNotFound, `{"detail":"Not Found"}`, api.CodeNotFound, "does not answer as an API does"},
		"a site":             {http.StatusNotFound, "<html>404</html>", api.CodeNotFound, "usually ends in /api"},
		"a server of files":  {http.StatusNotImplemented, "<html>501</html>", api.CodeUnsupported, "gives 501 Not Implemented"},
		"an object":          {http.StatusNotFound, `{"detail":"Flow not found"}`, api.CodeNotFound, "Flow not found"},
		"what is not served": {http.StatusNotImplemented, `{"detail":"not yet"}`, api.CodeUnsupported, "not yet"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.body))
			}))
			defer server.Close()
			made, err := client.New(client.Options{BaseURL: server.URL})
			if err != nil {
				t.Fatal(err)
			}
			_, err = made.ReadFlows(t.Context(), &api.ReadFlowsRequest{})
			if api.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v (%s), want %q", err, api.CodeOf(err), c.want)
			}
		})
	}
}
