package output

import (
	"strings"
	"text/template"
	"text/template/parse"

	"github.com/itchyny/gojq"
)

// byItem reports whether the expression or template looks at the items of a list one by one, so that
// pages printed one after the other say what the whole list would. One that is broken does not: it
// is complained about when it is used.
func (p *Printer) byItem() bool {
	if p.options.JQ != "" {
		return jqByItem(p.options.JQ)
	}
	return p.templateByItem()
}

// jqByItem holds for what begins with .[] and goes on through pipes: .[] | select(.x) | .name.
func jqByItem(expression string) bool {
	query, err := gojq.Parse(expression)
	if err != nil {
		return false
	}
	for query.Op == gojq.OpPipe && len(query.Patterns) == 0 {
		query = query.Left
	}
	term := query.Term
	return term != nil && term.Type == gojq.TermTypeIdentity && len(term.SuffixList) > 0 && term.SuffixList[0].Iter
}

// templateByItem holds for what is one {{range .}} … {{end}} that neither looks at the list as a
// whole nor ends before it does.
func (p *Printer) templateByItem() bool {
	parsed, err := template.New("template").Funcs(p.functions()).Parse(p.options.Template)
	if err != nil || parsed.Tree == nil || len(parsed.Root.Nodes) != 1 || strings.ContainsAny(p.options.Template, "$") || strings.Contains(p.options.Template, "break") {
		return false
	}
	loop, ok := parsed.Root.Nodes[0].(*parse.RangeNode)
	return ok && loop.ElseList == nil && loop.Pipe.String() == "."
}
