package automation

import (
	"net/mail"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/jinja"
	"github.com/usherhq/usher/internal/rules/parameters"
)

// Action is what an automation does: its kind, and its members as they are stored.
type Action struct {
	Type   string
	Source string     // selected or inferred, where it acts on one object
	Target *uuid.UUID // the object that is selected
	Block  *uuid.UUID // the block document that it uses, if it does
	// JobVariables are those of run-deployment, null when it has none.
	JobVariables jsontext.Value
	Stored       jsontext.Value
}

// Kinds of actions that others speak of.
const (
	RunDeployment = "run-deployment" // starts a run
	SLAViolation  = "sla-violation"  // tells that an agreement about runs was not kept

	DeclareIncident = "declare-incident"        // declares an incident
	SendMail        = "send-email-notification" // writes to addresses
	NotifyOwner     = "prefect-notification"    // writes to whom the automation belongs
)

// Where the object that an action acts on comes from.
const (
	Selected = "selected"
	Inferred = "inferred"
)

// ReadActions reads a list of actions that stands in a member of the request.
func ReadActions(raw []jsontext.Value, member string) ([]Action, []api.Violation) {
	var found []api.Violation
	actions := make([]Action, len(raw))
	for i, v := range raw {
		o, isObject := open(v, []any{"body", member, i}, &found)
		if isObject {
			actions[i] = readAction(o)
		}
	}
	return actions, found
}

func init() { //nolint:gochecknoinits // requests are judged below this package
	api.ReadUnion("DoNothing", func(raw jsontext.Value) (string, []api.Violation) {
		var found []api.Violation
		o, isObject := open(raw, nil, &found)
		if !isObject {
			return "", found
		}
		return readAction(o).schema(), found
	})
}

// schema is the name of an action's schema in the contract, "" for no kind of action. Kinds
// of the hosted service have names like those.
func (a Action) schema() (name string) {
	if a.Type == "" {
		return ""
	}
	for word := range strings.SplitSeq(a.Type, "-") {
		name += strings.ToUpper(word[:1]) + word[1:]
	}
	return name
}

// ReadAction reads an action that is stored.
func ReadAction(stored jsontext.Value) (Action, error) {
	list, found := ReadActions([]jsontext.Value{stored}, "actions")
	if len(found) > 0 {
		return list[0], api.Invalid(stored, found...)
	}
	return list[0], nil
}

func readAction(o *object) Action {
	a := Action{Type: o.text("type", impliedAction(o)), JobVariables: jsontext.Value("null")}
	out := []member{{"type", a.Type}}
	switch a.Type {
	case "do-nothing", "delete-flow-run", "resume-flow-run", DeclareIncident:
	case "cancel-flow-run", "suspend-flow-run":
		if o.flag("force") { // only then it is kept: the reference's clients know none
			out = append(out, member{"force", true})
		}
	case "pause-schedule-for-flow-run":
		out = append(out, member{"deployment_id", o.id("deployment_id")}, member{"schedule_id", o.id("schedule_id")})
	case "resume-schedule-for-flow-run":
		for _, name := range []string{"deployment_id", "schedule_id"} {
			if o.required(name) && o.isNull(name) {
				o.wrong(name, "uuid_type", "UUID input should be a string, bytes or UUID object")
			}
			out = append(out, member{name, o.id(name)})
		}
	case RunDeployment:
		out = a.target(o, out, "deployment_id")
		a.JobVariables = o.mapping("job_variables")
		o.fillable("parameters")
		out = append(out, member{"parameters", o.mapping("parameters")}, member{"job_variables", a.JobVariables}, member{"schedule_after", delay(o)})
	case "pause-deployment", "resume-deployment", "pause-work-pool", "resume-work-pool",
		"pause-work-queue", "resume-work-queue", "pause-automation", "resume-automation":
		_, kind, _ := strings.Cut(a.Type, "-")
		out = a.target(o, out, strings.ReplaceAll(kind, "-", "_")+"_id")
	case "change-flow-run-state":
		out = append(out, stateMembers(o)...)
	case "call-webhook":
		a.Block = block(o)
		o.templates("payload")
		out = append(out, member{"block_document_id", a.Block}, member{"payload", payload(o)})
	case "send-notification":
		o.required("body")
		o.templates("subject", "body")
		a.Block = block(o)
		out = append(out, member{"block_document_id", a.Block}, member{"subject", o.text("subject", usualSubject)}, member{"body", o.text("body", "")})
	case SendMail:
		o.required("body")
		o.templates("subject", "body")
		if o.has("block_document_id") && !o.isNull("block_document_id") {
			a.Block = o.id("block_document_id")
			out = append(out, member{"block_document_id", a.Block})
		}
		out = append(out, member{"subject", o.text("subject", usualSubject)}, member{"body", o.text("body", "")}, member{"emails", addresses(o)})
	case NotifyOwner:
		o.required("notification_type")
		o.required("message")
		o.templates("message")
		out = append(out, member{"notification_type", o.text("notification_type", "")}, member{"message", o.text("message", "")})
	case SLAViolation:
		a.Source = Inferred
		out = append(out, member{"source", o.choice("source", Inferred, Inferred)}, member{"deployment_id", o.id("deployment_id")},
			member{"sla_severity", o.choice("sla_severity", string(api.SlaSeverityHigh), api.SlaSeverity("").Values()...)}, member{"sla_payload", api.Object(o.mapping("sla_payload"))})
	default:
		o.wrong("type", "literal_error", "Input should be "+api.Choices(kinds()))
		a.Type = ""
	}
	a.Stored = written(out)
	return a
}

