package pyflow

import "slices"

// Functions are the names of the functions at the top level of the source that are flows, in
// its order. It is a guess for people to choose from: what else the source does to its names
// is not looked at, and of source that can't be read there are none.
func Functions(source []byte) []string {
	lines, err := scan(string(source))
	if err != nil {
		return nil
	}
	m := &module{names: map[string]binding{}}
	var functions []string
	isFlow := false
	for _, l := range lines {
		if l.indent > 0 {
			continue
		}
		tokens := l.tokens
		if tokens[0].named("async") {
			tokens = tokens[1:]
		}
		switch {
		case tokens[0].is("@"):
			isFlow = isFlow || m.isFlow(l)
			continue // further decorators may follow
		case tokens[0].named("import"):
			m.imports(l)
		case tokens[0].named("from"):
			m.importsFrom(l)
		case isFlow && len(tokens) > 1 && tokens[0].named("def") && !slices.Contains(functions, tokens[1].text):
			functions = append(functions, tokens[1].text)
		}
		isFlow = false
	}
	return functions
}

// isFlow says that a decorator is Prefect's flow, with arguments or without.
func (m *module) isFlow(decorator line) bool {
	name := decorator.tokens[1:]
	if call := find(name, "("); call > 0 {
		name = name[:call]
	}
	e, err := parse(name, decorator.number)
	if err != nil || e.kind != exprName {
		return false
	}
	path, _, err := m.meaning(e.text, decorator.number)
	return err == nil && isPrefects(path)
}

// isPrefects says that a path is the decorator of flows.
func isPrefects(path string) bool { return path == "prefect.flow" || path == "prefect.flows.flow" }
