package ws_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/uuid"
)

// BenchmarkEventsIn is what an event costs a client that sends it and the server that
// stores it.
func BenchmarkEventsIn(b *testing.B) {
	conn, _ := greet(b, startServer(b), "/events/in")
	ctx := conn.CloseRead(b.Context())
	frames := make([][]byte, b.N)
	for i := range frames {
		frames[i] = fmt.Appendf(nil,
			`{"id":%q,"occurred":%q,"event":"bench.streamed","resource":{"prefect.resource.id":"bench.thing.%d","prefect.resource.name":"thing"},`+
				`"related":[{"prefect.resource.id":"prefect.flow.bench","prefect.resource.role":"flow"}],"payload":{"n":%d}}`,
			uuid.Must(uuid.NewV7()), time.Now().UTC().Format(time.RFC3339Nano), i%100, i)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for _, frame := range frames {
		if err := conn.Write(ctx, websocket.MessageText, frame); err != nil {
			b.Fatal(err)
		}
	}
	if err := conn.Ping(ctx); err != nil {
		b.Fatal(err)
	}
}
