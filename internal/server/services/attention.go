package services

import (
	"time"

	"github.com/usherhq/usher/internal/server/core"
)

// attention is since when a server has been hearing its clients without a break. Nothing
// is heard by one that does not run, is paused with its machine or has lost its database,
// and nothing is known of times when the clock was set; who was silent then was not.
type attention struct {
	core *core.Core
	from time.Time
	last time.Time // when it was asked for
}

// longestTurn is how late a turn may be before the server must have slept.
const longestTurn = time.Minute

func attend(c *core.Core) *attention {
	now := wall(c)
	return &attention{core: c, from: now, last: now}
}

// since is asked for at every turn.
func (a *attention) since() time.Time {
	now := wall(a.core)
	if slept := now.Sub(a.last); slept > longestTurn || slept < 0 {
		a.from = now
	}
	a.last = now
	return a.from
}

// lost begins anew, after the database could not be reached.
func (a *attention) lost() { a.from = a.last }

// wall is the time without its monotonic part, which stands still while a machine sleeps.
func wall(c *core.Core) time.Time { return c.Clock().Round(0) }
