package main

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
)

type generator struct {
	doc       *document
	schemas   map[string]*schema
	requests  map[string]bool // reachable from a request body
	responses map[string]bool // reachable from an answer
	bodies    map[string]string
	ops       []op
}

// op is one operation with its Go name.
type op struct {
	operation
	Name, Method, Path string
}

func newGenerator(doc *document) *generator {
	g := &generator{doc: doc, schemas: map[string]*schema{}, requests: map[string]bool{}, responses: map[string]bool{}, bodies: map[string]string{}}
	for _, m := range doc.Components.Schemas {
		g.schemas[m.Key] = m.Value
	}
	g.nameOperations()
	for _, o := range g.ops {
		g.mark(o.RequestBody.schema(), g.requests)
		for code, r := range o.Responses {
			if code != "422" {
				g.mark(r.schema(), g.responses)
			}
		}
	}
	return g
}

// nameOperations gives each operation a Go name. Where two share a function's name, the
// contract's keeps it before the hosted service's, then the one with the shorter path, and
// the other says where it is: …InWorkPools.
func (g *generator) nameOperations() {
	first := map[string]op{}
	for _, p := range g.doc.Paths {
		for _, m := range p.Value {
			o := op{m.Value, goName(functionOf(m.Value.ID, p.Key, m.Key)), strings.ToUpper(m.Key), p.Key}
			g.ops = append(g.ops, o)
			if have, ok := first[o.Name]; !ok || have.hosted == o.hosted && len(o.Path) < len(have.Path) {
				first[o.Name] = o
			}
		}
	}
	for i, o := range g.ops {
		if first[o.Name].Path != o.Path {
			g.ops[i].Name += "In" + goName(strings.Split(o.Path, "/")[1])
		}
		if s := o.RequestBody.schema(); s != nil && strings.HasPrefix(s.ref(), "Body_") {
			g.bodies[s.ref()] = g.ops[i].Name + "Request"
		}
	}
}

func (g *generator) mark(s *schema, seen map[string]bool) {
	if s == nil {
		return
	}
	if name := s.ref(); name != "" {
		if seen[name] {
			return
		}
		seen[name] = true
		s = g.schemas[name]
	}
	for _, sub := range slices.Concat(s.AnyOf, s.OneOf, []*schema{s.Items}) {
		g.mark(sub, seen)
	}
	for _, p := range s.Properties {
		g.mark(p.Value, seen)
	}
}

// schemaNames lists the schemas that get a type of their own, in the contract's order.
func (g *generator) schemaNames() []string {
	var names []string
	for _, m := range g.doc.Components.Schemas {
		if !g.isFree(m.Key) && collapsed(m.Value) == nil && m.Key != "HTTPValidationError" && m.Key != "ValidationError" {
			names = append(names, m.Key)
		}
	}
	return names
}

// isFree says that a schema stays raw JSON: the settings dump, and triggers and
// actions, whose union types are decoded by the rules that evaluate them.
func (g *generator) isFree(name string) bool {
	if isSettings(name) || strings.HasSuffix(name, "Trigger") || strings.Contains(name, "Trigger-") {
		return true
	}
	s := g.schemas[name]
	if s == nil {
		return false
	}
	for _, p := range s.Properties {
		if p.Key == "type" && p.Value.Const != nil && len(p.Value.Const) > 0 {
			return !strings.Contains("Constant FlowRunResult Parameter TaskRunResult StateAcceptDetails StateAbortDetails StateRejectDetails StateWaitDetails", name)
		}
	}
	return name == "CronSchedule" || name == "IntervalSchedule" || name == "RRuleSchedule" || name == "ResourceSpecification"
}

func isSettings(name string) bool { return strings.HasSuffix(name, "Settings") }

func (g *generator) typeName(name string) string {
	if op, ok := g.bodies[name]; ok {
		return op
	}
	return goName(name)
}

func (g *generator) writeSchema(w io.Writer, name string) {
	s, goType := g.schemas[name], g.typeName(name)
	switch {
	case len(s.Enum) > 0:
		g.writeEnum(w, goType, s)
	case len(s.Properties) == 0:
		fmt.Fprintf(w, "// %s is schema %s of the contract.\ntype %s = %s\n\n", goType, name, goType, g.goType(s, false))
	default:
		g.writeStruct(w, name, goType, s)
	}
}

func (g *generator) writeEnum(w io.Writer, goType string, s *schema) {
	fmt.Fprintf(w, "// %s is an enumeration of the contract.\ntype %s string\n\n// The values of %s.\nconst (\n", goType, goType, goType)
	for _, v := range s.Enum {
		fmt.Fprintf(w, "%s%s %s = %q\n", goType, goName(strings.ToLower(v)), goType, v)
	}
	fmt.Fprintf(w, ")\n\n// Values lists every %s, in the contract's order.\nfunc (%s) Values() []string {\nreturn []string{%s}\n}\n\n",
		goType, goType, quoted(s.Enum))
}

