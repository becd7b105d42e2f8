package output

import (
	"bufio"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// stack writes the properties of each item below each other: of one item, and where not even
// the most important columns of a table fit beside each other. Properties without a value are
// left out.
func (t table) stack(p *Printer) error {
	w := bufio.NewWriter(p.streams.Out)
	for i := range t.n {
		if i > 0 {
			_ = w.WriteByte('\n') // bufio keeps the error for Flush
		}
		t.detail(p, w, i)
	}
	return w.Flush()
}

func (t table) detail(p *Printer, w *bufio.Writer, i int) {
	paint := p.painter()
	margin := 0
	for _, property := range t.columns {
		margin = max(margin, ansi.StringWidth(property.Name)+len(gap))
	}
	room := max(p.streams.Width()-margin, 1)
	for _, property := range t.columns {
		text := property.human(i, p.now())
		if text == "" {
			continue
		}
		pad := strings.Repeat(" ", margin-ansi.StringWidth(property.Name))
		_, _ = w.WriteString(paint(property.Name, Heading) + pad)
		writeLines(w, wrap(text, room, property.Whole), strings.Repeat(" ", margin), func(line string) string {
			return paint(line, property.tone(i))
		})
	}
}

// wrap breaks text at the room there is, keeping its own line breaks.
func wrap(text string, room int, whole bool) []string {
	var lines []string
	for line := range strings.Lines(text) {
		line = Flat(strings.TrimRight(line, "\r\n"))
		if whole {
			lines = append(lines, line)
			continue
		}
		lines = append(lines, strings.Split(ansi.Wrap(line, room, ""), "\n")...)
	}
	return lines
}

func writeLines(w *bufio.Writer, lines []string, margin string, paint func(string) string) {
	for i, line := range lines {
		if i > 0 {
			_, _ = w.WriteString(margin)
		}
		_, _ = w.WriteString(paint(line) + "\n")
	}
}
