package profile

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"

	"github.com/usherhq/usher/internal/api"
)

// document is the text of a TOML file that is changed in place, so that
// comments, order and everything unknown stay as the user wrote them.
type document struct{ text []byte }

// part is a key with its value, or the header of a table, and the lines it takes.
type part struct {
	path       []string
	header     bool
	start, end int // lines in the text, from the first byte to past the newline
	valueStart int // of a key: where its value begins
	valueEnd   int
}

// parts lists the document from top to bottom.
func (d *document) parts() ([]part, error) {
	var parts []part
	var table []string
	parser := unstable.Parser{}
	parser.Reset(d.text)
	for parser.NextExpression() {
		node := parser.Expression()
		keys, first := keyPath(node)
		at := d.offset(first)
		p := part{start: d.lineStart(at), header: node.Kind != unstable.KeyValue}
		if p.header {
			table = keys
			p.path = keys
			p.end = d.lineEnd(at)
		} else {
			p.path = append(slices.Clone(table), keys...)
			p.valueEnd = int(node.Raw.Offset + node.Raw.Length)
			p.valueStart = d.valueStart(node, p.valueEnd)
			p.end = d.lineEnd(p.valueEnd)
		}
		parts = append(parts, p)
	}
	return parts, parser.Error()
}

func keyPath(node *unstable.Node) (path []string, first *unstable.Node) {
	for it := node.Key(); it.Next(); {
		if first == nil {
			first = it.Node()
		}
		path = append(path, string(it.Node().Data))
	}
	return path, first
}

func (d *document) offset(key *unstable.Node) int { return int(key.Raw.Offset) }

// valueStart finds the value of a key: it follows the equals sign behind the
// last part of the key.
func (d *document) valueStart(node *unstable.Node, end int) int {
	after := 0
	for it := node.Key(); it.Next(); {
		after = int(it.Node().Raw.Offset + it.Node().Raw.Length)
	}
	equals := after + bytes.IndexByte(d.text[after:end], '=') + 1
	return equals + len(d.text[equals:end]) - len(bytes.TrimLeft(d.text[equals:end], " \t"))
}

func (d *document) lineStart(at int) int {
	return bytes.LastIndexByte(d.text[:at], '\n') + 1
}

func (d *document) lineEnd(at int) int {
	if i := bytes.IndexByte(d.text[at:], '\n'); i >= 0 {
		return at + i + 1
	}
	return len(d.text)
}

func (d *document) replace(start, end int, with string) {
	d.text = slices.Concat(d.text[:start], []byte(with), d.text[end:])
}

// set gives the key of a table a text value; a table that is not there is added
// at the end. The empty table is the top of the document.
func (d *document) set(table []string, key, value string) error {
	return d.setRaw(table, key, quote(value))
}

// setList gives a key at the top of the document a list of texts.
func (d *document) setList(key string, values []string) error {
	quoted := make([]string, len(values))
	for i, value := range values {
		quoted[i] = quote(value)
	}
	return d.setRaw(nil, key, "["+strings.Join(quoted, ", ")+"]")
}

func (d *document) setRaw(table []string, key, value string) error {
	parts, err := d.parts()
	if err != nil {
		return err
	}
	path := append(slices.Clone(table), key)
	for _, p := range parts {
		if !p.header && slices.Equal(p.path, path) {
			d.replace(p.valueStart, p.valueEnd, value)
			return nil
		}
	}
	if err := d.add(table); err != nil {
		return err
	}
	at, err := d.bottom(table)
	if err != nil {
		return err
	}
	d.insertLine(at, quoteKey(key)+" = "+value)
	return nil
}

// add makes sure that the table is there.
func (d *document) add(table []string) error {
	parts, err := d.parts()
	if err != nil {
		return err
	}
	if len(table) == 0 || slices.ContainsFunc(parts, func(p part) bool { return p.header && slices.Equal(p.path, table) }) {
		return nil
	}
	header := "[" + quotePath(table) + "]"
	if len(bytes.TrimSpace(d.text)) > 0 {
		header = "\n" + header
	}
	d.insertLine(len(d.text), header)
	return nil
}

