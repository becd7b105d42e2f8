package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/usherhq/usher/internal/testkit"
)

func TestReportCountsMissedBars(t *testing.T) {
	t.Parallel()
	results := []result{
		{what: "fast enough", unit: duration, ours: 0.01, theirs: 1, ratio: 60},
		{what: "too slow", unit: duration, ours: 0.02, theirs: 1, ratio: 60},
		{what: "small enough", unit: percent, ours: 0.001, theirs: 0.1, limit: new(0.003)},
		{what: "too large", unit: percent, ours: 0.004, theirs: 0.1, limit: new(0.003)},
		{what: "none refused", unit: percent, ours: 0, theirs: 0.9, limit: new(0.0)},
	}
	var out strings.Builder
	if missed, err := report(&out, results); missed != 2 || err != nil {
		t.Errorf("%d bars are missed, 2 should be; %v", missed, err)
	}
	for line := range strings.Lines(out.String()) {
		if strings.HasPrefix(line, "too") != strings.Contains(line, "MISSED") {
			t.Errorf("wrong verdict: %s", line)
		}
	}
}

func TestChoose(t *testing.T) {
	t.Parallel()
	all, err := choose(nil)
	if err != nil || len(all) != len(groups) {
		t.Errorf("nothing chosen means all: %v, %v", all, err)
	}
	some, err := choose([]string{"cli", "idle"})
	if err != nil || len(some) != 2 || !some["cli"] || !some["idle"] {
		t.Errorf("got %v, %v", some, err)
	}
	if _, err := choose([]string{"cli", "nothing"}); err == nil {
		t.Error("a group that does not exist was chosen")
	}
}

func TestMedian(t *testing.T) {
	t.Parallel()
	if got := median([]float64{3, 1, 2}); got != 2 {
		t.Errorf("odd: %v", got)
	}
	if got := median([]float64{4, 1, 2, 3}); got != 2.5 {
		t.Errorf("even: %v", got)
	}
}

// The reference closes connections that rest; a request that meets such a
// close is asked again.
func TestClientOutlivesClosedConnections(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go answerOnce(conn)
		}
	}()
	c := client{server: &testkit.Server{URL: "http://" + listener.Addr().String()}}
	for range 20 {
		if id, err := c.create(t.Context(), "/flows/", object{}); err != nil || id != "made" {
			t.Fatalf("got %q, %v", id, err)
		}
	}
}

// answerOnce promises to keep the connection, and closes it when the next
// request is on its way.
func answerOnce(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	req, err := http.ReadRequest(in)
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, req.Body)
	_, _ = fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"id\":\"made\"}")
	_, _ = in.Peek(1)
}

func TestUsageCountsDescendants(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("sh", "-c", "(while :; do :; done) & wait")
	p, err := testkit.StartProcess(cmd, t.TempDir()+"/log")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Kill()
	testkit.Eventually(t, 20*time.Second, func() error {
		used, err := usageOf(p.PID())
		if err == nil && used.cpu < 0.1 {
			err = os.ErrDeadlineExceeded
		}
		return err
	})
	if _, err := usageOf(1 << 30); err == nil {
		t.Error("a process that does not exist has a usage")
	}
}
