package pyflow

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
)

// cleandoc takes the indentation of a docstring away, as inspect.cleandoc does.
func cleandoc(doc string) string {
	lines := strings.Split(doc, "\n")
	margin := -1
	for _, l := range lines[1:] {
		if stripped := strings.TrimLeft(l, " "); stripped != "" {
			if indent := len(l) - len(stripped); margin < 0 || indent < margin {
				margin = indent
			}
		}
	}
	lines[0] = strings.TrimLeft(lines[0], " ")
	for i := range lines[1:] {
		lines[i+1] = lines[i+1][min(max(margin, 0), len(lines[i+1])):]
	}
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	for len(lines) > 0 && lines[0] == "" {
		lines = lines[1:]
	}
	return strings.Join(lines, "\n")
}

// plainDoc says that the docstring has no white space that versions of Python treat differently.
func plainDoc(doc string) bool {
	return !strings.ContainsFunc(doc, func(r rune) bool { return r != ' ' && r != '\n' && (unicode.IsSpace(r) || unicode.IsControl(r)) })
}

var sectionTitle = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^([\p{L}\p{N}_][ \p{L}\p{N}_-]*):( +([^ ].*))?\s*$`) })

// sections are the titles that begin one; true for those that describe parameters.
var sections = map[string]bool{
	"args": true, "arguments": true, "params": true, "parameters": true,
	"keyword args": false, "keyword arguments": false, "other args": false, "other arguments": false, "other params": false, "other parameters": false,
	"type args": false, "type arguments": false, "type params": false, "type parameters": false, "raises": false, "exceptions": false,
	"returns": false, "yields": false, "receives": false, "examples": false, "attributes": false, "functions": false, "methods": false,
	"classes": false, "type aliases": false, "modules": false, "warns": false, "warnings": false,
}

// described are the descriptions of parameters in a docstring of Google's style.
func described(doc string) map[string]string {
	lines := strings.Split(cleandoc(strings.TrimRight(doc, " \n")), "\n")
	empty := func(i int) bool { return strings.TrimSpace(lines[i]) == "" }
	indented := func(i int) bool { return i < len(lines) && !empty(i) && strings.HasPrefix(lines[i], " ") }
	var found map[string]string
	inCode := false
	for i := 0; i < len(lines); i++ {
		if strings.HasPrefix(strings.TrimLeft(lines[i], " "), "```") {
			inCode = !inCode
			continue
		}
		title := sectionTitle().FindStringSubmatch(lines[i])
		if inCode || title == nil {
			continue
		}
		blankBelow := i+1 < len(lines) && empty(i+1)
		switch {
		case !indented(i+1) && !indented(i+2), i > 0 && !empty(i-1), indented(i+2) && blankBelow:
			continue // no section after all
		}
		items, last := blockItems(lines, i+1)
		i = last
		if sections[strings.ToLower(title[1])] {
			found = map[string]string{}
			for _, item := range items {
				if name, description, ok := describe(item); ok {
					found[name] = description
				}
			}
		}
	}
	return found
}

// blockItems cuts an indented block into items, one for each line that is indented like the
// first, and says which line is its last.
func blockItems(lines []string, from int) ([][]string, int) {
	for from < len(lines) && strings.TrimSpace(lines[from]) == "" {
		from++
	}
	if from == len(lines) {
		return nil, from
	}
	indent := len(lines[from]) - len(strings.TrimLeft(lines[from], " "))
	if indent == 0 {
		return nil, from - 1
	}
	pad := func(n int) string { return strings.Repeat(" ", n) }
	items := [][]string{{lines[from][indent:]}}
	at := from + 1
	for ; at < len(lines); at++ {
		l, last := lines[at], &items[len(items)-1]
		switch {
		case strings.TrimSpace(l) == "":
			*last = append(*last, "")
		case strings.HasPrefix(l, pad(2*indent)):
			*last = append(*last, l[2*indent:])
		case strings.HasPrefix(l, pad(indent+1)):
			*last = append(*last, strings.TrimLeft(l, " "))
		case strings.HasPrefix(l, pad(indent)):
			items = append(items, []string{l[indent:]})
		default:
			return items, at - 1
		}
	}
	return items, at - 1
}

// describe reads "name (type): description".
func describe(item []string) (name, description string, ok bool) {
	name, description, ok = strings.Cut(item[0], ":")
	description = strings.TrimRight(strings.Join(slices.Concat([]string{strings.TrimLeft(description, " ")}, item[1:]), "\n"), "\n")
	if bare, _, typed := strings.Cut(name, "("); typed && strings.HasSuffix(name, ")") {
		name = strings.TrimSpace(bare)
	}
	return name, description, ok
}
