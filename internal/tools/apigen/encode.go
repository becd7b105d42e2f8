package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// encoders writes AppendJSON for every type that answers hold: the same bytes as
// json.Marshal, without reflection.
func (g *generator) encoders() string {
	var b bytes.Buffer
	for _, name := range g.schemaNames() {
		s := g.schemas[name]
		if g.responses[name] && len(s.Enum) == 0 && len(s.Properties) > 0 {
			g.writeEncoder(&b, name, s)
		}
	}
	return b.String()
}

func (g *generator) writeEncoder(w io.Writer, name string, s *schema) {
	goType := g.typeName(name)
	fmt.Fprintf(w, "// AppendJSON appends v as json.Marshal writes it.\nfunc (v *%s) AppendJSON(b []byte) []byte {\n", goType)
	separator := "{"
	for _, p := range s.Properties {
		field, goType := "v."+goName(p.Key), g.fieldType(s, p, false, name)
		if p.Value.added {
			whole := ""
			if g.isMissed(p.Value) {
				whole = " || v.Whole"
			}
			fmt.Fprintf(w, "if %s != nil%s {\n", field, whole)
			if base, isPointer := strings.CutPrefix(goType, "*"); isPointer && whole == "" {
				field, goType = "(*"+field+")", base
			}
		}
		fmt.Fprintf(w, "b = append(b, %s...)\n", "`"+separator+`"`+p.Key+`":`+"`")
		g.writeFieldEncoder(w, field, goType)
		if p.Value.added {
			fmt.Fprint(w, "}\n")
		}
		separator = ","
	}
	if g.keepsMore(name) {
		fmt.Fprint(w, "b = appendMembers(b, v.More)\n")
	}
	fmt.Fprint(w, "return append(b, '}')\n}\n\n")
}

func (g *generator) writeFieldEncoder(w io.Writer, field, goType string) {
	if base, ok := strings.CutPrefix(goType, "*"); ok {
		fmt.Fprintf(w, "if %s == nil {\nb = append(b, null...)\n} else {\n", field)
		g.writeFieldEncoder(w, "(*"+field+")", base)
		fmt.Fprint(w, "}\n")
		return
	}
	if element, ok := strings.CutPrefix(goType, "[]"); ok {
		g.writeListEncoder(w, field, element)
		return
	}
	if element, ok := strings.CutPrefix(goType, "NullList["); ok {
		fmt.Fprintf(w, "if %s == nil {\nb = append(b, null...)\n} else {\n", field)
		g.writeListEncoder(w, field, strings.TrimSuffix(element, "]"))
		fmt.Fprint(w, "}\n")
		return
	}
	fmt.Fprintf(w, "b = %s\n", g.scalarEncoder(field, goType))
}

func (g *generator) writeListEncoder(w io.Writer, field, element string) {
	i := string(rune('i' + strings.Count(field, "[")))
	fmt.Fprintf(w, "b = append(b, '[')\nfor %s := range %s {\nif %s > 0 {\nb = append(b, ',')\n}\n", i, field, i)
	g.writeFieldEncoder(w, field+"["+i+"]", element)
	fmt.Fprint(w, "}\nb = append(b, ']')\n")
}

func (g *generator) scalarEncoder(field, goType string) string {
	switch goType {
	case "string":
		return "appendString(b, " + field + ")"
	case "int":
		return "strconv.AppendInt(b, int64(" + field + "), 10)"
	case "bool":
		return "strconv.AppendBool(b, " + field + ")"
	case "uuid.UUID":
		return "appendUUID(b, " + field + ")"
	case "Time", "Float":
		return field + ".appendJSON(b)"
	case "jsontext.Value":
		return "appendRaw(b, " + field + ")"
	}
	for name, s := range g.schemas {
		if g.typeName(name) != goType {
			continue
		}
		switch {
		case len(s.Enum) > 0:
			return "appendString(b, string(" + field + "))"
		case len(s.Properties) > 0 && g.responses[name]:
			return field + ".AppendJSON(b)"
		}
	}
	return "appendAny(b, " + field + ")"
}
