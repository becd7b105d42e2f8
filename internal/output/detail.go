package output

import (
	"bufio"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// writeDetail writes the properties of one item below each other. Properties
// without a value are left out.
func writeDetail[T any](p *Printer, item T, properties []Column[T]) error {
	w := bufio.NewWriter(p.streams.Out)
	detail(p, w, item, properties)
	return w.Flush()
}

// stack is what a table becomes where not even its most important columns fit
// beside each other.
func stack[T any](p *Printer, items []T, columns []Column[T]) error {
	w := bufio.NewWriter(p.streams.Out)
	for i, item := range items {
		if i > 0 {
			_ = w.WriteByte('\n') // bufio keeps the error for Flush
		}
		detail(p, w, item, columns)
	}
	return w.Flush()
}

func detail[T any](p *Printer, w *bufio.Writer, item T, properties []Column[T]) {
	paint := p.painter()
	margin := 0
	for _, property := range properties {
		margin = max(margin, ansi.StringWidth(property.Name)+len(gap))
	}
	room := max(p.streams.Width()-margin, 1)
	for _, property := range properties {
		text := property.human(item, p.now())
		if text == "" {
			continue
		}
		pad := strings.Repeat(" ", margin-ansi.StringWidth(property.Name))
		_, _ = w.WriteString(paint(property.Name, Heading) + pad)
		writeLines(w, wrap(text, room, property.Whole), strings.Repeat(" ", margin), func(line string) string {
			return paint(line, property.tone(item))
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
