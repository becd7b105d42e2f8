package rest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/store/storetest"
)

// BenchmarkFlowRun is what the life of a flow run costs over HTTP: making it, and moving
// it to RUNNING and COMPLETED.
func BenchmarkFlowRun(b *testing.B) {
	url := startServer(b, storetest.SQLiteURL(b))
	_, flow := ask(b, url, "POST /flows/", `{"name":"bench"}`)
	create := fmt.Sprintf(`{"flow_id":%q,"parameters":{"a":1},"tags":["x"]}`, pick(b, flow, "id"))
	b.Run("create", func(b *testing.B) {
		for b.Loop() {
			expect(b, url, "POST /flow_runs/", create, http.StatusCreated)
		}
	})
	b.Run("set_state", func(b *testing.B) {
		_, run := ask(b, url, "POST /flow_runs/", create)
		do := "POST /flow_runs/" + pick(b, run, "id") + "/set_state"
		for b.Loop() {
			expect(b, url, do, `{"state":{"type":"RUNNING"}}`, http.StatusCreated)
		}
	})
	b.Run("set_state parallel", func(b *testing.B) {
		b.SetParallelism(8)
		b.RunParallel(func(p *testing.PB) {
			_, run := ask(b, url, "POST /flow_runs/", create)
			do := "POST /flow_runs/" + pick(b, run, "id") + "/set_state"
			for p.Next() {
				expect(b, url, do, `{"state":{"type":"RUNNING"}}`, http.StatusCreated)
			}
		})
	})
	b.Run("read", func(b *testing.B) {
		_, run := ask(b, url, "POST /flow_runs/", create)
		do := "GET /flow_runs/" + pick(b, run, "id")
		for b.Loop() {
			expect(b, url, do, "", http.StatusOK)
		}
	})
	b.Run("filter 200", func(b *testing.B) {
		for range 200 {
			expect(b, url, "POST /flow_runs/", create, http.StatusCreated)
		}
		for b.Loop() {
			expect(b, url, "POST /flow_runs/filter", `{}`, http.StatusOK)
		}
	})
}

// BenchmarkEvents is what 50 events in one request cost.
func BenchmarkEvents(b *testing.B) {
	url := startServer(b, storetest.SQLiteURL(b))
	for b.Loop() {
		b.StopTimer()
		var events []string
		for i := range 50 {
			events = append(events, fmt.Sprintf(
				`{"id":%q,"occurred":%q,"event":"bench.happened","resource":{"prefect.resource.id":"bench.thing","prefect.resource.name":"thing"},`+
					`"related":[{"prefect.resource.id":"prefect.flow-run.x","prefect.resource.role":"flow-run"}],"payload":{"n":%d}}`,
				uuid.New(), time.Now().UTC().Format(time.RFC3339Nano), i))
		}
		body := "[" + strings.Join(events, ",") + "]"
		b.StartTimer()
		expect(b, url, "POST /events", body, http.StatusNoContent)
	}
}

func expect(b *testing.B, url, do, body string, status int) {
	if got, answer := ask(b, url, do, body); got != status {
		b.Fatalf("%s: %d %s", do, got, answer)
	}
}