func quoted(list []string) string {
	var b bytes.Buffer
	for i, v := range list {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%q", v)
	}
	return b.String()
}

func (g *generator) writeStruct(w io.Writer, name, goType string, s *schema) {
	request := g.requests[name] && !g.responses[name]
	kind := "an answer"
	if request {
		kind = "a request"
	} else if g.requests[name] {
		kind = "part of requests and answers"
	}
	fmt.Fprintf(w, "// %s is schema %s of the contract, %s.\ntype %s struct {\n", goType, name, kind, goType)
	for _, p := range s.Properties {
		fmt.Fprintf(w, "%s %s `%s`%s\n", goName(p.Key), g.fieldType(s, p, request, name), fieldTag(s, p, request, name, g), defaultComment(p.Value, request))
	}
	if g.requests[name] && string(s.AdditionalProperties) == "false" {
		fmt.Fprint(w, "Unknown jsontext.Value `json:\",embed\"` // members that the contract forbids\n")
	}
	if g.keepsMore(name) {
		fmt.Fprint(w, "More jsontext.Value `json:\",embed\"` // members that the contract does not name\n")
	}
	if g.isWhole(s, name) {
		fmt.Fprint(w, "Whole bool `json:\"-\"` // AppendJSON writes members that are added as null when they have no value\n")
	}
	fmt.Fprint(w, "}\n\n")
}

// isWhole says that answers may have to name members that are added and have no value.
func (g *generator) isWhole(s *schema, name string) bool {
	return g.responses[name] && slices.ContainsFunc(s.Properties, func(p member[*schema]) bool { return g.isMissed(p.Value) })
}

// isMissed says that clients of the hosted service find a member even if it has no value.
func (g *generator) isMissed(s *schema) bool {
	_, nullable := g.nullable(s)
	return s.shared && nullable
}

// keepsMore says that what requests bring besides the named members comes back in answers.
func (g *generator) keepsMore(name string) bool {
	return g.requests[name] && g.responses[name] && string(g.schemas[name].AdditionalProperties) == "true"
}

// fieldType is the Go type of a property. Optional properties of requests have three
// states; filters need only two, because null means absent there.
func (g *generator) fieldType(s *schema, p member[*schema], request bool, owner string) string {
	base, nullable := g.nullable(p.Value)
	goType := g.goType(base, request)
	required := slices.Contains(s.Required, p.Key)
	switch {
	case p.Value.added && !request:
		return pointerTo(goType)
	case request && !required && g.isFilter(base, owner):
		return pointerTo(goType)
	case request && !required:
		return "Opt[" + goType + "]"
	case nullable && strings.HasPrefix(goType, "[]"):
		return "NullList[" + strings.TrimPrefix(goType, "[]") + "]"
	case nullable && strings.HasPrefix(goType, "map[string]"):
		return "NullMap[" + strings.TrimPrefix(goType, "map[string]") + "]"
	case nullable:
		return pointerTo(goType)
	}
	return goType
}

// isFilter says that absent and null mean the same: members of filters and filters themselves.
func (g *generator) isFilter(s *schema, owner string) bool {
	if strings.Contains(owner, "Filter") && len(s.Enum) == 0 && s.Ref == "" {
		return true
	}
	return strings.Contains(s.ref(), "Filter")
}

func pointerTo(goType string) string {
	if strings.HasPrefix(goType, "[]") || strings.HasPrefix(goType, "map[") || goType == "jsontext.Value" {
		return goType
	}
	return "*" + goType
}

func (g *generator) nullable(s *schema) (*schema, bool) {
	alts := s.AnyOf
	if len(alts) == 0 {
		alts = s.OneOf
	}
	var rest []*schema
	null := false
	for _, a := range alts {
		if a.Type == "null" {
			null = true
		} else {
			rest = append(rest, a)
		}
	}
	if null && len(rest) == 1 {
		return rest[0], true
	}
	return s, null
}

func (g *generator) goType(s *schema, request bool) string {
	if s == nil {
		return "jsontext.Value"
	}
	if name := s.ref(); name != "" {
		return g.refType(name)
	}
	if len(s.AnyOf) > 0 || len(s.OneOf) > 0 {
		return "jsontext.Value"
	}
	switch s.Type {
	case "string":
		return stringType(s.Format)
	case "integer":
		return "int"
	case "number":
		return "Float"
	case "boolean":
		return "bool"
	case "array":
		return "[]" + g.goType(s.Items, request)
	case "object":
		return objectType(s)
	}
	return "jsontext.Value"
}

func (g *generator) refType(name string) string {
	if g.isFree(name) {
		return "jsontext.Value"
	}
	if item := collapsed(g.schemas[name]); item != nil {
		if isSpan(g.schemas[name]) {
			return "Span"
		}
		return "Match[" + g.goType(item, true) + "]"
	}
	return g.typeName(name)
}

