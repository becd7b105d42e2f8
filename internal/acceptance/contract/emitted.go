package contract

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/acceptance/replay"
	"github.com/usherhq/usher/internal/client"
)

// Emission is a request and the events that a server emitted on it, in their order and in
// their normal form.
type Emission struct {
	Exchange
	Events []jsontext.Value `json:"events,omitzero"`
}

// Settle waits until a server has emitted what it emits on a request; heard tells how many
// events that are by now.
type Settle func(ctx context.Context, request int, heard func() int) error

// Quiet waits until a server has emitted nothing for so long.
func Quiet(pause time.Duration) Settle {
	return func(ctx context.Context, _ int, heard func() int) error {
		for last := -1; last != heard(); {
			last = heard()
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(pause):
			}
		}
		return nil
	}
}

// PlayEmitting makes the requests of a sequence to a server, and returns them with the
// events that a subscriber heard.
func PlayEmitting(ctx context.Context, p *replay.Player, steps []replay.Step, settle Settle) ([]Emission, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	listener, err := listen(ctx, p.API)
	if err != nil {
		return nil, err
	}
	defer listener.conn.CloseNow() //nolint:errcheck // it was heard
	names := &eventNames{masker: masker{names: map[string]string{}}, told: map[string]int{}}
	out := make([]Emission, 0, len(steps))
	heard := 0
	for i, step := range steps {
		exchanges, err := Play(ctx, p, []replay.Step{step})
		if err != nil {
			return nil, err
		}
		if err := settle(ctx, i, func() int { return len(listener.heard()) - heard }); err != nil {
			return nil, fmt.Errorf("after request %d: %w", i, err)
		}
		names.series, names.count = fmt.Sprintf("id %d", i), 0 // one more id shifts no later ones
		events, err := names.normal(listener.heard()[heard:], p.Kept())
		if err != nil {
			return nil, err
		}
		heard += len(events)
		out = append(out, Emission{Exchange: exchanges[0], Events: events})
	}
	return out, listener.failure()
}

// listener hears the events of a server in the order in which it tells of them.
type listener struct {
	conn *websocket.Conn

	mu     sync.Mutex
	events []jsontext.Value
	err    error // why it hears no more
}

func listen(ctx context.Context, apiURL string) (*listener, error) {
	c, err := client.New(client.Options{BaseURL: apiURL})
	if err != nil {
		return nil, err
	}
	conn, err := c.Socket(ctx, "/events/out")
	if err != nil {
		return nil, err
	}
	filter := map[string]any{"occurred": map[string]any{"since": "2020-01-01T00:00:00Z", "until": "2099-01-01T00:00:00Z"}}
	if err := wsjson.Write(ctx, conn, map[string]any{"type": "filter", "filter": filter}); err != nil {
		return nil, errors.Join(err, conn.CloseNow())
	}
	l := &listener{conn: conn}
	go l.hear(ctx)
	return l, nil
}

func (l *listener) hear(ctx context.Context) {
	for {
		var frame struct {
			Event jsontext.Value `json:"event"`
		}
		_, text, err := l.conn.Read(ctx)
		if err == nil {
			err = json.Unmarshal(text, &frame)
		}
		l.mu.Lock()
		if err == nil {
			l.events = append(l.events, frame.Event)
		}
		l.err = err
		l.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (l *listener) heard() []jsontext.Value {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.events
}

func (l *listener) failure() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// eventNames gives the ids of events and of objects the same names in every play.
type eventNames struct {
	masker
	told map[string]int // events with this name about this resource so far
}

// normal is the normal form of the events of one request. Ids of events are named by what
// they tell and how often that was told before, so that what follows what is compared.
func (n *eventNames) normal(raw []jsontext.Value, variables map[string]string) ([]jsontext.Value, error) {
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		if _, known := n.names[variables[name]]; !known {
			n.names[variables[name]] = "$" + name
		}
	}
	events := make([]map[string]any, len(raw))
	for i, text := range raw {
		if err := json.Unmarshal(text, &events[i]); err != nil {
			return nil, fmt.Errorf("%w in the event %s", err, text)
		}
		n.name(events[i])
	}
	out := make([]jsontext.Value, len(raw))
	for i, e := range events {
		delete(e, "received")
		text, err := json.Marshal(n.walk("", n.nameless(inOrder(e))), json.Deterministic(true))
		if err != nil {
			return nil, err
		}
		out[i] = text
	}
	return out, nil
}

// nameless takes away the names that a server makes up.
func (n *eventNames) nameless(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			v[name] = n.nameless(member)
		}
		if name, isText := v["prefect.resource.name"].(string); isText && aSlug.MatchString(name) {
			v["prefect.resource.name"] = n.masker.text("name", name)
		}
	case []any:
		for i := range v {
			v[i] = n.nameless(v[i])
		}
	}
	return v
}

func (n *eventNames) name(e map[string]any) {
	resource, _ := e["resource"].(map[string]any)
	about := n.text("", fmt.Sprint(e["event"], " of ", resource["prefect.resource.id"]))
	n.told[about]++
	if id := fmt.Sprint(e["id"]); n.names[id] == "" {
		n.names[id] = fmt.Sprintf("<%s, %d>", about, n.told[about])
	}
}

// inOrder sorts the lists that stand for sets, which the reference tells in any order.
func inOrder(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			v[name] = inOrder(member)
			list, isList := v[name].([]any)
			if isList && slices.Contains(sets, name) {
				slices.SortFunc(list, func(a, b any) int { return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
			}
		}
	case []any:
		for i := range v {
			v[i] = inOrder(v[i])
		}
	}
	return v
}

var sets = []string{"updated_fields", "after", "expect", "for_each", "trigger_states", "capabilities", "block_schema_capabilities"}

// SaveEmissions writes a recording, compressed.
func SaveEmissions(path string, recording []Emission) error { return save(path, recording) }

// LoadEmissions reads what SaveEmissions wrote.
func LoadEmissions(path string) ([]Emission, error) { return load[[]Emission](path) }

// Requests are those of a recording, to be made again.
func Requests(recording []Emission) []replay.Step {
	exchanges := make([]Exchange, len(recording))
	for i := range recording {
		exchanges[i] = recording[i].Exchange
	}
	return Steps(exchanges)
}
