package replica

import (
	"context"
	"time"

	"github.com/usherhq/usher/internal/server/bus"
	"github.com/usherhq/usher/internal/server/core"
)

// live gives signs of life and misses those of others. While we hear nothing, not even
// ourselves, the store is looked at every time.
func (l *Link) live(ctx context.Context) {
	l.mu.Lock()
	l.heard = time.Now()
	l.mu.Unlock()
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	warned := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		l.out.put(func(*letter) {})
		lost, deaf := l.missing(time.Now())
		if lost || deaf {
			l.doubt()
		}
		if deaf && !warned {
			l.log.Warn("what is sent through the database is not heard; if a connection pooler is in between, name the database itself")
		}
		warned = deaf
	}
}

// meet notes who is heard.
func (l *Link) meet(in letter) (isOurs, isNew bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if in.From == l.id {
		l.heard = time.Now()
		l.calls++
		return true, false
	}
	if in.Bye {
		delete(l.peers, in.From)
		return false, false
	}
	_, known := l.peers[in.From]
	l.peers[in.From] = time.Now()
	return false, !known
}

// isAlone says whether no other server works on the database: whoever does answers our
// first sign of life before we hear the second.
func (l *Link) isAlone() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.peers) == 0 && l.calls > 1 && time.Since(l.heard) < silence
}

// missing forgets the servers that have fallen silent, which may have told us less than
// they did, and says whether we are deaf.
func (l *Link) missing(now time.Time) (lost, deaf bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, seen := range l.peers {
		if now.Sub(seen) > silence {
			l.log.Warn("another server has fallen silent", "server", id)
			delete(l.peers, id)
			lost = true
		}
	}
	return lost, now.Sub(l.heard) > silence
}

// doubt lets everybody here look at the store for what was not heard.
func (l *Link) doubt() {
	b := l.core.Bus
	l.events.grew()
	l.logs.grew()
	bus.Doubt[core.RunReady](b)
	bus.Doubt[core.RunStateChanged](b)
	bus.Doubt[core.RunBrokenOff](b)
	bus.Doubt[core.TaskRunScheduled](b)
	bus.Doubt[core.CleanupAsked](b)
	bus.Doubt[core.DeploymentChanged](b)
	bus.Doubt[core.WorkPoolChanged](b)
}
