package main

import (
	"regexp"
	"slices"
	"strings"
)

// handWritten are the groups of the hosted service's operations whose types and routes are
// written by hand, since they say who may use the server.
var handWritten = []string{
	"Workspaces", "Workspace Invitations", "Workspace User Access", "Workspace Bot Access", "Workspace Team Access",
	"Workspace Access", "Me", "Webhooks",
}

const inWorkspace = "/api/accounts/{account_id}/workspaces/{workspace_id}"

// host adds the operations that the hosted service has inside of a workspace and the
// contract lacks, with the schemas that only they use. What both know stays the contract's.
// Their paths are below the workspace's.
func (d *document) host(hosted *document) {
	served := map[string]bool{}
	for _, p := range d.Paths {
		for _, m := range p.Value {
			served[m.Key+" "+unnamed(p.Key)] = true
		}
	}
	schemas := &schema{Properties: hosted.Components.Schemas}
	for _, p := range hosted.Paths {
		path, inside := strings.CutPrefix(p.Key, inWorkspace)
		if !inside || path == "" || strings.HasSuffix(path, "access") {
			continue
		}
		var more ordered[operation]
		for _, m := range p.Value {
			if served[m.Key+" "+unnamed(path)] || slices.ContainsFunc(handWritten, func(tag string) bool { return slices.Contains(m.Value.Tags, tag) }) {
				continue
			}
			m.Value.hosted, m.Value.ID = true, functionOf(m.Value.ID, p.Key, m.Key)
			m.Value.Parameters = slices.DeleteFunc(m.Value.Parameters, func(q parameter) bool { return q.Name == "account_id" || q.Name == "workspace_id" })
			more = append(more, m)
			d.borrow(m.Value.RequestBody.schema(), schemas)
			for _, r := range m.Value.Responses {
				d.borrow(r.schema(), schemas)
			}
		}
		if len(more) > 0 {
			d.Paths = append(d.Paths, member[ordered[operation]]{path, more})
		}
	}
	slices.SortStableFunc(d.Components.Schemas[d.own:], func(a, b member[*schema]) int { return strings.Compare(a.Key, b.Key) })
}

// borrow takes the schemas that s refers to from those of another document, unless they are
// known.
func (d *document) borrow(s *schema, from *schema) {
	if s == nil {
		return
	}
	for _, found := range reference.FindAllStringSubmatch(string(s.raw), -1) {
		if _, known := find(&schema{Properties: d.Components.Schemas}, found[1]); known {
			continue
		}
		if wanted, there := find(from, found[1]); there {
			d.Components.Schemas = append(d.Components.Schemas, member[*schema]{found[1], wanted})
			d.borrow(wanted, from)
		}
	}
}

var parameterName = regexp.MustCompile(`\{[^}]*\}`)

// unnamed is a path whatever its parameters are called, with or without a slash at its end.
func unnamed(path string) string {
	return strings.TrimSuffix(parameterName.ReplaceAllString(path, "{}"), "/")
}
