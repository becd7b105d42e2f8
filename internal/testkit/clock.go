package testkit

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"
)

// Clock is what the servers and workers of a test take for the time. It can be set.
type Clock struct {
	// Binary is usher with this clock.
	Binary string
	// Env is the variable that its processes need.
	Env string

	t     testing.TB
	path  string
	ahead time.Duration
}

var buildMoved = sync.OnceValues(func() (string, error) {
	return buildFromCheckout(context.Background(), "./internal/testkit/movedclock")
})

// NewClock makes a clock that shows the right time.
func NewClock(t testing.TB) *Clock {
	t.Helper()
	binary, err := buildMoved()
	if err != nil {
		t.Fatal(err)
	}
	c := &Clock{Binary: binary, t: t, path: filepath.Join(t.TempDir(), "ahead")}
	c.Env = "USHER_TEST_CLOCK=" + c.path
	c.Jump(0)
	return c
}

// Jump sets the clock ahead, or back if d is negative.
func (c *Clock) Jump(d time.Duration) {
	c.t.Helper()
	c.ahead += d
	fresh := c.path + ".new"
	if err := os.WriteFile(fresh, []byte(strconv.FormatInt(int64(c.ahead), 10)), 0o600); err != nil {
		c.t.Fatal(err)
	}
	if err := os.Rename(fresh, c.path); err != nil {
		c.t.Fatal(err)
	}
}

// Now is what the clock shows.
func (c *Clock) Now() time.Time { return time.Now().Add(c.ahead) }

// Server starts our server by this clock; it ends with the test.
func (c *Clock) Server(env ...string) *Server {
	c.t.Helper()
	s, err := startServer(c.t.Context(), c.t.TempDir(), append(env, c.Env), c.Binary, "server", "start")
	return tended(c.t, s, err)
}
