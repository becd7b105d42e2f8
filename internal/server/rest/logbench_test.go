package rest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/usherhq/usher/internal/store/storetest"
)

// BenchmarkLogs is what storing a batch of 100 log lines costs over HTTP.
func BenchmarkLogs(b *testing.B) {
	url := startServer(b, storetest.SQLiteURL(b))
	line := `{"name":"prefect.flow_runs","level":20,"message":"a line of some length that a flow might print","timestamp":"2026-01-01T00:00:00.%06dZ","flow_run_id":"0199d1c0-0000-7000-8000-000000000001"}`
	lines := make([]string, 100)
	for i := range lines {
		lines[i] = fmt.Sprintf(line, i)
	}
	batch := "[" + strings.Join(lines, ",") + "]"
	for b.Loop() {
		expect(b, url, "POST /logs/", batch, http.StatusCreated)
	}
}
