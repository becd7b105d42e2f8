package executor

import (
	"context"
	"sync"
	"time"

	"github.com/usherhq/usher/internal/api"
)

// Quota bounds the minutes that managed runs of one workspace take in a calendar month (UTC).
// Each run counts with its minutes rounded up. A Quota is safe for concurrent use.
type Quota struct {
	// Runs lists the workspace's runs of managed pools that started after a time.
	Runs    func(ctx context.Context, after api.Time) ([]api.FlowRunResponse, error)
	Minutes int // 0 means no bound
	Now     func() time.Time

	mu      sync.Mutex
	used    int
	counted time.Time
}

// fresh is how long a count is taken for good.
const fresh = time.Minute

// Allow says whether another run may start: an error whose code is api.CodeForbidden if the
// month's minutes are used.
func (q *Quota) Allow(ctx context.Context) error {
	if q.Minutes == 0 {
		return nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if now := q.Now(); now.Sub(q.counted) > fresh {
		used, err := q.count(ctx, now)
		if err != nil {
			return err
		}
		q.used, q.counted = used, now
	}
	if q.used >= q.Minutes {
		return api.Errorf(api.CodeForbidden, "the workspace has used its %d minutes of managed execution of this month; ask the operator for more, or use a work pool with a worker of your own", q.Minutes)
	}
	return nil
}

// count adds up the month's runs of managed pools.
func (q *Quota) count(ctx context.Context, now time.Time) (minutes int, err error) {
	now = now.UTC()
	month := api.Time{Time: time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)}
	runs, err := q.Runs(ctx, month)
	for _, run := range runs {
		end := now
		if run.EndTime != nil {
			end = run.EndTime.Time
		}
		if run.StartTime != nil && end.After(run.StartTime.Time) {
			minutes += int((end.Sub(run.StartTime.Time) + time.Minute - 1) / time.Minute)
		}
	}
	return minutes, err
}
