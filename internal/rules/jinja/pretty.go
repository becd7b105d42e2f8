package jinja

import "strings"

// prettyWidth is how long a line may be before it is broken.
const prettyWidth = 80

// pretty shows a value over several lines where it takes them, as Python's pprint does.
func (r *run) pretty(v any) string {
	p := &printer{r: r}
	p.value(v, 0, 0)
	return p.b.String()
}

type printer struct {
	r *run
	b strings.Builder
}

// value writes v at a column, with so much still to come after it on its last line.
func (p *printer) value(v any, column, after int) {
	text := sortedRepr(v)
	p.r.pay(len(text))
	if runeCount(text) <= prettyWidth-column-after {
		p.b.WriteString(text)
		return
	}
	switch v := v.(type) {
	case *Dict:
		p.dict(v, column, after)
	case []any:
		p.b.WriteByte('[')
		p.items(v, column+1, after+1)
		p.b.WriteByte(']')
	case tuple:
		p.b.WriteByte('(')
		end := ")"
		if len(v) == 1 {
			end = ",)"
		}
		p.items(v, column+1, after+len(end))
		p.b.WriteString(end)
	case string:
		p.text(v, column, after)
	default:
		p.b.WriteString(text)
	}
}

func (p *printer) items(items []any, column, after int) {
	for i, item := range items {
		if i > 0 {
			p.b.WriteString(",\n" + strings.Repeat(" ", column))
		}
		rest := 1
		if i == len(items)-1 {
			rest = after
		}
		p.value(item, column, rest)
	}
}

func (p *printer) dict(d *Dict, column, after int) {
	p.b.WriteByte('{')
	keys := prettyKeys(d)
	for i, key := range keys {
		if i > 0 {
			p.b.WriteString(",\n" + strings.Repeat(" ", column+1))
		}
		name := sortedRepr(key)
		p.b.WriteString(name + ": ")
		rest := 1
		if i == len(keys)-1 {
			rest = after + 1
		}
		v, _ := d.Get(key)
		p.value(v, column+1+runeCount(name)+2, rest)
	}
	p.b.WriteByte('}')
}

// text breaks a text between its words, into texts that Python joins again.
func (p *printer) text(s string, column, after int) {
	if s == "" {
		p.b.WriteString("''")
		return
	}
	outer := column == 0
	if outer {
		column, after = column+1, after+1
	}
	chunks := textChunks(s, prettyWidth-column, prettyWidth-column-after)
	if len(chunks) == 1 {
		p.b.WriteString(chunks[0])
		return
	}
	lines := strings.Join(chunks, "\n"+strings.Repeat(" ", column))
	if outer {
		lines = "(" + lines + ")"
	}
	p.b.WriteString(lines)
}

func textChunks(s string, width, lastWidth int) []string {
	var chunks []string
	lines := splitLines(s, true)
	for i, line := range lines {
		most := width
		if i == len(lines)-1 {
			most = lastWidth
		}
		if quoted := reprText(line); runeCount(quoted) <= most {
			chunks = append(chunks, quoted)
			continue
		}
		current := ""
		words := blankEndedWords(line)
		for j, word := range words {
			if j == len(words)-1 && i == len(lines)-1 {
				most = lastWidth
			} else {
				most = width
			}
			if runeCount(reprText(current+word)) > most {
				if current != "" {
					chunks = append(chunks, reprText(current))
				}
				current = word
			} else {
				current += word
			}
		}
		if current != "" {
			chunks = append(chunks, reprText(current))
		}
	}
	return chunks
}

// blankEndedWords are the words of a line with the blanks that follow them.
func blankEndedWords(line string) []string {
	var out []string
	for line != "" {
		end := strings.IndexFunc(line, isSpace)
		if end < 0 {
			return append(out, line)
		}
		size := len(line[end:]) - len(trimLeft(line[end:]))
		out, line = append(out, line[:end+size]), line[end+size:]
	}
	return out
}

func prettyKeys(d *Dict) []any {
	return sorted(d.keys, func(key any) any {
		if text, ok := textOf(key); ok {
			return tuple{"str", text}
		}
		return tuple{typeName(key), repr(key)}
	}, false)
}
