package report

import (
	"context"
	"sync"
	"time"

	"github.com/usherhq/usher/internal/api"
)

// queue gathers items and hands them to send in batches, in order.
type queue[T any] struct {
	interval time.Duration // how long the first item of a batch waits for others
	maxBatch int           // in size units
	maxQueue int
	size     func(T) int
	send     func(context.Context, []T) error
	failed   func(n int, err error) // told of items that were given up

	mu      sync.Mutex
	items   []T
	held    int           // size units queued or being sent
	room    chan struct{} // closed and replaced when held shrinks
	added   chan struct{} // holds one token when there are items
	drained chan struct{} // closed and replaced when nothing is held
}

func newQueue[T any](q *queue[T]) *queue[T] {
	q.room, q.added, q.drained = make(chan struct{}), make(chan struct{}, 1), make(chan struct{})
	return q
}

// add queues an item and says whether there was room for it.
func (q *queue[T]) add(item T) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.held > 0 && q.held+q.size(item) > q.maxQueue {
		return false
	}
	q.items = append(q.items, item)
	q.held += q.size(item)
	select {
	case q.added <- struct{}{}:
	default:
	}
	return true
}

// addWhenRoom is add that waits for room.
func (q *queue[T]) addWhenRoom(ctx context.Context, item T) error {
	for {
		q.mu.Lock()
		room := q.room
		q.mu.Unlock()
		if q.add(item) {
			return nil
		}
		select {
		case <-room:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// run sends batches until ctx ends; what is queued then is for flush.
func (q *queue[T]) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-q.added:
		}
		if Pause(ctx, q.interval) != nil {
			return
		}
		q.sendAll(ctx)
	}
}

func (q *queue[T]) sendAll(ctx context.Context) {
	for ctx.Err() == nil {
		batch, size := q.take()
		if len(batch) == 0 {
			return
		}
		err := Persist(ctx, func() error { return q.send(ctx, batch) })
		if err != nil && ctx.Err() != nil {
			q.giveBack(batch)
			return
		}
		if err != nil {
			q.failed(len(batch), err)
		}
		q.release(size)
	}
}

func (q *queue[T]) take() (batch []T, size int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := 0
	for n < len(q.items) && (n == 0 || size+q.size(q.items[n]) <= q.maxBatch) {
		size += q.size(q.items[n])
		n++
	}
	batch = q.items[:n:n]
	q.items = q.items[n:]
	return batch, size
}

func (q *queue[T]) giveBack(batch []T) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.items = append(batch, q.items...)
}

func (q *queue[T]) release(size int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.held -= size
	close(q.room)
	q.room = make(chan struct{})
	if q.held == 0 {
		close(q.drained)
		q.drained = make(chan struct{})
	}
}

// settled waits until everything queued so far, and since, has been taken by the API.
func (q *queue[T]) settled(ctx context.Context) error {
	q.mu.Lock()
	held, drained := q.held, q.drained
	q.mu.Unlock()
	if held == 0 {
		return nil
	}
	select {
	case <-drained:
		return nil
	case <-ctx.Done():
		return api.Errorf(api.CodeUnavailable, "not everything reported was taken by the API: %w", ctx.Err())
	}
}

// idle says that nothing waits to be sent.
func (q *queue[T]) idle() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.held == 0
}

// flush sends what is left after run has ended.
func (q *queue[T]) flush(ctx context.Context) { q.sendAll(ctx) }
