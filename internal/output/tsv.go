package output

import (
	"bufio"
	"strings"
)

// writeTSV writes a line per item. Values are whole; what would break a line or
// a column apart is written as \n, \t and \r.
func (t table) writeTSV(p *Printer) error {
	w := bufio.NewWriter(p.streams.Out)
	for item := range t.n {
		for i, column := range t.columns {
			if i > 0 {
				_ = w.WriteByte('\t') // bufio keeps the error for Flush
			}
			_, _ = w.WriteString(oneLine(column.Value(item)))
		}
		_ = w.WriteByte('\n')
	}
	return w.Flush()
}

// writePairs writes a line per property of the one item.
func (t table) writePairs(p *Printer) error {
	w := bufio.NewWriter(p.streams.Out)
	for _, property := range t.columns {
		_, _ = w.WriteString(strings.ToLower(property.Name) + "\t" + oneLine(property.Value(0)) + "\n")
	}
	return w.Flush()
}

func oneLine(text string) string {
	if !strings.ContainsAny(text, "\t\r\n\\") {
		return text
	}
	return strings.NewReplacer("\\", `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`).Replace(text)
}
