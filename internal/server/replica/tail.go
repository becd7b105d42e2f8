package replica

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/usherhq/usher/internal/store"
)

// pollEvery is how often a table is read without anybody having said that it grew.
const pollEvery = 2 * time.Second

// tail reads what any server has added to a table and hands it out here, while somebody
// here wants it.
type tail[T any] struct {
	read    func(context.Context, store.Rows) ([]store.Stored[T], error)
	last    func(ctx context.Context, n int) ([]int64, error)
	wanted  func() bool
	publish func([]store.Stored[T])
	clock   func() time.Time
	log     *slog.Logger
	grown   chan struct{}

	mu    sync.Mutex // guards place
	place *place     // nil while nobody wants anything
}

// grew says that the table has new rows.
func (t *tail[T]) grew() {
	select {
	case t.grown <- struct{}{}:
	default:
	}
}

// run follows the table until ctx ends.
func (t *tail[T]) run(ctx context.Context) {
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.grown:
		case <-poll.C:
		}
		if err := t.follow(ctx); err != nil && ctx.Err() == nil {
			t.log.Warn("what was stored can't be handed out yet", "error", err)
		}
	}
}

// start lets the tail begin at the end of the table, unless it follows already.
func (t *tail[T]) start() {
	ctx, cancel := context.WithTimeout(context.Background(), pollEvery)
	defer cancel()
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.begin(ctx); err != nil {
		t.log.Warn("what is stored can't be followed yet", "error", err)
	}
}

func (t *tail[T]) begin(ctx context.Context) error {
	if t.place != nil {
		return nil
	}
	newest, err := t.last(ctx, lookedBack)
	if err != nil {
		return err
	}
	t.place = placeAt(newest, t.clock())
	return nil
}

func (t *tail[T]) follow(ctx context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.wanted() {
		t.place = nil
		return nil
	}
	if err := t.begin(ctx); err != nil {
		return err
	}
	for {
		rows, err := t.read(ctx, t.place.ask())
		if err != nil {
			return err
		}
		seqs := make([]int64, len(rows))
		for i := range rows {
			seqs[i] = rows[i].Seq
		}
		t.place.took(seqs, t.clock())
		t.publish(rows)
		if len(rows) < rowsAtOnce {
			return nil
		}
	}
}
