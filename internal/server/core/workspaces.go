package core

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/store"
)

// workspacesKept is how long the list of workspaces is believed: another server may make
// one.
const workspacesKept = time.Second

// known is the list of workspaces as it was read last.
type known struct {
	mu   sync.Mutex
	ids  []uuid.UUID
	read time.Time
}

// EachWorkspace calls do for each workspace, as who services act there. What fails in one
// does not keep the others from theirs.
func (c *Core) EachWorkspace(ctx context.Context, do func(context.Context, Caller) error) error {
	ids, err := c.workspaceIDs(ctx)
	if err != nil {
		return err
	}
	var failed []error
	for _, id := range ids {
		if ctx.Err() != nil {
			break
		}
		failed = append(failed, do(ctx, Caller{Workspace: id}))
	}
	return errors.Join(failed...)
}

func (c *Core) workspaceIDs(ctx context.Context) ([]uuid.UUID, error) {
	c.known.mu.Lock()
	defer c.known.mu.Unlock()
	now := time.Now()
	if c.known.ids != nil && now.Sub(c.known.read) < workspacesKept {
		return c.known.ids, nil
	}
	list, err := value(ctx, c, Caller{Workspace: DefaultWorkspace}, (*store.Tx).Workspaces)
	if err != nil {
		return nil, err
	}
	ids := make([]uuid.UUID, len(list))
	for i, w := range list {
		ids[i] = w.ID
	}
	c.known.ids, c.known.read = ids, now
	return ids, nil
}
