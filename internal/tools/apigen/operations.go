package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// operationTable writes the list of operations that routes and client share.
func (g *generator) operationTable() string {
	var b bytes.Buffer
	b.WriteString("// Operation is one operation of the contract.\ntype Operation struct {\nName string // Go name, unique\nMethod string\nPath string // relative to /api, with {parameters}\nTag string // the contract's group\n}\n\n// The operations of the contract, by name.\nvar (\n")
	for _, o := range g.ops {
		fmt.Fprintf(&b, "Op%s = Operation{%q, %q, %q, %q}\n", o.Name, o.Name, o.Method, o.Path, strings.Join(o.Tags, ","))
	}
	b.WriteString(")\n\n")
	g.writeList(&b, "Operations lists every operation of the contract, in its order.", "Operations", func(o op) bool { return !o.hosted && !o.added })
	g.writeList(&b, "HostedOperations lists the operations that the hosted service has inside of a workspace and the contract lacks, in its order.", "HostedOperations", func(o op) bool { return o.hosted })
	g.writeList(&b, "AddedOperations lists the operations that usher adds in docs/api/usher.json, in its order.", "AddedOperations", func(o op) bool { return o.added })
	return b.String()
}

func (g *generator) writeList(b *bytes.Buffer, comment, name string, isIn func(op) bool) {
	fmt.Fprintf(b, "// %s\nfunc %s() []Operation {\nreturn []Operation{\n", comment, name)
	for _, o := range g.ops {
		if isIn(o) {
			fmt.Fprintf(b, "Op%s,\n", o.Name)
		}
	}
	b.WriteString("}\n}\n\n")
}

// clientMethods writes one typed method per operation.
func (g *generator) clientMethods() string {
	var b bytes.Buffer
	for _, o := range g.ops {
		g.writeMethod(&b, o)
	}
	return b.String()
}

func (g *generator) writeMethod(b *bytes.Buffer, o op) {
	args, pathArgs, query := []string{"ctx context.Context"}, []string{}, "nil"
	for _, p := range o.Parameters {
		switch p.In {
		case "path":
			name := argName(p.Name)
			args = append(args, name+" "+g.qualified(g.goType(p.Schema, true)))
			pathArgs = append(pathArgs, name)
		case "query":
			query = "query"
		}
	}
	if query != "nil" {
		args = append(args, "query url.Values")
	}
	body := "nil"
	if s := o.RequestBody.schema(); s != nil {
		t := g.qualified(g.goType(s, true))
		if !strings.HasPrefix(t, "[]") && t != "jsontext.Value" {
			t = "*" + t
		}
		args, body = append(args, "body "+t), "body"
	}
	result := g.resultType(o)
	fmt.Fprintf(b, "// %s calls %s %s.\n", o.Name, o.Method, o.Path)
	call := fmt.Sprintf("ctx, api.Op%s, []any{%s}, %s, %s", o.Name, strings.Join(pathArgs, ", "), query, body)
	if result == "" {
		fmt.Fprintf(b, "func (c *Client) %s(%s) error {\nreturn c.call(%s, nil)\n}\n\n", o.Name, strings.Join(args, ", "), call)
		return
	}
	fmt.Fprintf(b, "func (c *Client) %s(%s) (%s, error) {\nvar out %s\nerr := c.call(%s, &out)\nreturn out, err\n}\n\n",
		o.Name, strings.Join(args, ", "), result, result, call)
}

func (g *generator) resultType(o op) string {
	for _, code := range []string{"200", "201", "202"} {
		if r := o.Responses[code]; r != nil {
			if s := r.schema(); s != nil {
				base, nullable := g.nullable(s)
				t := g.qualified(g.goType(base, false))
				if nullable {
					t = pointerTo(t)
				}
				return t
			}
		}
	}
	return ""
}

var builtin = []string{"string", "int", "bool", "any", "uuid.UUID", "jsontext.Value", "map[string]string", "map[string]int"}

func (g *generator) qualified(goType string) string {
	prefix := ""
	for strings.HasPrefix(goType, "[]") {
		prefix, goType = prefix+"[]", goType[2:]
	}
	if slices.Contains(builtin, goType) {
		return prefix + goType
	}
	return prefix + "api." + goType
}

func argName(name string) string {
	n := goName(name)
	if n == strings.ToUpper(n) {
		return strings.ToLower(n)
	}
	return strings.ToLower(n[:1]) + n[1:]
}
