package testkit

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"
)

// Wire carries TCP connections to a server, until it is stalled or cut.
type Wire struct {
	// URL is where the wire begins, without /api.
	URL string

	server string

	mu      sync.Mutex
	carried map[net.Conn]bool // both ends of every connection
	cut     bool
	flows   *sync.Cond
	stalled bool
}

// StartWire lays a wire to a server; it ends with the test.
func StartWire(t testing.TB, s *Server) *Wire {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &Wire{URL: "http://" + listener.Addr().String(), server: strings.TrimPrefix(s.URL, "http://"), carried: map[net.Conn]bool{}}
	w.flows = sync.NewCond(&w.mu)
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go w.carry(client)
		}
	}()
	t.Cleanup(func() {
		if err := listener.Close(); err != nil {
			t.Error(err)
		}
		w.Mend()
		w.Cut()
	})
	return w
}

// Stall lets nothing through any more, and nobody knows.
func (w *Wire) Stall() { w.set(false, true) }

// Cut breaks all connections; new ones break too.
func (w *Wire) Cut() {
	w.set(true, false)
	w.mu.Lock()
	defer w.mu.Unlock()
	for conn := range w.carried {
		_ = conn.Close() // its other end is what matters
	}
}

// Mend lets everything through again.
func (w *Wire) Mend() { w.set(false, false) }

func (w *Wire) set(cut, stalled bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut, w.stalled = cut, stalled
	w.flows.Broadcast()
}

func (w *Wire) carry(client net.Conn) {
	defer client.Close() //nolint:errcheck // it is of no more use
	server, err := net.Dial("tcp", w.server)
	if err != nil {
		return
	}
	defer server.Close() //nolint:errcheck // it is of no more use
	if !w.take(client, server) {
		return
	}
	done := make(chan struct{}, 2)
	for _, way := range [][2]net.Conn{{server, client}, {client, server}} {
		go func() {
			_, _ = io.Copy(way[0], gated{way[1], w}) // either end may break off
			done <- struct{}{}
		}()
	}
	<-done
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.carried, client)
	delete(w.carried, server)
}

func (w *Wire) take(ends ...net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, end := range ends {
		if !w.cut {
			w.carried[end] = true
		}
	}
	return !w.cut
}

// gated holds back what was read while the wire is stalled.
type gated struct {
	from net.Conn
	wire *Wire
}

// Read is the connection's, later.
func (g gated) Read(p []byte) (int, error) {
	n, err := g.from.Read(p)
	g.wire.mu.Lock()
	defer g.wire.mu.Unlock()
	for g.wire.stalled {
		g.wire.flows.Wait()
	}
	return n, err
}
