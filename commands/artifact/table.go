package artifact

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// tableText lays out the data of a table artifact: a list of objects or of lists, or an
// object of columns, as JSON.
func tableText(text string) (string, bool) {
	rows, ok := tableRows(text)
	if !ok || len(rows) < 2 {
		return "", false
	}
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], ansi.StringWidth(cell))
		}
	}
	var lines []string
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			line.WriteString(cell + strings.Repeat(" ", widths[i]-ansi.StringWidth(cell)+2))
		}
		lines = append(lines, strings.TrimRight(line.String(), " "))
	}
	return strings.Join(lines, "\n"), true
}

// tableRows are the cells, the heads first.
func tableRows(text string) ([][]string, bool) {
	var objects []jsontext.Value
	if json.Unmarshal([]byte(text), &objects) != nil || len(objects) == 0 {
		return nil, false
	}
	var heads []string
	var rows [][]string
	for _, object := range objects {
		names, cells, ok := members(object)
		if !ok {
			return nil, false
		}
		if heads == nil {
			heads = names
		}
		if strings.Join(heads, "\x00") != strings.Join(names, "\x00") {
			return nil, false
		}
		rows = append(rows, cells)
	}
	return append([][]string{heads}, rows...), true
}

// members are the names and values of an object, in its order.
func members(object jsontext.Value) (names, cells []string, ok bool) {
	dec := jsontext.NewDecoder(strings.NewReader(string(object)))
	if token, err := dec.ReadToken(); err != nil || token.Kind() != '{' {
		return nil, nil, false
	}
	for dec.PeekKind() != '}' {
		name, err := dec.ReadToken()
		if err != nil {
			return nil, nil, false
		}
		names = append(names, name.String())
		value, err := dec.ReadValue()
		if err != nil {
			return nil, nil, false
		}
		cells = append(cells, cell(value))
	}
	return names, cells, true
}

func cell(value jsontext.Value) string {
	var text string
	if json.Unmarshal(value, &text) == nil {
		return strings.ReplaceAll(text, "\n", " ")
	}
	return fmt.Sprint(value)
}
