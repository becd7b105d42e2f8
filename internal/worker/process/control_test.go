package process

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"
)

// engine is the side of the control channel that the Python engine has.
type engine struct {
	net.Conn

	t *testing.T
}

func connect(t *testing.T, c *Control, token string) engine {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", fmt.Sprintf("127.0.0.1:%d", c.Port()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })                 //nolint:errcheck // the other side may have hung up
	conn.SetDeadline(time.Now().Add(20 * time.Second)) //nolint:errcheck // a socket always takes one
	if _, err := fmt.Fprintf(conn, "%s\n", token); err != nil {
		t.Fatal(err)
	}
	return engine{conn, t}
}

func (e engine) send(data ...byte) {
	e.t.Helper()
	if _, err := e.Write(data); err != nil {
		e.t.Fatal(err)
	}
}

func (e engine) expect(want ...byte) {
	e.t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(e, got); err != nil || !bytes.Equal(got, want) {
		e.t.Fatalf("read %q, want %q: %v", got, want, err)
	}
}

func listen(t *testing.T) *Control {
	t.Helper()
	c, err := Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() }) //nolint:errcheck // the test is over
	return c
}

func TestAnEngineHearsOfItsCancellation(t *testing.T) {
	t.Parallel()
	c := listen(t)
	token, p := c.register()
	e := connect(t, c, token)
	e.send(0, 'P', 'F', 9, 3) // a greeting is echoed with what both sides know
	e.expect(0, 'P', 'F', 2, 1)
	understood := make(chan bool)
	go func() { understood <- p.cancel() }()
	e.expect('c')
	e.send('a')
	if !<-understood {
		t.Error("the acknowledgement was not heard")
	}
}

func TestAnEngineThatSaysNothingIsNotWaitedForLong(t *testing.T) {
	t.Parallel()
	c := listen(t)
	_, absent := c.register()
	if absent.cancel() {
		t.Error("an engine that never connected understood")
	}
	token, silent := c.register()
	e := connect(t, c, token)
	e.send(0, 'P', 'F', 2, 1)
	e.expect(0, 'P', 'F', 2, 1)
	if silent.cancel() {
		t.Error("an engine that said nothing understood")
	}
}

func TestAReceiptIsConfirmed(t *testing.T) {
	t.Parallel()
	c := listen(t)
	token, p := c.register()
	e := connect(t, c, token)
	body := []byte(`{"disposition":"ORCHESTRATION_ABORTED"}`)
	e.send(append([]byte{1, 0, 0, 0, byte(len(body))}, body...)...)
	e.expect(2)
	if !p.hasReported() {
		t.Error("the receipt was not kept")
	}
}

func TestStrangersAreSentAway(t *testing.T) {
	t.Parallel()
	c := listen(t)
	token, _ := c.register()
	first := connect(t, c, token)
	first.send(0, 'P', 'F', 2, 0)
	first.expect(0, 'P', 'F', 2, 0)
	c2, _ := c.register()
	c.forget(c2)
	for _, used := range []string{token, "not-a-token", c2, ""} {
		if n, err := connect(t, c, used).Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("token %q: read %d, %v", used, n, err)
		}
	}
}
