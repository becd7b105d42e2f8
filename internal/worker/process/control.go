package process

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/usherhq/usher/internal/api"
)

const (
	tokenPatience = 5 * time.Second // for the line that says who connected
	ackPatience   = time.Second     // for the word that an intent was understood
	intentCancel  = 'c'
	acknowledged  = 'a'
	maxReceipt    = 4096
)

// Control is the loopback port where engines connect to hear why they are about to be
// signalled. Without it an engine takes a SIGTERM for a crash.
type Control struct {
	listener net.Listener
	port     int

	mu    sync.Mutex
	peers map[string]*peer // by token
}

// peer is one engine that may connect.
type peer struct {
	mu       sync.Mutex
	conn     net.Conn
	acked    chan struct{}
	ackOnce  sync.Once
	reported bool // the engine said that it reported its end
}

// Listen opens the port. It is opened once per worker, on loopback only.
func Listen(ctx context.Context) (*Control, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	address, ok := listener.Addr().(*net.TCPAddr)
	if !ok {
		return nil, errors.Join(api.Errorf(api.CodeInternal, "the control port has the address %s", listener.Addr()), listener.Close())
	}
	c := &Control{listener: listener, port: address.Port, peers: map[string]*peer{}}
	go c.accept()
	return c, nil
}

// Close closes the port.
func (c *Control) Close() error { return c.listener.Close() }

// Port is where engines connect.
func (c *Control) Port() int { return c.port }

// register makes a token for one engine.
func (c *Control) register() (string, *peer) {
	var raw [16]byte
	rand.Read(raw[:])
	token, p := hex.EncodeToString(raw[:]), &peer{acked: make(chan struct{})}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.peers[token] = p
	return token, p
}

func (c *Control) forget(token string) {
	c.mu.Lock()
	p := c.peers[token]
	delete(c.peers, token)
	c.mu.Unlock()
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.conn != nil {
		p.conn.Close() //nolint:errcheck // the engine is gone
	}
}

func (c *Control) accept() {
	for {
		conn, err := c.listener.Accept()
		if err != nil {
			return
		}
		go c.serve(conn)
	}
}

// serve speaks with one engine until it hangs up.
func (c *Control) serve(conn net.Conn) {
	defer conn.Close()                                  //nolint:errcheck // nothing is left to say
	conn.SetReadDeadline(time.Now().Add(tokenPatience)) //nolint:errcheck // a socket always takes one
	in := bufio.NewReaderSize(conn, maxReceipt)
	line, err := in.ReadString('\n')
	if err != nil {
		return
	}
	c.mu.Lock()
	p := c.peers[strings.TrimSpace(line)]
	c.mu.Unlock()
	if p == nil || !p.connect(conn) {
		return
	}
	conn.SetReadDeadline(time.Time{}) //nolint:errcheck // a socket always takes one
	for err == nil {
		err = p.hear(conn, in)
	}
}

func (p *peer) connect(conn net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.conn != nil {
		return false // a token serves once
	}
	p.conn = conn
	return true
}

// hear reads one message: an acknowledgement; in version 2 also a greeting, which is
// echoed, and a receipt for a state that the engine reported, which is confirmed.
func (p *peer) hear(conn io.Writer, in *bufio.Reader) error {
	kind, err := in.ReadByte()
	if err != nil {
		return err
	}
	switch kind {
	case acknowledged:
		p.ackOnce.Do(func() { close(p.acked) })
	case 0:
		return greet(conn, in)
	case 1:
		return p.receipt(conn, in)
	}
	return nil
}

// greet answers 'P' 'F' version capabilities with the version and capabilities in common.
func greet(conn io.Writer, in io.Reader) error {
	var hello [4]byte
	if _, err := io.ReadFull(in, hello[:]); err != nil {
		return err
	}
	version, capabilities := min(hello[2], 2), hello[3]&1
	_, err := conn.Write([]byte{0, 'P', 'F', version, capabilities})
	return err
}

func (p *peer) receipt(conn io.Writer, in io.Reader) error {
	var size [4]byte
	if _, err := io.ReadFull(in, size[:]); err != nil {
		return err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n > maxReceipt {
		return io.ErrShortBuffer
	}
	if _, err := io.CopyN(io.Discard, in, int64(n)); err != nil {
		return err
	}
	p.mu.Lock()
	p.reported = true
	p.mu.Unlock()
	_, err := conn.Write([]byte{2})
	return err
}

// hasReported says that the engine handed in a receipt: whatever its exit code, it has
// told the API how the run ended.
func (p *peer) hasReported() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.reported
}

// cancel tells the engine that it is about to be signalled because the run is cancelled,
// and says whether it understood.
func (p *peer) cancel() bool {
	p.mu.Lock()
	conn := p.conn
	p.mu.Unlock()
	if conn == nil {
		return false
	}
	if _, err := conn.Write([]byte{intentCancel}); err != nil {
		return false
	}
	timer := time.NewTimer(ackPatience)
	defer timer.Stop()
	select {
	case <-p.acked:
		return true
	case <-timer.C:
		return false
	}
}
