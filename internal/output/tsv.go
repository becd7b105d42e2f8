package output

import (
	"bufio"
	"strings"
)

// writeTSV writes a line per item. Values are whole; what would break a line or
// a column apart is written as \n, \t and \r.
func writeTSV[T any](p *Printer, items []T, columns []Column[T]) error {
	w := bufio.NewWriter(p.streams.Out)
	for _, item := range items {
		for i, column := range columns {
			if i > 0 {
				_ = w.WriteByte('\t') // bufio keeps the error for Flush
			}
			_, _ = w.WriteString(oneLine(column.Value(item)))
		}
		_ = w.WriteByte('\n')
	}
	return w.Flush()
}

func writePairs[T any](p *Printer, item T, properties []Column[T]) error {
	w := bufio.NewWriter(p.streams.Out)
	for _, property := range properties {
		_, _ = w.WriteString(strings.ToLower(property.Name) + "\t" + oneLine(property.Value(item)) + "\n")
	}
	return w.Flush()
}

func oneLine(text string) string {
	if !strings.ContainsAny(text, "\t\r\n\\") {
		return text
	}
	return strings.NewReplacer("\\", `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`).Replace(text)
}