// kinds are the kinds of actions that the contract names when it refuses another one; those
// of the hosted service are not among them.
func kinds() []string {
	return []string{
		"do-nothing", RunDeployment, "pause-deployment", "resume-deployment", "cancel-flow-run", "delete-flow-run",
		"change-flow-run-state", "pause-work-queue", "resume-work-queue", "send-notification", "call-webhook",
		"pause-automation", "resume-automation", "suspend-flow-run", "resume-flow-run", "pause-work-pool", "resume-work-pool",
	}
}

// impliedAction is the kind of an action that does not name it.
func impliedAction(o *object) string {
	for _, known := range []struct{ member, kind string }{
		{"deployment_id", RunDeployment}, {"work_queue_id", "pause-work-queue"}, {"work_pool_id", "pause-work-pool"},
		{"automation_id", "pause-automation"}, {"body", "send-notification"}, {"block_document_id", "call-webhook"},
		{"state", "change-flow-run-state"},
	} {
		if o.has(known.member) {
			return known.kind
		}
	}
	return "do-nothing"
}

// target reads which object is acted on.
func (a *Action) target(o *object, out []member, name string) []member {
	a.Source = o.choice("source", Selected, Selected, Inferred)
	a.Target = o.id(name)
	switch {
	case a.Source == Selected && a.Target == nil:
		o.problem("value_error", "Value error, "+name+" is required")
	case a.Source == Inferred && a.Target != nil:
		o.problem("value_error", "Value error, "+name+" is not allowed")
	}
	return append(out, member{"source", a.Source}, member{name, a.Target})
}

func delay(o *object) api.Float {
	d := o.duration("schedule_after", 0)
	if d < 0 {
		o.wrong("schedule_after", "value_error", "Value error, schedule_after must be non-negative")
	}
	return api.Seconds(d.Truncate(time.Microsecond))
}

// usualSubject is the subject of messages that have none.
const usualSubject = "Prefect automated notification"

// mostAddresses is how many addresses an action writes to at most.
const mostAddresses = 50

// addresses reads to whom an action writes.
func addresses(o *object) []string {
	if !o.required("emails") {
		return nil
	}
	list := o.set("emails")
	for _, address := range list {
		parsed, err := mail.ParseAddress(address)
		if err != nil || parsed.Address != address {
			o.wrong("emails", "value_error", "value is not a valid email address: "+address)
		}
	}
	if len(list) == 0 || len(list) > mostAddresses {
		o.wrong("emails", "value_error", "Value error, an action writes to 1 to "+strconv.Itoa(mostAddresses)+" addresses")
	}
	return list
}

func stateMembers(o *object) []member {
	state := ""
	if o.required("state") {
		state = o.choice("state", "", api.StateType("").Values()...)
	}
	return []member{{"name", o.optionalText("name")}, {"state", state}, {"message", o.optionalText("message")}, {"force", o.flag("force")}}
}

func block(o *object) *uuid.UUID {
	if !o.required("block_document_id") {
		return nil
	}
	if o.isNull("block_document_id") {
		o.wrong("block_document_id", "uuid_type", "UUID input should be a string, bytes or UUID object")
	}
	return o.id("block_document_id")
}

// templates checks members that are templates.
func (o *object) templates(names ...string) {
	for _, name := range names {
		var text string
		if json.Unmarshal(o.members[name], &text) != nil {
			continue
		}
		if err := jinja.Validate(text); err != nil {
			o.wrong(name, "value_error", "Value error, '"+name+"' is not a valid template: "+err.Error())
		}
	}
}

// fillable checks a member that has placeholders.
func (o *object) fillable(name string) {
	if o.members[name].Kind() != '{' {
		return
	}
	problems, err := parameters.Problems(o.members[name])
	if err != nil {
		problems = []string{" " + err.Error()}
	}
	if len(problems) > 0 {
		o.wrong(name, "value_error", "Value error, Invalid parameters: \n"+strings.Join(problems, "\n  "))
	}
}

// payload reads a template; JSON that is no text becomes its text.
func payload(o *object) string {
	v := o.members["payload"]
	switch v.Kind() {
	case '"', 'n', 0:
		return o.text("payload", "")
	}
	v = v.Clone()
	if v.Indent(jsontext.WithIndent("  ")) != nil {
		o.wrong("payload", "string_type", "Input should be a valid string")
	}
	return string(v)
}

// member is one member of a stored action.
type member struct {
	name  string
	value any
}

// written is the object with these members, in their order.
func written(members []member) jsontext.Value {
	out := []byte{'{'}
	for i, m := range members {
		if i > 0 {
			out = append(out, ',')
		}
		name, _ := jsontext.AppendQuote(nil, m.name) // a constant of ours
		value, err := json.Marshal(m.value)
		if err != nil {
			value = []byte("null") // what was read from JSON can be written
		}
		out = append(append(append(out, name...), ':'), value...)
	}
	return append(out, '}')
}
