package output

import (
	"bufio"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"
)

const (
	gap          = "  "
	minCellWidth = 10 // a cut cell is never narrower
	stackWidth   = 40 // on a narrower terminal a name says more than properties cut to pieces
)

// sheet is a table laid out for a terminal: text that fits, and how to colour it.
type sheet struct {
	heads  []string
	right  []bool
	whole  []bool
	rank   []int
	shown  []int // which of the columns these are
	widths []int
	cells  [][]string
	tones  [][]Tone
}

func (t table) write(p *Printer) error {
	if t.n == 0 {
		return nil
	}
	s := t.fill(p.now())
	if !s.fit(p.streams.Width()) {
		return t.stack(p)
	}
	return s.write(p)
}

func (t table) fill(now time.Time) *sheet {
	s := &sheet{}
	for i, column := range t.columns {
		s.shown = append(s.shown, i)
		s.heads = append(s.heads, strings.ToUpper(column.Name))
		s.right = append(s.right, column.Right)
		s.whole = append(s.whole, column.Whole)
		s.rank = append(s.rank, column.Rank)
	}
	for item := range t.n {
		cells := make([]string, len(t.columns))
		tones := make([]Tone, len(t.columns))
		for i, column := range t.columns {
			cells[i] = Flat(column.human(item, now))
			tones[i] = column.tone(item)
		}
		s.cells = append(s.cells, cells)
		s.tones = append(s.tones, tones)
	}
	s.measure()
	return s
}

// Flat makes text safe for one cell: one line, and no control sequence from
// someone else's data reaches the terminal.
func Flat(text string) string {
	clean := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0) {
			return ' '
		}
		return r
	}, ansi.Strip(text))
	return strings.TrimRight(clean, " ")
}

func (s *sheet) measure() {
	s.widths = make([]int, len(s.heads))
	for i, head := range s.heads {
		s.widths[i] = ansi.StringWidth(head)
		for _, row := range s.cells {
			s.widths[i] = max(s.widths[i], ansi.StringWidth(row[i]))
		}
	}
}

// fit makes the table no wider than width: it leaves out the columns that matter
// least as long as the rest can't be cut enough, and cuts the widest cells. It
// reports whether that worked: where a long name left it alone, it says too little.
func (s *sheet) fit(width int) bool {
	several := len(s.heads) > 1
	for s.narrowest() > width {
		if !s.drop() {
			return false
		}
	}
	if several && len(s.heads) == 1 && width >= stackWidth {
		return false
	}
	for s.total() > width {
		i := s.widest()
		s.widths[i]--
	}
	return true
}

func (s *sheet) total() int {
	sum := len(gap) * (len(s.widths) - 1)
	for _, w := range s.widths {
		sum += w
	}
	return sum
}

func (s *sheet) narrowest() int {
	sum := len(gap) * (len(s.widths) - 1)
	for i := range s.widths {
		sum += s.least(i)
	}
	return sum
}

// least is the smallest width that column i can be cut to.
func (s *sheet) least(i int) int {
	if s.whole[i] {
		return s.widths[i]
	}
	return min(s.widths[i], max(minCellWidth, ansi.StringWidth(s.heads[i])))
}

func (s *sheet) widest() int {
	best := -1
	for i, w := range s.widths {
		if w > s.least(i) && (best < 0 || w > s.widths[best]) {
			best = i
		}
	}
	return best
}

// drop leaves out the column of the highest rank, the last one of equals.
func (s *sheet) drop() bool {
	worst := -1
	for i, rank := range s.rank {
		if rank > 0 && (worst < 0 || rank >= s.rank[worst]) {
			worst = i
		}
	}
	if worst < 0 {
		return false
	}
	s.heads = without(s.heads, worst)
	s.right = without(s.right, worst)
	s.whole = without(s.whole, worst)
	s.rank = without(s.rank, worst)
	s.shown = without(s.shown, worst)
	s.widths = without(s.widths, worst)
	for i := range s.cells {
		s.cells[i] = without(s.cells[i], worst)
		s.tones[i] = without(s.tones[i], worst)
	}
	return true
}

func without[E any](list []E, i int) []E {
	return append(list[:i:i], list[i+1:]...)
}

func (s *sheet) write(p *Printer) error {
	w := bufio.NewWriter(p.streams.Out)
	paint := p.painter()
	s.line(w, s.heads, func(text string, _ int) string { return paint(text, Heading) })
	s.rows(w, paint)
	return w.Flush()
}

func (s *sheet) rows(w *bufio.Writer, paint func(string, Tone) string) {
	for row, cells := range s.cells {
		s.line(w, cells, func(text string, i int) string { return paint(text, s.tones[row][i]) })
	}
}

func (s *sheet) line(w *bufio.Writer, cells []string, paint func(string, int) string) {
	for i, cell := range cells {
		if i > 0 {
			_, _ = w.WriteString(gap) // bufio keeps the error for Flush
		}
		text := ansi.Truncate(cell, s.widths[i], "…")
		pad := strings.Repeat(" ", s.widths[i]-ansi.StringWidth(text))
		switch {
		case s.right[i] && (text != "" || i < len(cells)-1):
			_, _ = w.WriteString(pad + paint(text, i))
		case i == len(cells)-1:
			_, _ = w.WriteString(paint(text, i))
		default:
			_, _ = w.WriteString(paint(text, i) + pad)
		}
	}
	_ = w.WriteByte('\n')
}
