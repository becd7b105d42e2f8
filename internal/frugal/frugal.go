// Package frugal is what a server or worker does to need little of the machine while little is asked
// of it: no second processor, no timers to the microsecond, no collecting of a few megabytes
// of garbage. docs/adr/0015-frugal-at-rest.md has the reasons and what it brought.
package frugal

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"time"
)

// spareMemory is reserved and never touched, so it takes no memory of the machine. The
// garbage collector counts it: it runs when garbage of this size has gathered, instead of
// after every few hundred requests of a server whose own data is a few megabytes.
const spareMemory = 8 << 20

// Run keeps the process frugal until ctx ends. A process runs it once, when it has started:
// what starting needed is given back to the system.
func Run(ctx context.Context) {
	giveBack()
	spare := make([]byte, spareMemory)
	defer runtime.KeepAlive(spare)
	if os.Getenv("GOMAXPROCS") == "" && runtime.GOMAXPROCS(0) > 1 {
		govern(ctx)
	}
	<-ctx.Done()
}

// Rest gives back, until ctx ends, what each spell of work needed, and looks for it so seldom
// that looking costs nothing: for processes whose work is mostly that of others, as a worker's is.
func Rest(ctx context.Context) {
	const look = 2 * time.Second
	giveBack()
	before, ok := used()
	if !ok {
		return
	}
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	for n := (nap{patience: 1}); ; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			after, _ := used()
			if n.begins(after-before, float64(after-before)/float64(look)) {
				giveBack()
			}
			before = after
		}
	}
}

// giveBack gives the system back what is not needed now.
func giveBack() {
	debug.FreeOSMemory()
	forgetCode()
}

// How the number of processors follows the work: it is looked at every look. One is enough
// until it is used for more than crowded of the time; all are too many once they were used
// for less than calm of one for as many looks as patience.
const (
	look     = 50 * time.Millisecond
	crowded  = 0.85
	calm     = 0.6
	patience = 40
)

// govern lets the process use one processor while one suffices. Go wakes an idle one
// whenever something becomes ready, which then looks for more to do; with a request at a
// time this costs more than a small request itself.
func govern(ctx context.Context) {
	before, ok := used()
	if !ok {
		return
	}
	runtime.GOMAXPROCS(1)
	defer runtime.SetDefaultGOMAXPROCS()
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	g, n, at := governor{}, nap{patience: patience}, time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			after, _ := used()
			took := after - before
			share := float64(took) / float64(max(now.Sub(at), 1))
			before, at = after, now
			if n.begins(took, share) {
				giveBack()
			}
			switch wide := g.wide; {
			case g.judge(share) == wide:
			case g.wide:
				runtime.SetDefaultGOMAXPROCS()
			default:
				runtime.GOMAXPROCS(1)
			}
		}
	}
}

// governor remembers what was seen.
type governor struct {
	wide  bool // all processors are in use
	quiet int  // looks in a row that found little to do
}

// judge takes the CPU time used since the last look, in processors, and returns whether all
// processors are to be used from now on.
func (g *governor) judge(share float64) bool {
	switch {
	case !g.wide:
		g.wide, g.quiet = share > crowded, 0
	case share >= calm:
		g.quiet = 0
	default:
		g.quiet++
		g.wide = g.quiet < patience
	}
	return g.wide
}

// nap tells when work is over: what it needed is given back then. It is over when less than
// still of a processor was used for some looks in a row; work that took less than
// worthwhile is not worth the trouble.
type nap struct {
	patience int           // looks
	worked   time.Duration // since something was given back
	quiet    int           // looks in a row that found nothing to do
}

const (
	still      = 0.05
	worthwhile = time.Second / 2
)

// begins takes what was used since the last look, in time and in processors.
func (n *nap) begins(used time.Duration, share float64) bool {
	n.worked += used
	if share > still {
		n.quiet = 0
		return false
	}
	if n.quiet++; n.quiet < n.patience || n.worked < worthwhile {
		return false
	}
	*n = nap{patience: n.patience}
	return true
}
