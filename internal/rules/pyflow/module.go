package pyflow

import (
	"fmt"
	"slices"
	"strings"
)

// Unknown says why the source does not tell all about a flow.
type Unknown struct {
	Line   int // 0 if it is not about a line
	Reason string
}

func (u *Unknown) Error() string {
	if u.Line == 0 {
		return u.Reason
	}
	return fmt.Sprintf("line %d: %s", u.Line, u.Reason)
}

func unknownf(number int, format string, args ...any) error {
	return &Unknown{number, fmt.Sprintf(format, args...)}
}

// binding is what a name of the module stands for.
type binding struct {
	line    int
	path    string // imported: where it comes from
	class   *block
	def     *block
	value   *expr // assigned
	unclear bool  // in a way that is not followed
}

// block is a class or a function: its decorators, its head and what is below it.
type block struct {
	name       string
	decorators []line
	head       line
	body       []line
}

// module is what the top level of a file binds.
type module struct {
	names  map[string]binding
	future bool // annotations are texts
}

// meddlers change names or classes behind the back of who reads the source.
var meddlers = []string{
	"exec", "eval", "globals", "locals", "setattr", "delattr", "vars", "modules", "__dict__", "__annotations__", "__signature__", "__defaults__", "__kwdefaults__",
	"__doc__", "__wrapped__", "__getattr__", "__import__", "__path__", "_getframe",
}

// readModule reads the top level.
func readModule(lines []line) (*module, error) {
	m := &module{names: map[string]binding{}}
	for _, l := range lines {
		for i, t := range l.tokens {
			switch {
			case t.kind == tokenName && slices.Contains(meddlers, t.text):
				return nil, unknownf(l.number, "%s may change what the names mean", t.text)
			case t.named("global"):
				for _, name := range l.tokens[i+1:] {
					m.unclear(name.text, l.number)
				}
			}
		}
	}
	var decorators []line
	for i := 0; i < len(lines); {
		end := i + 1
		for end < len(lines) && lines[end].indent > 0 {
			end++
		}
		l, body := lines[i], lines[i+1:end]
		if l.indent > 0 {
			return nil, unknownf(l.number, "the first line is indented")
		}
		if l.tokens[0].is("@") {
			decorators = append(decorators, l)
			i = end
			continue
		}
		if err := m.statement(l, body, decorators); err != nil {
			return nil, err
		}
		decorators, i = nil, end
	}
	return m, nil
}

func (m *module) bind(name string, b binding) {
	old, twice := m.names[name]
	if twice && (old.path == "" || old.path != b.path) {
		b.unclear = true
	}
	m.names[name] = b
}

func (m *module) unclear(name string, number int) { m.bind(name, binding{line: number, unclear: true}) }

func (m *module) statement(l line, body, decorators []line) error {
	first := l.tokens[0]
	head := l.tokens
	if first.named("async") && len(head) > 1 {
		head = head[1:]
	}
	semicolon := slices.ContainsFunc(l.tokens, func(t token) bool { return t.is(";") })
	switch {
	case head[0].named("def") || first.named("class"):
		if len(head) < 3 || head[1].kind != tokenName || semicolon {
			return unknownf(l.number, "a definition is not understood")
		}
		b := &block{name: head[1].text, decorators: decorators, head: line{tokens: head[2:], number: l.number}, body: body}
		if first.named("class") {
			m.bind(b.name, binding{line: l.number, class: b})
		} else {
			m.bind(b.name, binding{line: l.number, def: b})
		}
	case semicolon, len(body) > 0, isCompound(first):
		if !isMain(l.tokens) {
			m.suspect(append([]line{l}, body...))
		}
	case first.named("import"):
		m.imports(l)
	case first.named("from"):
		m.importsFrom(l)
	default:
		m.simple(l)
	}
	return nil
}

func isCompound(t token) bool {
	if t.kind != tokenName {
		return false
	}
	return slices.Contains([]string{"if", "elif", "else", "for", "while", "try", "except", "finally", "with", "async", "match", "case", "del", "type"}, t.text)
}

// isMain recognises what runs in scripts only, not when a flow is loaded.
func isMain(tokens []token) bool {
	return len(tokens) >= 5 && tokens[0].named("if") && tokens[1].named("__name__") && tokens[2].is("==") &&
		tokens[3].plain && tokens[3].text == "__main__" && tokens[4].is(":")
}

func (m *module) imports(l line) {
	for _, part := range split(l.tokens[1:]) {
		path, alias := part, ""
		if n := len(part); n > 2 && part[n-2].named("as") {
			path, alias = part[:n-2], part[n-1].text
		}
		var dotted strings.Builder
		for _, t := range path {
			dotted.WriteString(t.text)
		}
		whole := dotted.String()
		if alias == "" {
			whole, _, _ = strings.Cut(whole, ".")
			alias = whole
		}
		m.bind(alias, binding{line: l.number, path: whole})
	}
}

