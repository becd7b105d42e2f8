package main

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
	"github.com/go-json-experiment/json"
	"github.com/google/uuid"
)

// soakTime is how long load is kept up without a pause.
var soakTime = flag.Duration("soak", time.Minute, "how long the groups events and soak send without a pause")

// measureEvents compares what the socket for events costs, until they are stored, and looks
// at our server's memory and at how soon others hear of an event.
func measureEvents(ctx context.Context, r *rig) ([]result, error) {
	theirs, _, err := r.theirs.cpuPerEvent(ctx, func(c client) (int, error) { return c.few(ctx, 1000) })
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.theirs.name, err)
	}
	server, err := r.ours.running(ctx)
	if err != nil {
		return nil, err
	}
	c := client{server: server, patient: true}
	soon, err := c.howSoon(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := c.stream(ctx, 5*time.Second); err != nil { // what grows once
		return nil, err
	}
	before, err := r.ours.usage(ctx)
	if err != nil {
		return nil, err
	}
	cpu, took, err := r.ours.cpuPerEvent(ctx, func(c client) (int, error) { return c.stream(ctx, *soakTime) })
	if err != nil {
		return nil, err
	}
	after, err := r.ours.usage(ctx)
	return append(soon, []result{
		{what: "server CPU, take in an event by socket", unit: duration, ours: cpu, theirs: theirs, ratio: 40, limit: new(25e-6)},
		{what: "time per event by socket, stored", unit: duration, ours: took, alone: true},
		{what: fmt.Sprintf("memory after %v of events", *soakTime), unit: mebibytes, ours: after.memory, limit: new(before.memory + 32<<20), alone: true},
	}...), err
}

// cpuPerEvent is what an event costs a side, and how long it took, until all that were
// sent are found; it fails when one is lost.
func (s *side) cpuPerEvent(ctx context.Context, send func(client) (int, error)) (cpu, took float64, err error) {
	server, err := s.running(ctx)
	if err != nil {
		return 0, 0, err
	}
	c := client{server: server, patient: true}
	before, err := c.found(ctx, streamed)
	if err != nil {
		return 0, 0, err
	}
	sent, begun := 0, time.Now()
	cpu, err = s.cpuDuring(ctx, func() error {
		if sent, err = send(c); err != nil {
			return err
		}
		for last, same := -1, 0; ; {
			now, err := c.found(ctx, streamed)
			if err != nil || now-before == sent {
				return err
			}
			if same++; now != last {
				last, same = now, 0
			}
			if same > 60 {
				return fmt.Errorf("%d of %d events were lost", sent-(now-before), sent)
			}
			if err := pause(ctx, time.Second); err != nil {
				return err
			}
		}
	})
	return cpu / float64(sent), time.Since(begun).Seconds() / float64(sent), err
}

// found counts the events of a name.
func (c client) found(ctx context.Context, name string) (int, error) {
	var page struct {
		Total int `json:"total"`
	}
	err := c.send(ctx, http.MethodPost, "/events/filter", object{"filter": object{"event": object{"name": []string{name}}}, "limit": 0}, &page)
	return page.Total, err
}

// howSoon is how soon others hear of an event while a thousand a second arrive.
func (c client) howSoon(ctx context.Context) ([]result, error) {
	busy, calm := context.WithCancel(ctx)
	defer calm()
	loaded := make(chan error, 1)
	go func() { loaded <- c.load(busy, 1000) }()
	found, err := c.untilFound(ctx, 500)
	if err != nil {
		return nil, err
	}
	heard, err := c.untilHeard(ctx, 200, probe, probe)
	if err != nil {
		return nil, err
	}
	if err := c.automate(ctx); err != nil {
		return nil, err
	}
	acted, err := c.untilHeard(ctx, 100, acting, "prefect.automation.action.triggered")
	if err != nil {
		return nil, err
	}
	calm()
	return []result{
		{what: "until an event is found, 99 %, 1,000 a second", unit: duration, ours: percentile(found, 99), limit: new(0.150), alone: true},
		{what: "until an event is heard, 99 %, 1,000 a second", unit: duration, ours: percentile(heard, 99), limit: new(0.150), alone: true},
		{what: "from an event to its action, median", unit: duration, ours: median(acted), limit: new(0.100), alone: true},
	}, <-loaded
}

