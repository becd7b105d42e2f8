package metric

import (
	"time"
)

// Levels are the minutes that one row of a rollup stands for.
var Levels = []int64{1, 15, 60, 1440}

// Range is a span of rows of one level, [From, To) in minutes of Unix time.
type Range struct{ Level, From, To int64 }

// minuteOf is the minute of a time, and whether it begins then.
func minuteOf(t time.Time) int64 { return t.Unix() / 60 }

// Slot is the row of a level that a time belongs to.
func Slot(t time.Time, level int64) int64 {
	m := minuteOf(t)
	return m - ((m%level)+level)%level
}

// ladder covers [from, to) with as few rows as there are.
func ladder(from, to int64) (out []Range) {
	for from < to {
		level := int64(1)
		for _, l := range Levels {
			if from%l == 0 && from+l <= to {
				level = l
			}
		}
		if n := len(out) - 1; n >= 0 && out[n].Level == level {
			out[n].To += level
		} else {
			out = append(out, Range{level, from, from + level})
		}
		from += level
	}
	return out
}

// Window is a span of time that is asked about, in bins.
type Window struct {
	Bins   []time.Time // when they begin
	Ranges []Range     // the rows that cover them
	from   int64
	ends   []int64
}

// Whole is the window [after, before), to the minute, as one bin.
func Whole(after, before time.Time) *Window {
	from, to := minuteOf(after), minuteOf(before.Add(time.Minute-1))
	return &Window{Bins: []time.Time{after}, Ranges: ladder(from, to), from: from, ends: []int64{to}}
}

// Binned is the window [after, before), to the minute, in bins of some minutes that begin
// where days do in a place. ok is false when there would be more bins than most.
func Binned(after, before time.Time, minutes int, in *time.Location, most int) (w *Window, ok bool) {
	from, to := minuteOf(after), minuteOf(before.Add(time.Minute-1))
	w = &Window{from: from}
	at := beginning(after.In(in), minutes)
	for minuteOf(at) < to {
		if len(w.Bins) == most {
			return nil, false
		}
		next := following(at, minutes)
		w.Bins, w.ends = append(w.Bins, at), append(w.ends, min(minuteOf(next), to))
		at = next
	}
	if len(w.ends) == 0 {
		return w, true
	}
	// The bins between the first and the last are read at one level, the largest that no
	// edge divides.
	first, last := w.ends[0], from
	if n := len(w.ends); n > 1 {
		last = w.ends[n-2]
	}
	level := int64(1)
	for _, l := range Levels {
		divides := false
		for _, end := range w.ends[:len(w.ends)-1] {
			divides = divides || end%l != 0
		}
		if !divides {
			level = l
		}
	}
	if len(w.ends) == 1 {
		w.Ranges = ladder(from, to)
		return w, true
	}
	w.Ranges = ladder(from, first)
	if first < last {
		w.Ranges = append(w.Ranges, Range{level, first, last})
	}
	w.Ranges = append(w.Ranges, ladder(last, to)...)
	return w, true
}

// beginning is when the bin begins that a time is in.
func beginning(t time.Time, minutes int) time.Time {
	day := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location())
	if minutes >= 1440 {
		return day
	}
	step := time.Duration(minutes) * time.Minute
	return day.Add(t.Sub(day).Truncate(step))
}

// following is when the next bin begins: never in the middle of another day.
func following(t time.Time, minutes int) time.Time {
	tomorrow := time.Date(t.Year(), t.Month(), t.Day()+1, 0, 0, 0, 0, t.Location())
	if minutes >= 1440 {
		return tomorrow
	}
	if next := t.Add(time.Duration(minutes) * time.Minute); next.Before(tomorrow) {
		return next
	}
	return tomorrow
}

// BinOf is the bin of a row, by the minute that it begins.
func (w *Window) BinOf(minute int64) int {
	low, high := 0, len(w.ends)
	for low < high {
		middle := (low + high) / 2
		if w.ends[middle] <= minute {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return min(low, len(w.ends)-1)
}
