package sqlite

import (
	"sync"
	"sync/atomic"
	"time"

	"zombiezen.com/go/sqlite"
)

const (
	// checkpointPages is how many pages may wait in the log before they are moved. Most
	// commits change the same ones, and each is moved once.
	checkpointPages = 4000
	// restartPages is the length of the log from which the writer helps: the log starts
	// over only when a commit finds everything moved, and commits came too fast for that.
	restartPages = checkpointPages
	// truncatePages is the length from which the writer waits for the readers that keep
	// the log from starting over, but not for longer than truncatePatience.
	truncatePages    = 4 * checkpointPages
	truncatePatience = 100 * time.Millisecond
	// farBehind is how many times too late a checkpoint may be before the writer makes it,
	// so that the log can't grow faster than it is moved.
	farBehind = 8
)

// checkpointer moves the write-ahead log into the database file while the writer goes
// on. It sleeps until so many commits were made that the log must be long.
type checkpointer struct {
	path string
	conn *sqlite.Conn // opened when first needed
	wake chan struct{}
	done chan struct{}

	commits atomic.Int64 // since the last checkpoint
	due     atomic.Int64 // commits that wake it
	pages   atomic.Int64 // in the log after the last checkpoint
	moving  sync.Mutex   // held during a checkpoint
}

func startCheckpointer(path string) *checkpointer {
	c := &checkpointer{path: path, wake: make(chan struct{}, 1), done: make(chan struct{})}
	c.due.Store(8)
	go c.run()
	return c
}

// committed is told of every commit.
func (c *checkpointer) committed() {
	if c.commits.Add(1) < c.due.Load() {
		return
	}
	select {
	case c.wake <- struct{}{}:
	default: // it is at work
	}
}

// A checkpoint that fails leaves the log as it is: it is tried again after the next
// commit, and a disk that is really broken fails the commits themselves.
func (c *checkpointer) run() {
	defer close(c.done)
	for range c.wake {
		commits, pages, err := c.checkpoint()
		if err != nil {
			continue
		}
		c.due.Store(min(dueAfter(pages, c.pages.Swap(pages), commits), 2*c.due.Load()))
	}
	if c.conn != nil {
		_ = c.conn.Close() // it holds nothing that is not on the disk
	}
}

// dueAfter estimates how many commits fill checkpointPages, from the pages that the
// last ones added to the log. Commits that came during the checkpoint blur it, so the
// estimate is followed step by step.
func dueAfter(pages, before, commits int64) int64 {
	added := pages - before
	if added < 0 {
		added = pages // the log has started over
	}
	perCommit := max(1, added/max(1, commits))
	return max(1, checkpointPages/perCommit)
}

// checkpoint returns how many commits came since the one before, and how many pages the
// log has.
func (c *checkpointer) checkpoint() (commits, pages int64, err error) {
	c.moving.Lock()
	defer c.moving.Unlock()
	if c.conn == nil {
		if c.conn, err = openConn(c.path, "", checkpointPragmas); err != nil {
			return 0, 0, err
		}
	}
	commits = c.commits.Swap(0)
	pages, err = moveLog(c.conn, "passive")
	return commits, pages, err
}

// help is called by the writer between commits. Most of a long log has been moved
// already; moving the rest while nobody writes lets the next commit start it over.
func (c *checkpointer) help(conn *sqlite.Conn) {
	pages := c.pages.Load()
	if pages < restartPages && c.commits.Load() < farBehind*c.due.Load() {
		return
	}
	c.moving.Lock()
	defer c.moving.Unlock()
	c.pages.Store(0)
	c.commits.Store(0)
	how := "passive"
	if pages >= truncatePages {
		how = "truncate"
		conn.SetBusyTimeout(truncatePatience)
		defer conn.SetBusyTimeout(busyPatience)
	}
	_, _ = moveLog(conn, how) // tried again after the next checkpoint
}

func moveLog(conn *sqlite.Conn, how string) (pages int64, err error) {
	stmt, _, err := conn.PrepareTransient("pragma wal_checkpoint(" + how + ")")
	if err != nil {
		return 0, err
	}
	defer func() { _ = stmt.Finalize() }() // repeats the error of the step
	if _, err := stmt.Step(); err != nil {
		return 0, err
	}
	return stmt.ColumnInt64(1), nil
}

// stop must not be called before the last commit.
func (c *checkpointer) stop() {
	close(c.wake)
	<-c.done
}