// automate makes an automation that acts upon each event of one name.
func (c client) automate(ctx context.Context) error {
	_, err := c.create(ctx, "/automations/", object{
		"name": "bench", "actions": []object{{"type": "do-nothing"}},
		"trigger": object{"type": "event", "posture": "Reactive", "expect": []string{acting}, "threshold": 1, "within": 0},
	})
	return err
}

// The names of the events that are sent: as fast as they are taken, to be looked for, to
// start an action.
const (
	streamed = "bench.streamed"
	probe    = "bench.probe"
	acting   = "bench.acting"
)

func percentile(values []float64, percent int) float64 {
	return slices.Sorted(slices.Values(values))[len(values)*percent/100]
}

// beat is how long who sends events rests between them.
const beat = 20 * time.Millisecond

// load sends so many events a second until ctx ends.
func (c client) load(ctx context.Context, perSecond int) error {
	conn, err := c.eventSocket(ctx, "/events/in")
	if err != nil {
		return err
	}
	defer conn.CloseNow() //nolint:errcheck // it was used
	for pause(ctx, beat) == nil {
		for i := range perSecond / int(time.Second/beat) {
			frame, _ := eventFrame("bench.load", i)
			if err := conn.Write(ctx, websocket.MessageText, frame); err != nil && ctx.Err() == nil {
				return err
			}
		}
	}
	return nil
}

// untilHeard sends events of a name one by one and returns how long it took each time
// until a subscriber heard of one of another name.
func (c client) untilHeard(ctx context.Context, n int, send, hear string) ([]float64, error) {
	in, err := c.eventSocket(ctx, "/events/in")
	if err != nil {
		return nil, err
	}
	defer in.CloseNow() //nolint:errcheck // it was used
	out, err := c.subscribe(ctx, hear)
	if err != nil {
		return nil, err
	}
	defer out.CloseNow() //nolint:errcheck // it was used
	var took []float64
	for i := range n {
		frame, _ := eventFrame(send, i)
		begun := time.Now()
		if err := in.Write(ctx, websocket.MessageText, frame); err != nil {
			return nil, err
		}
		if _, _, err := out.Read(ctx); err != nil {
			return nil, err
		}
		took = append(took, time.Since(begun).Seconds())
	}
	return took, nil
}

// subscribe opens a socket that tells of events of a name from now on.
func (c client) subscribe(ctx context.Context, name string) (*websocket.Conn, error) {
	out, err := c.eventSocket(ctx, "/events/out")
	if err != nil {
		return nil, err
	}
	now := time.Now().UTC()
	filter := object{"event": object{"name": []string{name}}, "occurred": object{"since": now, "until": now.AddDate(1, 0, 0)}}
	return out, wsjson.Write(ctx, out, object{"type": "filter", "filter": filter})
}

// untilFound sends events one by one and returns how long it took until each was in the
// answer of a filter.
func (c client) untilFound(ctx context.Context, n int) ([]float64, error) {
	conn, err := c.eventSocket(ctx, "/events/in")
	if err != nil {
		return nil, err
	}
	defer conn.CloseNow() //nolint:errcheck // it was used
	var took []float64
	for i := range n {
		if err := pause(ctx, beat); err != nil {
			return nil, err
		}
		frame, id := eventFrame(probe, i)
		begun := time.Now()
		if err := conn.Write(ctx, websocket.MessageText, frame); err != nil {
			return nil, err
		}
		for found := 0; found == 0; {
			var page struct {
				Total int `json:"total"`
			}
			body := object{"filter": object{"id": object{"id": []uuid.UUID{id}}}, "limit": 1}
			if err := c.send(ctx, http.MethodPost, "/events/filter", body, &page); err != nil {
				return nil, err
			}
			found = page.Total
		}
		took = append(took, time.Since(begun).Seconds())
	}
	return took, nil
}

