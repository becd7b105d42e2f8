package api

import (
	"regexp"

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

// member judges a member of an object by its shape, and then by the rule that it has.
func (c *conformer) member(s *shape, m memberShape, v jsontext.Value, at []any) jsontext.Value {
	before := len(c.found)
	out := c.value(m.shape, v, at)
	judge := judgedMembers[[2]string{s.name, m.name}]
	if judge == nil || len(c.found) > before || out.Kind() == 'n' {
		return out
	}
	if why := judge(out); why != "" {
		c.wrong("value_error", at, "Value error, "+why, v)
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
