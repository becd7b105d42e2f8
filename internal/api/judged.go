package api

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// maxLabels is how many labels a resource of an event may have.
const maxLabels = 500

// ResourceProblem says what is wrong with the resource of an event, "" when nothing is.
func ResourceProblem(r Resource) string {
	id, hasID := r["prefect.resource.id"]
	switch {
	case len(r) > maxLabels:
		return "The maximum number of labels per resource is 500"
	case !hasID:
		return "Resources must include the prefect.resource.id label"
	case id == "":
		return "The prefect.resource.id label must be non-empty"
	}
	return ""
}

// RelatedProblem says what is wrong with a related resource of an event, "" when nothing
// is.
func RelatedProblem(r RelatedResource) string {
	role, hasRole := r["prefect.resource.role"]
	switch problem := ResourceProblem(r); {
	case problem != "":
		return problem
	case !hasRole:
		return "Related Resources must include the prefect.resource.role label"
	case role == "":
		return "The prefect.resource.role label must be non-empty"
	}
	return ""
}

var blockName = regexp.MustCompile(`^[a-z0-9-]*$`)

// BlockNameProblem says what is wrong with the name of a block document, "" when nothing
// is.
func BlockNameProblem(name string) string {
	if !blockName.MatchString(name) {
		return "Block document name must only contain lowercase letters, numbers, and dashes."
	}
	return ""
}

// maxVariableName is how many characters the name of a variable may have.
const maxVariableName = 255

var variableName = regexp.MustCompile(`^[a-z0-9_-]+$`)

// VariableNameProblem says what is wrong with the characters of a variable's name, "" when
// nothing is.
func VariableNameProblem(name string) string {
	if !variableName.MatchString(name) {
		return "Variable name must only contain lowercase letters, numbers, and dashes or underscores."
	}
	return ""
}

// poolNameProblem says what is wrong with the name of a work pool, "" when nothing is.
func poolNameProblem(name string) string {
	if strings.Trim(name, "' \"") == "" {
		return "name cannot be an empty string"
	}
	return ""
}

// fits leaves a pool whose name is nothing, and members that there are not, to its schema.
func (p WorkPoolCreate) fits() bool { return len(p.Unknown) == 0 && poolNameProblem(p.Name) == "" }

// judged are the schemas whose objects have rules of their own, which are looked at when
// all members are right.
var judged = map[string]func(o *object) (why string){
	"Resource":        func(o *object) string { return ResourceProblem(o.texts()) },
	"RelatedResource": func(o *object) string { return RelatedProblem(o.texts()) },
}

// judgedMembers are the same for a single member, by the schema's name and its own.
var judgedMembers = map[[2]string]func(v jsontext.Value) (why string){
	{"BlockDocumentCreate", "name"}:          func(v jsontext.Value) string { return BlockNameProblem(unquoted(v)) },
	{"TaskRunPolicy", "retry_delay"}:         delayProblem,
	{"TaskRunPolicy", "retry_jitter_factor"}: jitterProblem,
}

// judgedFirst are rules for texts that are looked at before the schema of the member is.
var judgedFirst = map[[2]string]func(text string) (kind, msg string, ctx jsontext.Value){
	{"WorkPoolCreate", "name"}: func(text string) (kind, msg string, ctx jsontext.Value) {
		return "value_error", valueError(poolNameProblem(text)), nil
	},
	{"VariableCreate", "name"}: judgeVariableName,
	{"VariableUpdate", "name"}: judgeVariableName,
}

// judgeVariableName counts the characters of a name after it has looked at them.
func judgeVariableName(name string) (kind, msg string, ctx jsontext.Value) {
	n := utf8.RuneCountInString(name)
	if why := VariableNameProblem(name); why != "" || n <= maxVariableName {
		return "value_error", valueError(why), nil
	}
	return "too_long", fmt.Sprintf("Value should have at most %d items after validation, not %d", maxVariableName, n),
		jsontext.Value(fmt.Sprintf(`{"field_type":"Value","max_length":%d,"actual_length":%d}`, maxVariableName, n))
}

func valueError(why string) string {
	if why == "" {
		return ""
	}
	return "Value error, " + why
}

// member judges a member of an object by the rule that comes first, by its shape, and then
// by the rule that comes last.
func (c *conformer) member(s *shape, m memberShape, v jsontext.Value, at []any) jsontext.Value {
	key := [2]string{s.name, m.name}
	if first := judgedFirst[key]; first != nil && v.Kind() == '"' {
		if kind, msg, ctx := first(unquoted(v)); msg != "" {
			c.wrong(kind, at, msg, v, ctx)
			return v
		}
	}
	if isDuration(s.name, m.name) && (v.Kind() != 'n' || m.shape.Type == "number") {
		if _, err := ParseDuration(v); err != nil {
			c.found = append(c.found, NoDuration(v, err, at...))
		}
		return v
	}
	before := len(c.found)
	out := c.value(m.shape, v, at)
	judge := judgedMembers[key]
	if judge == nil || len(c.found) > before || out.Kind() == 'n' {
		return out
	}
	if why := judge(out); why != "" {
		c.wrong("value_error", at, valueError(why), v)
	}
	return out
}

// texts are the members of an object whose members are texts.
func (o *object) texts() map[string]string {
	out := make(map[string]string, len(o.names))
	for _, name := range o.names {
		out[name] = unquoted(o.values[name])
	}
	return out
}