// stream sends events for a while and returns how many; all of them are stored then.
func (c client) stream(ctx context.Context, span time.Duration) (sent int, err error) {
	conn, err := c.eventSocket(ctx, "/events/in")
	if err != nil {
		return 0, err
	}
	defer conn.CloseNow() //nolint:errcheck // it was used
	reading := conn.CloseRead(ctx)
	for end := time.Now().Add(span); time.Now().Before(end); sent++ {
		frame, _ := eventFrame(streamed, sent)
		if err := conn.Write(ctx, websocket.MessageText, frame); err != nil {
			return sent, err
		}
	}
	return sent, conn.Ping(reading) // answered when everything before it is stored
}

// few sends some events and stays until all are found: the reference answers pings before
// it has stored what came before them, if it does.
func (c client) few(ctx context.Context, n int) (sent int, err error) {
	before, err := c.found(ctx, streamed)
	if err != nil {
		return 0, err
	}
	conn, err := c.eventSocket(ctx, "/events/in")
	if err != nil {
		return 0, err
	}
	defer conn.CloseNow() //nolint:errcheck // it was used
	conn.CloseRead(ctx)
	for ; sent < n; sent++ {
		frame, _ := eventFrame(streamed, sent)
		if err := conn.Write(ctx, websocket.MessageText, frame); err != nil {
			return sent, err
		}
	}
	for range 120 {
		now, err := c.found(ctx, streamed)
		if err != nil || now-before >= n {
			return sent, err
		}
		if err := pause(ctx, time.Second); err != nil {
			return sent, err
		}
	}
	return sent, nil
}

func (c client) eventSocket(ctx context.Context, path string) (*websocket.Conn, error) {
	target := strings.Replace(c.server.APIURL(), "http", "ws", 1) + path
	conn, _, err := websocket.Dial(ctx, target, &websocket.DialOptions{Subprotocols: []string{"prefect"}})
	if err != nil {
		return nil, err
	}
	var answer object
	if err := wsjson.Write(ctx, conn, object{"type": "auth", "token": nil}); err != nil {
		return nil, err
	}
	return conn, wsjson.Read(ctx, conn, &answer)
}

func eventFrame(name string, i int) (frame []byte, id uuid.UUID) {
	id = uuid.Must(uuid.NewV7()) // as the SDK makes them
	frame, err := json.Marshal(object{
		"id": id, "occurred": time.Now().UTC().Format(time.RFC3339Nano), "event": name,
		"resource": object{"prefect.resource.id": fmt.Sprintf("bench.thing.%d", i%100), "prefect.resource.name": "thing"},
		"related":  []object{{"prefect.resource.id": "prefect.flow.bench", "prefect.resource.role": "flow"}},
		"payload":  object{"n": i},
	})
	if err != nil {
		panic(err) // it is the same each time
	}
	return frame, id
}

// measureBlocks compares what reading a block document costs the servers.
func measureBlocks(ctx context.Context, r *rig) ([]result, error) {
	ours, theirs, err := r.both(func(s *side) (float64, error) { return s.blockRead(ctx) })
	return []result{{what: "server CPU, read a block document", unit: duration, ours: ours, theirs: theirs, ratio: 40}}, err
}

func (s *side) blockRead(ctx context.Context) (float64, error) {
	server, err := s.running(ctx)
	if err != nil {
		return 0, err
	}
	c := client{server: server, patient: true}
	var kind struct {
		ID string `json:"id"`
	}
	if err := c.send(ctx, http.MethodGet, "/block_types/slug/secret", nil, &kind); err != nil {
		return 0, err
	}
	var schemas []struct {
		ID string `json:"id"`
	}
	filter := object{"block_schemas": object{"block_type_id": object{"any_": []string{kind.ID}}}, "limit": 1}
	if err := c.send(ctx, http.MethodPost, "/block_schemas/filter", filter, &schemas); err != nil {
		return 0, err
	}
	id, err := c.create(ctx, "/block_documents/", object{
		"name": "bench", "block_type_id": kind.ID, "block_schema_id": schemas[0].ID, "data": object{"value": "secret"},
	})
	if err != nil {
		return 0, err
	}
	cpu, err := s.cpuDuring(ctx, func() error {
		return repeat(s.rounds(), func(int) error {
			return c.send(ctx, http.MethodGet, "/block_documents/"+id+"?include_secrets=true", nil, nil)
		})
	})
	return cpu / float64(s.rounds()), err
}
