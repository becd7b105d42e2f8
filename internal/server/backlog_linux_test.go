package server_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/testkit"
)

// TestMemoryIsBoundedUnderABacklog sends a server events and log lines, as fast as four clients
// can, while somebody subscribes to all of it and reads nothing, an automation looks at each,
// and runs pile up that no worker takes. What the first third of it needs at most, the rest
// does not exceed by much, and all of it is there.
func TestMemoryIsBoundedUnderABacklog(t *testing.T) {
	t.Parallel()
	const clients, rounds, batch, size, more = 4, 10, 200, 3000, 32 << 20
	server := testkit.UsherServer(t)
	c := talkTo(t, server)
	flow, err := c.CreateFlow(t.Context(), &api.FlowCreate{Name: "f"})
	if err != nil {
		t.Fatal(err)
	}
	for path, greeting := range map[string]string{"/events/out": `{"type":"filter","filter":{}}`, "/logs/out": `{"type":"filter","filter":{}}`} {
		conn, err := c.Socket(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.CloseNow() }) //nolint:errcheck // nobody reads from it
		if err := conn.Write(t.Context(), websocket.MessageText, []byte(greeting)); err != nil {
			t.Fatal(err)
		}
	}
	w := &window{t: t}
	w.automate(c, `{"name":"counts","trigger":{"type":"event","posture":"Reactive","expect":["large"],"threshold":1000000,"within":3600},"actions":[{"type":"do-nothing"}]}`)
	text := strings.Repeat("x", size)
	pile := func(rounds int) {
		t.Helper()
		var group sync.WaitGroup
		for range clients {
			group.Go(func() {
				for range rounds {
					events, lines, now := make([]api.Event, batch), make([]api.LogCreate, batch), api.At(time.Now())
					for i := range batch {
						events[i] = api.Event{
							ID: uuid.New(), Occurred: now, Event: "large", Resource: api.Resource{"prefect.resource.id": "thing"},
							Payload: api.Some(jsontext.Value(`{"text":"` + text + `"}`)),
						}
						lines[i] = api.LogCreate{Name: "n", Level: 20, Message: text, Timestamp: now}
					}
					_, runErr := c.CreateFlowRun(t.Context(), &api.FlowRunCreate{FlowID: flow.ID, State: api.Some(api.StateCreate{Type: api.StateTypeScheduled})})
					_, logErr := c.CreateLogs(t.Context(), lines)
					for _, err := range []error{c.CreateEvents(t.Context(), events), logErr, runErr} {
						if err != nil {
							t.Error(err)
							return
						}
					}
				}
			})
		}
		group.Wait()
	}
	pile(rounds)
	first := peakOf(t, server)
	pile(2 * rounds)
	all := peakOf(t, server)
	const sent = 4 * clients * rounds * batch * size
	t.Logf("at most %d MiB, and %d MiB after %d MiB more", first>>20, all>>20, sent>>20)
	if all > first+more {
		t.Errorf("the server had %d MiB at most, and %d MiB when %d MiB more had come", first>>20, all>>20, sent>>20)
	}
	testkit.Eventually(t, patience, func() error {
		page, err := c.ReadEvents(t.Context(), &api.ReadEventsRequest{Filter: &api.EventFilter{Event: &api.EventNameFilter{Name: []string{"large"}}}})
		if err == nil && page.Total != 3*clients*rounds*batch {
			err = fmt.Errorf("%d events are there of %d", page.Total, 3*clients*rounds*batch)
		}
		return err
	})
}

// peakOf is the most memory that the server ever had.
func peakOf(t *testing.T, server *testkit.Server) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", server.PID()))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, found := strings.CutPrefix(line, "VmHWM:"); found {
			n, err := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")))
			if err != nil {
				t.Fatal(err)
			}
			return n << 10
		}
	}
	t.Fatal("the kernel does not tell the peak of the memory")
	return 0
}
