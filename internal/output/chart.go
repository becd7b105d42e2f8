package output

import (
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"
)

// Bar is one line of a chart of what happened when. Without an end it goes on; without a
// start it has not begun.
type Bar struct {
	Label      string
	Start, End time.Time
	Note       string
	Tone       Tone
}

// The least that a chart gives to its parts, in columns.
const (
	leastChart = 10
	leastLabel = 8
)

// Chart draws bars below each other on one scale, in the width of the terminal.
func Chart(p *Printer, bars []Bar) error {
	from, to := span(bars, p.now())
	labels, notes := 0, 0
	for _, b := range bars {
		labels, notes = max(labels, ansi.StringWidth(b.Label)), max(notes, ansi.StringWidth(b.Note))
	}
	width := p.streams.Width()
	labels = max(leastLabel, min(labels, width/3))
	room := max(leastChart, width-labels-notes-4)
	for _, b := range bars {
		label := ansi.Truncate(Flat(b.Label), labels, "…")
		line := label + strings.Repeat(" ", max(0, labels-ansi.StringWidth(label))) + "  "
		drawn := b.draw(from, to, room, p.now())
		line += p.Paint(drawn, b.Tone) + strings.Repeat(" ", max(0, room-ansi.StringWidth(drawn))) + "  " + b.Note
		if err := p.Line(strings.TrimRight(line, " ")); err != nil {
			return err
		}
	}
	return nil
}

// span is the time from the first start to the last end.
func span(bars []Bar, now time.Time) (from, to time.Time) {
	for _, b := range bars {
		if b.Start.IsZero() {
			continue
		}
		if from.IsZero() || b.Start.Before(from) {
			from = b.Start
		}
		if end := b.until(now); end.After(to) {
			to = end
		}
	}
	return from, to
}

func (b Bar) until(now time.Time) time.Time {
	if b.End.IsZero() {
		return now
	}
	return b.End
}

// draw is the bar, at least one block long, with what goes on open at its end.
func (b Bar) draw(from, to time.Time, room int, now time.Time) string {
	if b.Start.IsZero() {
		return ""
	}
	column := func(t time.Time) int {
		if !to.After(from) {
			return 0
		}
		return min(room, int(float64(t.Sub(from))/float64(to.Sub(from))*float64(room)+0.5))
	}
	first := min(column(b.Start), room-1)
	length := max(1, column(b.until(now))-first)
	blocks := strings.Repeat("█", length)
	if b.End.IsZero() {
		blocks = strings.Repeat("█", length-1) + "▶"
	}
	return strings.Repeat(" ", first) + blocks
}

// Sparkline draws numbers as blocks of one to eight eighths; a negative one is a gap.
func Sparkline(numbers []float64) string {
	if len(numbers) == 0 {
		return ""
	}
	blocks := []rune("▁▂▃▄▅▆▇█")
	most := slices.Max(numbers)
	line := make([]rune, len(numbers))
	for i, n := range numbers {
		switch {
		case n < 0:
			line[i] = ' '
		case most <= 0:
			line[i] = blocks[0]
		default:
			line[i] = blocks[min(len(blocks)-1, int(n/most*float64(len(blocks))))]
		}
	}
	return string(line)
}
