package term

import (
	"fmt"
	"strings"
	"time"
)

// barCells is how long a full bar is, and barTick how often it is drawn.
const (
	barCells = 30
	barTick  = 100 * time.Millisecond
)

// Bar shows on Err how far a long work has come, each time show is called, until stop is.
// Where Err is not a terminal it shows nothing.
func (s *Streams) Bar() (show func(what string, done, total int64), stop func()) {
	if !s.ErrIsTerminal() || s.dumb() {
		return func(string, int64, int64) {}, func() {}
	}
	var drawn time.Time
	show = func(what string, done, total int64) {
		if now := time.Now(); now.Sub(drawn) >= barTick {
			drawn = now
			fmt.Fprint(s.Err, clearLine+bar(what, done, total))
		}
	}
	return show, func() { fmt.Fprint(s.Err, clearLine) }
}

func bar(what string, done, total int64) string {
	full := int(barCells * done / max(1, total))
	return fmt.Sprintf("%s%s %3d%%  %s", strings.Repeat("█", full), strings.Repeat("░", barCells-full), 100*done/max(1, total), what)
}
