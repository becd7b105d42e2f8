// Package timed reads logs whose lines begin with the time at which they were printed, as
// container engines and clusters give them, so that reading can go on where it broke off.
package timed

import (
	"bufio"
	"errors"
	"io"
	"time"
)

// Lines hands on the lines after the time since, without their times, until the log ends. It
// returns the time of the last line.
func Lines(log io.Reader, since time.Time, line func(text []byte)) (last time.Time, err error) {
	lines := bufio.NewReader(log)
	for last = since; ; {
		text, err := lines.ReadBytes('\n')
		if len(text) > 0 {
			at, rest := stamped(text)
			if at.After(since) || at.IsZero() {
				line(rest)
			}
			if at.After(last) {
				last = at
			}
		}
		if errors.Is(err, io.EOF) {
			return last, nil
		}
		if err != nil {
			return last, err
		}
	}
}

// stamped takes the time off a line.
func stamped(line []byte) (time.Time, []byte) {
	for i, b := range line {
		if b != ' ' {
			continue
		}
		if at, err := time.Parse(time.RFC3339Nano, string(line[:i])); err == nil {
			return at, line[i+1:]
		}
		break
	}
	return time.Time{}, line
}
