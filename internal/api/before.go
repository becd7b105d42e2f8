package api

import (
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// filled are the schemas whose models fill in members before they judge them, so that
// errors repeat what was filled in.
var filled = map[string]func(o *object){
	"FlowRunPolicy": fillPolicy,
	"TaskRunPolicy": fillPolicy,
	"EventTrigger":  fillWindow,
	"DeploymentCreate": func(o *object) {
		if _, isThere := o.get("parameters"); !isThere {
			o.set("parameters", jsontext.Value("{}"))
		}
	},
}

// fillPolicy copies what has the names of old clients.
func fillPolicy(o *object) {
	for _, names := range [...][2]string{{"max_retries", "retries"}, {"retry_delay_seconds", "retry_delay"}} {
		old, isThere := o.get(names[0])
		current, _ := o.get(names[1])
		if isThere && !isNumberZero(old) && isNothing(current) {
			o.set(names[1], old)
		}
	}
}

// fillWindow gives proactive triggers that have no window the shortest one, however deep
// they are.
func fillWindow(o *object) {
	posture, _ := o.get("posture")
	if within, isThere := o.get("within"); unquoted(posture) == "Proactive" && isNothing(within) && (!isThere || within.Kind() != 'n') {
		o.set("within", jsontext.Value("10"))
	}
	triggers, _ := o.get("triggers")
	var list []jsontext.Value
	if json.Unmarshal(triggers, &list) != nil {
		return
	}
	for i, v := range list {
		if v.Kind() == '{' {
			inner := openObject(v)
			fillWindow(inner)
			list[i] = inner.text()
		}
	}
	o.set("triggers", joined('[', list, ']'))
}

// fill returns a body with what its models fill in.
func fill(s *shape, v jsontext.Value) jsontext.Value {
	s = s.resolved()
	if options, _ := s.options(); len(options) == 1 || len(options) > 1 && filled[options[0].name] != nil {
		s = options[0]
	}
	if v.Kind() != '{' {
		return v
	}
	o := openObject(v)
	if change := filled[s.name]; change != nil {
		change(o)
	}
	for _, m := range s.Members {
		if value, isThere := o.get(m.name); isThere {
			o.set(m.name, fill(m.shape, value))
		}
	}
	return o.text()
}

// refused are the schemas whose models refuse an object as a whole before they look at
// its members.
var refused = map[string]func(o *object) (why string){
	"BlockDocumentCreate": func(o *object) string {
		name, _ := o.get("name")
		anonymous, _ := o.get("is_anonymous")
		if isNothing(name) && isNothing(anonymous) {
			return "Names must be provided for block documents."
		}
		return ""
	},
	"EventTrigger": windowProblem,
}

// fits leaves a document that may lack a name to its schema.
func (d BlockDocumentCreate) fits() bool { return d.Name.Or("") != "" || d.IsAnonymous.Or(false) }

// named are the schemas whose objects get a name when theirs is nothing, of whatever type.
var named = []string{"FlowRunCreate", "FlowRunUpdate", "DeploymentFlowRunCreate", "TaskRunCreate", "TaskRunUpdate"}

// isNothing says that a value is absent or counts as false.
func isNothing(v jsontext.Value) bool {
	switch v.Kind() {
	case 0, 'n', 'f':
		return true
	case '0':
		return isNumberZero(v)
	}
	bare := strings.Join(strings.Fields(string(v)), "")
	return bare == `""` || bare == "[]" || bare == "{}"
}

// isNumberZero says that a value equals zero; false does too.
func isNumberZero(v jsontext.Value) bool {
	n, isWhole := whole(v)
	return v.Kind() == 'f' || isWhole && n == 0
}
