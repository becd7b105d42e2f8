package top

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// column is one of a tab's.
type column struct {
	head  string
	rank  int // how soon a narrow screen leaves it out: 0 never
	least int // no text up to this width is cut as long as another column can go
}

const between = "  "

// layout is which columns there is room for, and how wide they are.
type layout struct {
	columns []column
	shown   []int
	widths  []int // of all
}

// layOut fits the columns into a width. What is too much goes first from what need not be whole,
// then whole columns go, and only then names.
func layOut(columns []column, rows [][]cell, width int) layout {
	l := layout{columns: columns, widths: make([]int, len(columns))}
	least := make([]int, len(columns))
	for i, c := range columns {
		l.shown = append(l.shown, i)
		l.widths[i] = ansi.StringWidth(c.head)
		for _, row := range rows {
			l.widths[i] = max(l.widths[i], ansi.StringWidth(safe(row[i].text)))
		}
		least[i] = min(l.widths[i], max(c.least, ansi.StringWidth(c.head)))
	}
	for l.sum(least) > width && l.drop() {
	}
	for l.sum(l.widths) > width {
		if !l.narrow(least) && !l.narrow(make([]int, len(columns))) {
			break
		}
	}
	return l
}

// sum is how wide a line is if its columns are.
func (l *layout) sum(widths []int) int {
	sum := len(between) * (len(l.shown) - 1)
	for _, i := range l.shown {
		sum += widths[i]
	}
	return sum
}

// drop leaves out the column of the highest rank.
func (l *layout) drop() bool {
	worst := -1
	for at, i := range l.shown {
		if rank := l.columns[i].rank; rank > 0 && (worst < 0 || rank > l.columns[l.shown[worst]].rank) {
			worst = at
		}
	}
	if worst < 0 {
		return false
	}
	l.widths[l.shown[worst]] = 0
	l.shown = append(l.shown[:worst:worst], l.shown[worst+1:]...)
	return true
}

// narrow takes one from the widest of the columns that are wider than they have to be.
func (l *layout) narrow(least []int) bool {
	widest := -1
	for _, i := range l.shown {
		if l.widths[i] > max(1, least[i]) && (widest < 0 || l.widths[i] > l.widths[widest]) {
			widest = i
		}
	}
	if widest < 0 {
		return false
	}
	l.widths[widest]--
	return true
}

func (l layout) heads() []cell {
	cells := make([]cell, len(l.columns))
	for i, c := range l.columns {
		cells[i].text = c.head
	}
	return cells
}

func (m *model) row(cells []cell, l layout) string {
	var line strings.Builder
	for at, i := range l.shown {
		text := ansi.Truncate(safe(cells[i].text), l.widths[i], "…")
		line.WriteString(m.paint(text, cells[i].tone))
		if at < len(l.shown)-1 {
			line.WriteString(strings.Repeat(" ", l.widths[i]-ansi.StringWidth(text)) + between)
		}
	}
	return m.cut(line.String())
}