func (m *module) importsFrom(l line) {
	at := slices.IndexFunc(l.tokens, func(t token) bool { return t.named("import") })
	if at < 0 {
		return
	}
	var source strings.Builder
	for _, t := range l.tokens[1:at] {
		source.WriteString(t.text)
	}
	names := slices.DeleteFunc(slices.Clone(l.tokens[at+1:]), func(t token) bool { return t.is("(") || t.is(")") })
	for _, part := range split(names) {
		switch {
		case part[0].is("*"):
			for _, name := range builtins() { // it may bind any name
				m.unclear(name, l.number)
			}
			m.unclear("*", l.number)
		case source.String() == "__future__":
			m.future = m.future || part[0].text == "annotations"
		default:
			m.bind(part[len(part)-1].text, binding{line: l.number, path: source.String() + "." + part[0].text})
		}
	}
}

// simple reads an assignment of one name; what else there is only binds names unclearly.
func (m *module) simple(l line) {
	t := l.tokens
	if len(t) > 2 && t[0].kind == tokenName && t[1].is("=") && !slices.ContainsFunc(t[2:], func(t token) bool { return t.is("=") || t.is(":=") }) {
		if value, err := parse(t[2:], l.number); err == nil {
			m.bind(t[0].text, binding{line: l.number, value: value})
			return
		}
	}
	m.suspect([]line{l})
}

// suspect marks every name that the statements may bind or change. Bodies of functions are
// left out: what they bind is theirs.
func (m *module) suspect(lines []line) {
	below := -1
	for _, l := range lines {
		if below >= 0 && l.indent > below {
			continue
		}
		below = -1
		head := slices.IndexFunc(l.tokens, func(t token) bool { return t.named("def") || t.named("class") })
		if head == 0 || head == 1 && l.tokens[0].named("async") {
			below = l.indent
			if head+1 < len(l.tokens) {
				m.unclear(l.tokens[head+1].text, l.number)
			}
			continue
		}
		m.suspectLine(l)
	}
}

func (m *module) suspectLine(l line) {
	last := 0 // names before here may be targets
	for i, t := range l.tokens {
		if t.kind == tokenOp && strings.HasSuffix(t.text, "=") && !slices.Contains([]string{"==", "!=", "<=", ">="}, t.text) {
			last = i
		}
	}
	binds := slices.ContainsFunc(l.tokens, func(t token) bool {
		return t.kind == tokenName && slices.Contains([]string{"import", "for", "as", "del", "case", "type"}, t.text)
	})
	if binds || len(l.tokens) > 1 && l.tokens[1].is(":") {
		last = len(l.tokens)
	}
	for i, t := range l.tokens[:last] {
		if t.kind == tokenName && (i == 0 || !l.tokens[i-1].is(".")) {
			m.unclear(t.text, l.number)
		}
	}
}

// split cuts tokens at the commas outside of brackets; empty parts are left out.
func split(tokens []token) [][]token {
	var parts [][]token
	depth, from := 0, 0
	for i, t := range tokens {
		switch {
		case t.is("(") || t.is("[") || t.is("{"):
			depth++
		case t.is(")") || t.is("]") || t.is("}"):
			depth--
		case t.is(",") && depth == 0:
			if i > from {
				parts = append(parts, tokens[from:i])
			}
			from = i + 1
		}
	}
	if from < len(tokens) {
		parts = append(parts, tokens[from:])
	}
	return parts
}

// find is the place of an operator outside of brackets, -1 if it is not there.
func find(tokens []token, op string) int {
	depth := 0
	for i, t := range tokens {
		switch {
		case depth == 0 && t.is(op):
			return i
		case t.is("(") || t.is("[") || t.is("{"):
			depth++
		case t.is(")") || t.is("]") || t.is("}"):
			depth--
		}
	}
	return -1
}

// meaning is what a dotted name stands for: a path of an imported or built-in thing, or a
// binding of the module. It must be bound once, above the line that uses it.
func (m *module) meaning(dotted string, number int) (string, binding, error) {
	first, rest, attribute := strings.Cut(dotted, ".")
	b, ok := m.names[first]
	switch {
	case !ok && m.names["*"].unclear:
		return "", b, unknownf(number, "%s may come from an import of everything", first)
	case !ok && slices.Contains(builtins(), first):
		return dotted, b, nil
	case !ok:
		return "", b, unknownf(number, "%s is not defined in the file", first)
	case b.unclear:
		return "", b, unknownf(number, "what %s stands for depends on more than one line", first)
	case b.line > number:
		return "", b, unknownf(number, "%s is defined below", first)
	case b.path != "" && attribute:
		return b.path + "." + rest, binding{}, nil
	case b.path != "":
		return b.path, binding{}, nil
	}
	return "", b, nil
}

// builtins are the names that need no import, of those that are understood.
func builtins() []string {
	return []string{
		"int", "float", "str", "bool", "bytes", "list", "dict", "set", "frozenset", "tuple",
		"staticmethod", "classmethod", "property",
	}
}
