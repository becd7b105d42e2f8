package testkit

import (
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
)

// Balancer hands each TCP connection to the next of several servers that takes it.
type Balancer struct {
	// URL is where the balancer listens, without /api.
	URL string

	backends []string
	next     atomic.Int64
}

// Balance starts a balancer in front of servers; it ends with the test.
func Balance(t testing.TB, servers ...*Server) *Balancer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &Balancer{URL: "http://" + listener.Addr().String()}
	for _, s := range servers {
		b.backends = append(b.backends, strings.TrimPrefix(s.URL, "http://"))
	}
	go b.serve(listener)
	t.Cleanup(func() {
		if err := listener.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func (b *Balancer) serve(listener net.Listener) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		go b.carry(client)
	}
}

// carry connects a client to the first server, from the next one on, that can be reached.
func (b *Balancer) carry(client net.Conn) {
	defer client.Close() //nolint:errcheck // it is of no more use
	for range b.backends {
		server, err := net.Dial("tcp", b.backends[int(b.next.Add(1))%len(b.backends)])
		if err != nil {
			continue
		}
		done := make(chan struct{}, 2)
		for _, way := range [][2]net.Conn{{server, client}, {client, server}} {
			go func() {
				_, _ = io.Copy(way[0], way[1]) // either end may break off
				done <- struct{}{}
			}()
		}
		<-done
		_ = server.Close()
		return
	}
}
