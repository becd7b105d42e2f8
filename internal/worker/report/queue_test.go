package report

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/usherhq/usher/internal/api"
)

// sink takes batches, as long as it is up.
type sink struct {
	down    atomic.Bool
	refuse  bool
	batches [][]int
	lost    int
}

func (s *sink) queue(maxBatch, maxQueue int) *queue[int] {
	return newQueue(&queue[int]{
		interval: 40 * time.Millisecond, maxBatch: maxBatch, maxQueue: maxQueue, size: func(int) int { return 1 },
		send: func(_ context.Context, batch []int) error {
			switch {
			case s.down.Load():
				return api.Errorf(api.CodeUnavailable, "away")
			case s.refuse:
				return api.Errorf(api.CodeInvalid, "no")
			}
			s.batches = append(s.batches, slices.Clone(batch))
			return nil
		},
		failed: func(n int, _ error) { s.lost += n },
	})
}

// start runs the queue until the test ends.
func start(t *testing.T, q *queue[int]) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		q.run(ctx)
	}()
	return func() {
		cancel()
		<-done
	}
}

func TestItemsGoInBatchesAndInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &sink{}
		q := s.queue(3, 100)
		defer start(t, q)()
		for i := range 7 {
			q.add(i)
		}
		if err := q.settled(t.Context()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([][]int{{0, 1, 2}, {3, 4, 5}, {6}}, s.batches); diff != "" {
			t.Error(diff)
		}
		if !q.idle() {
			t.Error("the queue is not idle")
		}
	})
}

func TestAnItemIsSentWithinItsInterval(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &sink{}
		q := s.queue(10, 100)
		defer start(t, q)()
		began := time.Now()
		q.add(1)
		if err := q.settled(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > 50*time.Millisecond {
			t.Errorf("it took %s", took)
		}
	})
}

func TestAnOutageKeepsEverything(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &sink{}
		s.down.Store(true)
		q := s.queue(10, 100)
		defer start(t, q)()
		q.add(1)
		synctest.Wait()
		if err := Pause(t.Context(), time.Hour); err != nil {
			t.Fatal(err)
		}
		q.add(2)
		s.down.Store(false)
		if err := q.settled(t.Context()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]int{1, 2}, slices.Concat(s.batches...)); diff != "" || s.lost > 0 {
			t.Errorf("lost %d: %s", s.lost, diff)
		}
	})
}

func TestWhatIsRefusedIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &sink{refuse: true}
		q := s.queue(10, 100)
		defer start(t, q)()
		q.add(1)
		q.add(2)
		if err := q.settled(t.Context()); err != nil {
			t.Fatal(err)
		}
		if s.lost != 2 {
			t.Errorf("lost %d, want 2", s.lost)
		}
	})
}

func TestAFullQueueMakesWaitOrDrops(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &sink{}
		q := s.queue(10, 2)
		if !q.add(1) || !q.add(2) || q.add(3) {
			t.Fatal("the queue holds more or less than it may")
		}
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := q.addWhenRoom(short, 3); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		defer start(t, q)()
		if err := q.addWhenRoom(t.Context(), 4); err != nil {
			t.Fatal(err)
		}
		if err := q.settled(t.Context()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]int{1, 2, 4}, slices.Concat(s.batches...)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestWhatIsLeftIsFlushed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &sink{}
		s.down.Store(true)
		q := s.queue(10, 100)
		stop := start(t, q)
		q.add(1)
		if err := Pause(t.Context(), time.Second); err != nil {
			t.Fatal(err)
		}
		stop()
		s.down.Store(false)
		q.flush(t.Context())
		if diff := cmp.Diff([][]int{{1}}, s.batches); diff != "" {
			t.Error(diff)
		}
	})
}

func TestLongMessagesAreCut(t *testing.T) {
	t.Parallel()
	long := make([]byte, maxMessage+10)
	for i := range long {
		long[i] = "é"[i%2]
	}
	got := record("l", [16]byte{1}, Info, time.Unix(0, 0), string(long)).Message
	if len(got) > maxMessage || got[len(got)-len(cutMark):] != cutMark {
		t.Errorf("%d bytes, ends in %q", len(got), got[len(got)-20:])
	}
}