func isSpan(s *schema) bool {
	_, before := find(s, "before_")
	_, after := find(s, "after_")
	return before || after
}

// collapsed returns the element of a filter that is only any_, not_any_ and like_
// lists, or a before_/after_ span: those become the generics Match and Span.
func collapsed(s *schema) *schema {
	if len(s.Properties) == 0 {
		return nil
	}
	var element *schema
	for _, p := range s.Properties {
		base := p.Value
		for _, a := range base.AnyOf {
			if a.Type != "null" {
				base = a
			}
		}
		switch p.Key {
		case "any_", "not_any_":
			if base.Items == nil {
				return nil
			}
			element = base.Items
		case "like_", "before_", "after_":
			if element == nil {
				element = base
			}
		default:
			return nil
		}
	}
	return element
}

func find(s *schema, key string) (*schema, bool) {
	for _, p := range s.Properties {
		if p.Key == key {
			return p.Value, true
		}
	}
	return nil, false
}

func stringType(format string) string {
	switch format {
	case "uuid":
		return "uuid.UUID"
	case "date-time":
		return "Time"
	}
	return "string"
}

func objectType(s *schema) string {
	switch extra := strings.Join(strings.Fields(string(s.AdditionalProperties)), ""); {
	case extra == `{"type":"string"}`:
		return "map[string]string"
	case extra == `{"type":"integer"}`:
		return "map[string]int"
	}
	return "jsontext.Value"
}

// acceptsNull are the properties that the reference takes null for although its contract
// does not say so: a run without a name gets one.
var acceptsNull = map[string]bool{
	"FlowRunCreate.name": true, "FlowRunUpdate.name": true, "DeploymentFlowRunCreate.name": true,
	"TaskRunCreate.name": true, "TaskRunUpdate.name": true,
}

// fieldTag carries the JSON name and, for requests, the checks that api.Decode makes.
func fieldTag(s *schema, p member[*schema], request bool, owner string, g *generator) string {
	required := slices.Contains(s.Required, p.Key)
	base, nullable := g.nullable(p.Value)
	if !request && p.Value.added {
		return fmt.Sprintf(`json:"%s,omitzero"`, p.Key)
	}
	if !request && (!g.requests[owner] || !required) {
		return fmt.Sprintf(`json:%q`, p.Key)
	}
	var checks []string
	if required {
		checks = append(checks, "required")
	}
	// What is a parameter of its own in the body takes null as absent.
	parameter := g.bodies[owner] != "" && !required
	if nullable || parameter || acceptsNull[owner+"."+p.Key] {
		checks = append(checks, "null")
	}
	if base.Minimum != nil {
		checks = append(checks, fmt.Sprintf("min=%g", *base.Minimum))
	}
	if base.ExclusiveMinimum != nil {
		checks = append(checks, fmt.Sprintf("above=%g", *base.ExclusiveMinimum))
	}
	if base.Maximum != nil {
		checks = append(checks, fmt.Sprintf("max=%g", *base.Maximum))
	}
	if base.MaxLength != nil {
		checks = append(checks, fmt.Sprintf("maxlen=%d", *base.MaxLength))
	}
	if base.Pattern != "" {
		checks = append(checks, "pattern="+base.Pattern)
	}
	if g.allowsMore(base, request) || base.Items != nil && g.allowsMore(base.Items, request) {
		checks = append(checks, "schema")
	}
	if len(base.Enum) > 0 {
		checks = append(checks, "words="+strings.Join(base.Enum, "|"))
	}
	omit := ""
	if !required {
		omit = ",omitzero"
	}
	if len(checks) == 0 {
		return fmt.Sprintf(`json:"%s%s"`, p.Key, omit)
	}
	return fmt.Sprintf(`json:"%s%s" check:%q`, p.Key, omit, strings.Join(checks, ","))
}

// allowsMore says that the Go type of a schema takes what the schema refuses.
func (g *generator) allowsMore(s *schema, request bool) bool {
	isOfNumbers := s.Enum != nil && len(s.Enum) == 0
	return isOfNumbers || g.goType(s, request) == "jsontext.Value" && g.isConstrained(s)
}

// isConstrained says that a schema allows less than any JSON of its kind.
func (g *generator) isConstrained(s *schema) bool {
	for _, o := range slices.Concat(s.AnyOf, s.OneOf) {
		if o.Ref == "" && o.Type == "" || g.isFree(o.ref()) {
			return false
		}
	}
	if len(s.AnyOf)+len(s.OneOf) > 0 {
		return true
	}
	return s.AdditionalProperties.Kind() == '{'
}

func defaultComment(s *schema, request bool) string {
	if !request || len(s.Default) == 0 || string(s.Default) == "null" || len(s.Default) > 60 {
		return ""
	}
	return " // default " + strings.Join(strings.Fields(string(s.Default)), " ")
}