// bottom is the place behind the last key of a table.
func (d *document) bottom(table []string) (int, error) {
	parts, err := d.parts()
	at, inside := 0, len(table) == 0
	for _, p := range parts {
		if p.header {
			inside = slices.Equal(p.path, table)
		}
		if inside {
			at = p.end
		}
	}
	return at, err
}

func (d *document) insertLine(at int, line string) {
	if at > 0 && d.text[at-1] != '\n' {
		line = "\n" + line
	}
	if at == 0 && len(d.text) > 0 && d.text[0] != '\n' {
		line += "\n"
	}
	d.replace(at, at, line+"\n")
}

// unset removes a key of a table.
func (d *document) unset(table []string, key string) error {
	parts, err := d.parts()
	if err != nil {
		return err
	}
	path := append(slices.Clone(table), key)
	for _, p := range parts {
		if !p.header && slices.Equal(p.path, path) {
			d.replace(p.start, p.end, "")
			return nil
		}
	}
	return nil
}

// remove takes a table out, with its sub-tables and the comments right above it.
func (d *document) remove(table []string) error {
	parts, err := d.parts()
	if err != nil {
		return err
	}
	for i := len(parts) - 1; i >= 0; i-- {
		if !hasPrefix(parts[i].path, table) {
			continue
		}
		start, end := parts[i].start, parts[i].end
		if parts[i].header {
			start = d.aboveComments(start)
			end = d.belowBlank(start, end)
		}
		d.replace(start, end, "")
	}
	d.text = append(bytes.TrimRight(d.text, "\n"), '\n')
	return nil
}

// aboveComments moves from the start of a line up over the comment lines that
// stand directly above it.
func (d *document) aboveComments(start int) int {
	for start > 0 {
		above := d.lineStart(start - 1)
		line := bytes.TrimSpace(d.text[above:start])
		if len(line) == 0 || line[0] != '#' {
			break
		}
		start = above
	}
	return start
}

// belowBlank takes the blank line that ends a table along where another one
// stands above it.
func (d *document) belowBlank(start, end int) int {
	above := start == 0 || bytes.HasSuffix(d.text[:start], []byte("\n\n"))
	if above && end < len(d.text) && d.text[end] == '\n' {
		return end + 1
	}
	return end
}

// rename changes the last step of the table's path in every header below it.
func (d *document) rename(table []string, name string) error {
	parts, err := d.parts()
	if err != nil {
		return err
	}
	last := len(table) - 1
	for i := len(parts) - 1; i >= 0; i-- {
		p := parts[i]
		if !p.header || !hasPrefix(p.path, table) {
			continue
		}
		path := slices.Clone(p.path)
		path[last] = name
		line := d.text[p.start:p.end]
		open, shut := bytes.IndexByte(line, '['), headerEnd(line)
		d.replace(p.start+open, p.start+shut, "["+quotePath(path)+"]")
	}
	return nil
}

// headerEnd is the place behind the bracket that closes a table's header.
func headerEnd(line []byte) int {
	var quoted byte
	for i, c := range line {
		switch {
		case quoted == 0 && c == ']':
			return i + 1
		case quoted == 0 && (c == '"' || c == '\''):
			quoted = c
		case c == quoted:
			quoted = 0
		}
	}
	return len(line)
}

func hasPrefix(path, prefix []string) bool {
	return len(path) >= len(prefix) && slices.Equal(path[:len(prefix)], prefix)
}

func quotePath(path []string) string {
	quoted := make([]string, len(path))
	for i, step := range path {
		quoted[i] = quoteKey(step)
	}
	return strings.Join(quoted, ".")
}

func quoteKey(key string) string {
	bare := key != "" && strings.IndexFunc(key, func(r rune) bool {
		return r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) < 0
	if bare {
		return key
	}
	return quote(key)
}

// quote writes a basic string of TOML.
func quote(value string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range value {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// decode reads the document as a whole, which also proves that an edit left a
// valid file.
func (d *document) decode(into any) error {
	if err := toml.Unmarshal(d.text, into); err != nil {
		return api.Errorf(api.CodeInvalid, "not valid TOML%s: %w", tomlPlace(err), err)
	}
	return nil
}
