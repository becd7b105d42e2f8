package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
	"github.com/usherhq/usher/internal/store/storetest"
	"github.com/usherhq/usher/internal/testkit"
)

var errOnPurpose = errors.New("on purpose")

func TestOneFailingWriterSparesTheOthers(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		const writers = 60
		var want []string
		var group sync.WaitGroup
		for i := range writers {
			name := fmt.Sprintf("flow %02d", i)
			if i%3 > 0 {
				want = append(want, name)
			}
			group.Go(func() {
				if err := s.Write(t.Context(), store.DefaultWorkspace, troubledWriter(i, name)); !expected(i, err) {
					t.Errorf("writer %d: %v", i, err)
				}
			})
		}
		group.Wait()
		if diff := cmp.Diff(want, flowNames(t, s)); diff != "" {
			t.Error(diff)
		}
	})
}

// troubledWriter adds a flow; every third one then fails, by itself or by a constraint.
func troubledWriter(i int, name string) func(*store.Tx) error {
	return func(tx *store.Tx) error {
		if err := insertFlow(tx, uuid.New(), name); err != nil {
			return err
		}
		switch i % 6 {
		case 0:
			return errOnPurpose
		case 3:
			return insertFlow(tx, uuid.New(), name)
		}
		return nil
	}
}

func expected(i int, err error) bool {
	switch i % 6 {
	case 0:
		return errors.Is(err, errOnPurpose)
	case 3:
		return errors.Is(err, store.ErrConflict)
	}
	return err == nil
}

func TestAPanicReachesItsCallerAndNobodyElse(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		func() {
			defer func() {
				if recover() != "oops" {
					t.Error("the panic did not reach the caller")
				}
			}()
			_ = s.Write(t.Context(), store.DefaultWorkspace, func(tx *store.Tx) error {
				if err := insertFlow(tx, uuid.New(), "undone"); err != nil {
					return err
				}
				panic("oops")
			})
		}()
		storetest.Write(t, s, func(tx *store.Tx) error { return insertFlow(tx, uuid.New(), "kept") })
		if diff := cmp.Diff([]string{"kept"}, flowNames(t, s)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestEightWritersAreNeverRefusedAndLoseNoUpdate(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		const writers, times = 8, 25
		storetest.Write(t, s, func(tx *store.Tx) error {
			_, err := tx.Exec(`insert into concurrency_limit_v2 (workspace_id, id, created, updated, name, "limit") values (?, ?, 0, 0, 'x', 0)`, tx.Workspace(), uuid.New())
			return err
		})
		var group sync.WaitGroup
		for range writers {
			group.Go(func() {
				for range times {
					if err := s.Write(t.Context(), store.DefaultWorkspace, takeSlot); err != nil {
						t.Error(err)
					}
				}
			})
		}
		group.Wait()
		var slots int
		storetest.Read(t, s, func(tx *store.Tx) error {
			return tx.QueryRow("select active_slots from concurrency_limit_v2", nil, &slots)
		})
		if slots != writers*times {
			t.Errorf("%d slots taken, want %d", slots, writers*times)
		}
	})
}

// takeSlot reads and then writes what it read.
func takeSlot(tx *store.Tx) error {
	var slots int
	if err := tx.QueryRow("select active_slots from concurrency_limit_v2"+tx.D().ForUpdate(), nil, &slots); err != nil {
		return err
	}
	_, err := tx.Exec("update concurrency_limit_v2 set active_slots = ?", slots+1)
	return err
}

func TestReadersSeeOneCommittedStateAndWaitForNoWriter(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		wrote, goOn, done := make(chan bool), make(chan bool), make(chan error)
		go func() {
			done <- s.Write(t.Context(), store.DefaultWorkspace, func(tx *store.Tx) error {
				err := insertFlow(tx, uuid.New(), "new")
				wrote <- true
				<-goOn
				return err
			})
		}()
		<-wrote
		storetest.Read(t, s, func(tx *store.Tx) error {
			if n := countFlows(t, tx); n != 0 {
				t.Errorf("a reader sees %d flows that are not committed", n)
			}
			goOn <- true
			if err := <-done; err != nil {
				return err
			}
			if n := countFlows(t, tx); n != 0 {
				t.Errorf("the snapshot has changed: %d flows", n)
			}
			return nil
		})
		if diff := cmp.Diff([]string{"new"}, flowNames(t, s)); diff != "" {
			t.Error(diff)
		}
	})
}

func countFlows(t *testing.T, tx *store.Tx) (n int) {
	t.Helper()
	if err := tx.QueryRow("select count(*) from flow", nil, &n); err != nil {
		t.Error(err)
	}
	return n
}

func TestReadersCannotWrite(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		err := s.Read(t.Context(), store.DefaultWorkspace, func(tx *store.Tx) error { return insertFlow(tx, uuid.New(), "x") })
		if err == nil {
			t.Error("a reader has written")
		}
	})
}

func TestACancelledCallerIsNotServed(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errOnPurpose)
		never := func(*store.Tx) error {
			t.Error("it was served")
			return nil
		}
		if err := s.Write(ctx, store.DefaultWorkspace, never); !errors.Is(err, errOnPurpose) {
			t.Errorf("write: %v", err)
		}
		if err := s.Read(ctx, store.DefaultWorkspace, never); !errors.Is(err, errOnPurpose) {
			t.Errorf("read: %v", err)
		}
	})
}

