package main

import (
	"regexp"
	"strings"
)

var initialisms = map[string]string{
	"<": "Below", "<=": "AtMost", ">": "Above", ">=": "AtLeast",
	"id": "ID", "ids": "IDs", "url": "URL", "api": "API", "ui": "UI", "pid": "PID", "json": "JSON", "ttl": "TTL", "csrf": "CSRF", "db": "DB",
}

// goName turns a JSON name into an exported Go name: work_pool_name → WorkPoolName, any_ → Any.
func goName(name string) string {
	var b strings.Builder
	for part := range strings.FieldsFuncSeq(name, func(r rune) bool { return r == '_' || r == '-' || r == '.' || r == ':' }) {
		if up, ok := initialisms[part]; ok {
			b.WriteString(up)
			continue
		}
		b.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	return b.String()
}

var nonWord = regexp.MustCompile(`\W`)

// functionOf undoes FastAPI's operation id, function_path_method, to the function's name.
func functionOf(id, path, method string) string {
	return strings.TrimSuffix(id, nonWord.ReplaceAllString(path, "_")+"_"+method)
}

// nouns name the generated files; the longest prefix of a schema's name wins.
var nouns = []string{
	"Artifact", "Asset", "Automation", "Block", "Concurrency", "Deployment", "Event", "FlowRun", "Flow", "Incident", "Log", "Metric", "Publication",
	"Resource", "SavedSearch", "Sla", "Span", "State", "Subscription", "TaskRun", "TaskWorker", "Variable", "WorkPool", "WorkQueue", "Worker",
}

// fileOf returns the file of a schema: that of the noun its Go name begins with.
func (g *generator) fileOf(schemaName string) string {
	name := g.typeName(schemaName)
	for _, verb := range []string{"Read", "Count", "Filter", "Paginate", "BulkDelete", "BulkSet", "Create", "Set", "Resume"} {
		name = strings.TrimPrefix(name, verb)
	}
	best := ""
	for _, noun := range nouns {
		if strings.HasPrefix(name, noun) && len(noun) > len(best) {
			best = noun
		}
	}
	if best == "" {
		return "contract_gen.go"
	}
	return plural(strings.ToLower(best)) + "_gen.go"
}

func plural(noun string) string {
	switch {
	case strings.HasSuffix(noun, "y"):
		return strings.TrimSuffix(noun, "y") + "ies"
	case strings.HasSuffix(noun, "ch"):
		return noun + "es"
	}
	return noun + "s"
}
