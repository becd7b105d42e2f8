package worker

import (
	"sync"
	"time"
)

// stage is something that begins once, for everybody who waits for it.
type stage struct {
	once  *sync.Once
	begun chan struct{}
}

func newStage() stage { return stage{once: new(sync.Once), begun: make(chan struct{})} }

// begin begins the stage and says whether this call did it.
func (s stage) begin() (first bool) {
	s.once.Do(func() {
		close(s.begun)
		first = true
	})
	return first
}

func (s stage) isBegun() bool {
	select {
	case <-s.begun:
		return true
	default:
		return false
	}
}

// lastPoll remembers when the worker last asked for runs.
type lastPoll struct {
	mu sync.Mutex
	at time.Time
}

func (l *lastPoll) set(at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.at = at
}

func (l *lastPoll) get() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.at
}
