package term

import (
	"fmt"
	"sync"
	"time"
)

const (
	spinnerDelay = 200 * time.Millisecond // quick work shows nothing
	spinnerTick  = 100 * time.Millisecond
	clearLine    = "\r\x1b[K"
)

// Spin shows on Err that something is going on, until stop is called. Where Err
// is not a terminal it shows nothing.
func (s *Streams) Spin(text string) (stop func()) {
	if !s.ErrIsTerminal() || s.dumb() {
		return func() {}
	}
	end := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() { s.spin(text, end) })
	return sync.OnceFunc(func() {
		close(end)
		running.Wait()
	})
}

func (s *Streams) spin(text string, end <-chan struct{}) {
	frames := []rune("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")
	next := time.NewTimer(spinnerDelay)
	defer next.Stop()
	for i := 0; ; i++ {
		select {
		case <-end:
			if i > 0 {
				fmt.Fprint(s.Err, clearLine)
			}
			return
		case <-next.C:
			fmt.Fprintf(s.Err, "%s%c %s", clearLine, frames[i%len(frames)], text)
			next.Reset(spinnerTick)
		}
	}
}
