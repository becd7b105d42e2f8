package store_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/store"
	"github.com/usherhq/usher/internal/store/storetest"
)

// childURL tells a copy of the test binary to be a writer on that database.
const childURL = "USHER_STORETEST_CHILD"

// TestChildWrites is no test of its own: in a child process it writes until it is
// killed, and prints each name after its write was acknowledged.
func TestChildWrites(t *testing.T) {
	url := os.Getenv(childURL)
	if url == "" {
		return
	}
	s, err := store.Open(t.Context(), store.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for range 8 {
		go writeNames(ctx, s)
	}
	<-ctx.Done()
}

func writeNames(ctx context.Context, s *store.Store) {
	for ctx.Err() == nil {
		name := uuid.NewString()
		err := s.Write(ctx, store.DefaultWorkspace, func(tx *store.Tx) error { return insertFlow(tx, uuid.New(), name) })
		if err != nil {
			fmt.Fprintln(os.Stdout, "refused:", err)
			return
		}
		fmt.Fprintln(os.Stdout, "wrote", name)
	}
}

// child starts a writer. Its acknowledged names come from the channel, which is closed
// when it has ended; stop ends it as a power cut would.
func child(t *testing.T, url string) (names <-chan string, stop func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestChildWrites$", "-test.v")
	cmd.Env = append(os.Environ(), childURL+"="+url)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	all, ended := make(chan string, 100_000), make(chan bool)
	go func() {
		defer close(ended)
		defer close(all)
		readNames(t, out, all)
		_ = cmd.Wait() // killed, of course
	}()
	stop = func() {
		_ = cmd.Process.Kill() // it may have ended
		<-ended
	}
	t.Cleanup(stop)
	return all, stop
}

func readNames(t *testing.T, out io.Reader, names chan<- string) {
	t.Helper()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		line := lines.Text()
		if name, ok := strings.CutPrefix(line, "wrote "); ok && len(name) == 36 {
			names <- name
		}
		if strings.HasPrefix(line, "refused") || strings.Contains(line, "_test.go") {
			t.Errorf("the writer says: %s", line)
		}
	}
}

// take waits for n acknowledged writes.
func take(t *testing.T, names <-chan string, n int) (acknowledged []string) {
	t.Helper()
	for name := range names {
		if acknowledged = append(acknowledged, name); len(acknowledged) == n {
			return acknowledged
		}
	}
	t.Errorf("the writer ended after %d writes", len(acknowledged))
	return acknowledged
}

func TestAcknowledgedWritesSurviveKill9(t *testing.T) {
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, url string) {
		for round := range 3 {
			names, stop := child(t, url)
			acknowledged := take(t, names, 100+37*round)
			stop()
			for name := range names {
				acknowledged = append(acknowledged, name)
			}
			s, err := store.Open(t.Context(), store.Config{URL: url})
			if err != nil {
				t.Fatalf("after kill -9: %v", err)
			}
			mustHave(t, s, acknowledged)
			mustBeSound(t, s)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestTwoProcessesShareADatabase(t *testing.T) {
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, url string) {
		acknowledged := make([][]string, 2)
		stops := make([]func(), 2)
		var group sync.WaitGroup
		for i := range acknowledged {
			names, stop := child(t, url)
			stops[i] = stop
			group.Go(func() { acknowledged[i] = take(t, names, 150) })
		}
		group.Wait()
		for _, stop := range stops {
			stop()
		}
		s := storetest.Open(t, url)
		mustHave(t, s, slices.Concat(acknowledged...))
		mustBeSound(t, s)
	})
}

func mustHave(t *testing.T, s *store.Store, acknowledged []string) {
	t.Helper()
	there := flowNames(t, s)
	for _, name := range acknowledged {
		if !slices.Contains(there, name) {
			t.Errorf("%s was acknowledged and is lost", name)
		}
	}
}

func mustBeSound(t *testing.T, s *store.Store) {
	t.Helper()
	if s.Dialect().Name() != "sqlite" {
		return
	}
	var verdict string
	storetest.Read(t, s, func(tx *store.Tx) error { return tx.QueryRow("pragma integrity_check", nil, &verdict) })
	if verdict != "ok" {
		t.Errorf("integrity check: %s", verdict)
	}
}
