// Package trace tells a collector what was done when, as OpenTelemetry describes it: one
// span per request and per turn of a service. A nil Tracer does nothing.
package trace

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"time"
)

// The bounds of what waits to be sent, and how often it is.
const (
	queueLength = 2048
	batchLength = 512
	batchTime   = 5 * time.Second
)

// Tracer makes spans and sends them. Who makes spans never waits for a collector: what
// can't be sent is dropped and counted.
type Tracer struct {
	config  Config
	log     *slog.Logger
	ended   chan *Span
	dropped atomic.Int64
}

// New makes a tracer, nil when the settings ask for none.
func New(config Config, log *slog.Logger) *Tracer {
	if config.Endpoint == "" {
		return nil
	}
	return &Tracer{config: config, log: log, ended: make(chan *Span, queueLength)}
}

// Kind is what a span is of, in the protocol's numbers.
type Kind int

// The kinds.
const (
	Internal Kind = 1
	Request  Kind = 2
)

// Span is something that was done.
type Span struct {
	tracer     *Tracer
	trace      [16]byte
	id, parent [8]byte
	kind       Kind
	name       string
	start, end time.Time
	attributes []Attribute
	problem    string
	failed     bool
}

// Attribute is something that is known of a span.
type Attribute struct {
	Key   string
	Value any // a string or an int64
}

// Start begins a span, below that of a traceparent header if there is a good one. It is
// nil when the span is not to be recorded.
func (t *Tracer) Start(kind Kind, name, traceparent string) *Span {
	if t == nil {
		return nil
	}
	s := &Span{tracer: t, kind: kind, name: name, start: time.Now()}
	fill(s.id[:])
	sampled, found := s.follow(traceparent)
	if !found {
		fill(s.trace[:])
	}
	if !t.config.samples(s.trace, sampled, found) {
		return nil
	}
	return s
}

// fill makes a random id. It guards nothing.
func fill(id []byte) {
	for ; len(id) > 0; id = id[8:] {
		binary.LittleEndian.PutUint64(id, rand.Uint64()|1) //nolint:gosec // see above
	}
}

// follow reads a header of the form version-trace-parent-flags.
func (s *Span) follow(header string) (sampled, ok bool) {
	parts := strings.Split(header, "-")
	if len(parts) < 4 || len(parts[0]) != 2 || parts[0] == "ff" || parts[0] == "00" && len(parts) != 4 || len(parts[3]) != 2 {
		return false, false
	}
	var trace [16]byte
	var parent [8]byte
	var flags [1]byte
	if !unhex(trace[:], parts[1]) || !unhex(parent[:], parts[2]) || !unhex(flags[:], parts[3]) || trace == [16]byte{} || parent == [8]byte{} {
		return false, false
	}
	s.trace, s.parent = trace, parent
	return flags[0]&1 == 1, true
}

func unhex(into []byte, text string) bool {
	if len(text) != 2*len(into) || strings.ToLower(text) != text {
		return false
	}
	_, err := hex.Decode(into, []byte(text))
	return err == nil
}

// Name replaces the span's name, which may become known only later.
func (s *Span) Name(name string) {
	if s != nil {
		s.name = name
	}
}

// Set adds what is known of the span.
func (s *Span) Set(attributes ...Attribute) {
	if s != nil {
		s.attributes = append(s.attributes, attributes...)
	}
}

// Fail notes that it did not end well. The problem goes to the collector: it must hold no
// secret.
func (s *Span) Fail(problem string) {
	if s != nil {
		s.failed, s.problem = true, problem
	}
}

// End hands the span over to be sent.
func (s *Span) End() {
	if s == nil {
		return
	}
	s.end = time.Now()
	select {
	case s.tracer.ended <- s:
	default:
		s.tracer.dropped.Add(1)
	}
}

// Run sends spans until ctx ends, and then what is left.
func (t *Tracer) Run(ctx context.Context) {
	client := t.config.client()
	ticker := time.NewTicker(batchTime)
	defer ticker.Stop()
	var batch []*Span
	send := func(ctx context.Context) {
		if n := t.dropped.Swap(0); n > 0 {
			t.log.Warn("spans were dropped: the collector is too slow", "spans", n)
		}
		if len(batch) == 0 {
			return
		}
		if err := t.export(ctx, client, batch); err != nil {
			t.log.Warn("spans could not be sent", "spans", len(batch), "error", err)
		}
		batch = batch[:0]
	}
	for {
		select {
		case span := <-t.ended:
			if batch = append(batch, span); len(batch) >= batchLength {
				send(ctx)
			}
		case <-ticker.C:
			send(ctx)
		case <-ctx.Done():
			for more := true; more; {
				select {
				case span := <-t.ended:
					batch = append(batch, span)
				default:
					more = false
				}
			}
			send(context.WithoutCancel(ctx))
			return
		}
	}
}