func TestACallerLeavesTheQueueOfTheWriter(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, storetest.SQLiteURL(t))
	started, goOn, first, second := make(chan bool), make(chan bool), make(chan error), make(chan error)
	go func() {
		first <- s.Write(t.Context(), store.DefaultWorkspace, func(*store.Tx) error {
			close(started)
			<-goOn
			return nil
		})
	}()
	<-started
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		second <- s.Write(ctx, store.DefaultWorkspace, func(tx *store.Tx) error { return insertFlow(tx, uuid.New(), "x") })
	}()
	cancel()
	if err := <-second; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	close(goOn)
	if err := <-first; err != nil {
		t.Error(err)
	}
	if got := flowNames(t, s); len(got) != 0 {
		t.Errorf("the abandoned write has landed: %q", got)
	}
}

func TestCallersWhoLeftDoNotBlockTheQueue(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, storetest.SQLiteURL(t))
	started, goOn, first := make(chan bool), make(chan bool), make(chan error)
	go func() {
		first <- s.Write(t.Context(), store.DefaultWorkspace, func(*store.Tx) error {
			close(started)
			<-goOn
			return nil
		})
	}()
	<-started
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	var left sync.WaitGroup
	for range 300 { // more than the queue holds
		left.Go(func() {
			if err := s.Write(ctx, store.DefaultWorkspace, func(*store.Tx) error { return nil }); err == nil {
				t.Error("a caller whose time was over was served")
			}
		})
	}
	left.Wait()
	close(goOn)
	if err := <-first; err != nil {
		t.Error(err)
	}
	storetest.Write(t, s, func(tx *store.Tx) error { return insertFlow(tx, uuid.New(), "x") })
}

func TestALongReadEndsWithItsCaller(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		ctx, cancel := context.WithCancelCause(t.Context())
		err := s.Read(ctx, store.DefaultWorkspace, func(tx *store.Tx) error {
			return tx.Query("with recursive n (i) as (select 1 union all select i + 1 from n where i < 1000000000) select i from n", nil, func(*store.Row) error {
				cancel(errOnPurpose)
				return nil
			})
		})
		if !errors.Is(err, errOnPurpose) {
			t.Errorf("got %v", err)
		}
		if err := s.Ping(t.Context()); err != nil {
			t.Errorf("the connection is spoilt: %v", err)
		}
	})
}

func TestAClosedStoreSaysSo(t *testing.T) {
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, url string) {
		s, err := store.Open(t.Context(), store.Config{URL: url})
		if err != nil {
			t.Fatal(err)
		}
		storetest.Write(t, s, func(tx *store.Tx) error { return insertFlow(tx, uuid.New(), "x") })
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("a second close: %v", err)
		}
		for name, err := range map[string]error{
			"write": s.Write(t.Context(), store.DefaultWorkspace, func(*store.Tx) error { return nil }),
			"read":  s.Ping(t.Context()),
		} {
			if api.CodeOf(err) != api.CodeUnavailable {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestDeadlocksAreRepeated(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, testkit.PostgresURL(t))
	storetest.Write(t, s, func(tx *store.Tx) error {
		return errors.Join(insertFlow(tx, uuid.UUID{1}, "one"), insertFlow(tx, uuid.UUID{2}, "two"))
	})
	var both, group sync.WaitGroup // both: until each holds its first lock
	both.Add(2)
	runs := make([]int, 2)
	for i, order := range [][]uuid.UUID{{{1}, {2}}, {{2}, {1}}} {
		group.Go(func() {
			err := s.Write(t.Context(), store.DefaultWorkspace, func(tx *store.Tx) error {
				runs[i]++
				if err := touchFlow(tx, order[0]); err != nil {
					return err
				}
				if runs[i] == 1 {
					both.Done()
					both.Wait()
				}
				return touchFlow(tx, order[1])
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if slices.Max(runs) < 2 {
		t.Errorf("no deadlock happened: %v", runs)
	}
	if got := strings.Join(touched(t, s), ", "); got != "one 2, two 2" {
		t.Errorf("got %s", got)
	}
}

func touchFlow(tx *store.Tx, id uuid.UUID) error {
	_, err := tx.Exec("update flow set updated = updated + 1 where id = ?", id)
	return err
}

func touched(t *testing.T, s *store.Store) (flows []string) {
	t.Helper()
	storetest.Read(t, s, func(tx *store.Tx) error {
		return tx.Query("select name, updated from flow order by name", nil, func(row *store.Row) error {
			var name string
			var n int
			err := row.Scan(&name, &n)
			flows = append(flows, fmt.Sprint(name, " ", n))
			return err
		})
	})
	return flows
}

func TestLostConnectionsAreReplaced(t *testing.T) {
	t.Parallel()
	url := testkit.PostgresURL(t)
	s, rival := storetest.Open(t, url), storetest.Open(t, url)
	fillPool(t, s)
	endOthers := func(tx *store.Tx) error {
		return tx.Query("select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and usename = current_user", nil, func(*store.Row) error { return nil })
	}
	storetest.Write(t, rival, endOthers)
	storetest.Write(t, s, func(tx *store.Tx) error { return insertFlow(tx, uuid.New(), "after") })
	err := s.Write(t.Context(), store.DefaultWorkspace, func(tx *store.Tx) error {
		if err := insertFlow(tx, uuid.New(), "lost"); err != nil {
			return err
		}
		storetest.Write(t, rival, endOthers)
		return insertFlow(tx, uuid.New(), "never")
	})
	if api.CodeOf(err) != api.CodeUnavailable {
		t.Errorf("a connection lost in a transaction: %v", err)
	}
	if diff := cmp.Diff([]string{"after"}, flowNames(t, s)); diff != "" {
		t.Error(diff)
	}
}

// fillPool makes a store open several connections.
func fillPool(t *testing.T, s *store.Store) {
	t.Helper()
	var all, group sync.WaitGroup
	all.Add(4)
	for range 4 {
		group.Go(func() {
			storetest.Read(t, s, func(*store.Tx) error {
				all.Done()
				all.Wait()
				return nil
			})
		})
	}
	group.Wait()
}
