package actionvars

import (
	"slices"
	"strings"

	"github.com/usherhq/usher/internal/rules/jinja"
)

// Labels are labels that are looked into part by part: labels.prefect.resource.name.
type Labels map[string]string

// Member is the label of that name, or what begins with it and a dot.
func (l Labels) Member(name string) (any, bool) {
	if value, ok := l[name]; ok && strings.Contains(name, ".") {
		return value, true
	}
	below := branch{Labels: Labels{}, value: l[name]}
	_, found := l[name]
	for label, value := range l {
		if rest, ok := strings.CutPrefix(label, name+"."); ok {
			below.Labels[rest], found = value, true
		}
	}
	return below, found
}

// String is empty: labels have no value of their own.
func (l Labels) String() string { return "" }

// TypeName is the class.
func (l Labels) TypeName() string { return "LabelDiver" }

// branch is a part of names of labels, which may be a name itself.
type branch struct {
	Labels
	value string
}

// String is the value of the label.
func (b branch) String() string { return b.value }

func (l Labels) names() []string {
	out := make([]string, 0, len(l))
	for name := range l {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

func (l Labels) list(pairs bool) []any {
	out := []any{}
	for _, name := range l.names() {
		if pairs {
			out = append(out, []any{name, l[name]})
			continue
		}
		out = append(out, name)
	}
	return out
}

func (l Labels) dict() *jinja.Dict {
	out := jinja.NewDict()
	for _, name := range l.names() {
		out.Set(name, l[name])
	}
	return out
}

func (l Labels) shown() string {
	parts := make([]string, 0, len(l))
	for _, name := range l.names() {
		parts = append(parts, "'"+name+"': '"+l[name]+"'")
	}
	return "{" + strings.Join(parts, ", ") + "}"
}
