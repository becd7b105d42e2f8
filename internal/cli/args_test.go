package cli

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/output"
)

// testTree has the shapes that normalizing tells apart.
func testTree() *cobra.Command {
	var options output.Options
	list := &cobra.Command{Use: "ls", RunE: runGroup}
	OutputFlags(list, &options, []string{"id", "name"})
	inspect := &cobra.Command{Use: "inspect", RunE: runGroup}
	var name string
	Positionals(inspect, Positional{Name: "name", Value: &name, Required: true})
	OutputFlags(inspect, &options, []string{"id", "name"})
	root := Group("usher", "", nil, func() []*cobra.Command {
		return []*cobra.Command{Group("flow", "", nil, func() []*cobra.Command { return []*cobra.Command{list, inspect} })}
	})
	GrowAll(root)
	return root
}

func TestNormalize(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, in, want string }{
		{"-p before the word", "-p prod flow ls", "--profile prod flow ls"},
		{"-p joined", "-pprod flow ls", "--profile=prod flow ls"},
		{"-p=", "-p=prod flow ls", "--profile=prod flow ls"},
		{"-p behind the word stays", "flow ls -p x", "flow ls -p x"},
		{"a profile is no command word", "--profile flow --no-prompt flow ls", "--profile flow --no-prompt flow ls"},
		{"-jv and -cl", "flow ls -jv a=b -cl=3", "flow ls --job-variable a=b --concurrency-limit=3"},
		{"--json takes fields", "flow ls --json id,name -jv x", "flow ls --json=id,name --job-variable x"},
		{"--json takes anything where there are no arguments", "flow ls --json nme", "flow ls --json=nme"},
		{"--json leaves an argument", "flow inspect --json my-flow", "flow inspect --json my-flow"},
		{"--json takes fields before an argument", "flow inspect --json id my-flow", "flow inspect --json=id my-flow"},
		{"--json before a flag", "flow ls --json --jq .", "flow ls --json --jq ."},
		{"nothing behind --", "flow inspect -- -jv --json id", "flow inspect -- -jv --json id"},
		{"unknown command", "nope -jv x", "nope --job-variable x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(strings.Fields(c.want), Normalize(testTree(), strings.Fields(c.in))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestWantedFormat(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"flow ls --json":               "json",
		"flow ls --json=id":            "json",
		"flow ls -o json":              "json",
		"flow ls -o=json":              "json",
		"flow ls -ojson":               "json",
		"flow ls --output JSON":        "json",
		"flow ls --output=Json":        "json",
		"flow ls -o yaml":              "yaml",
		"flow ls --output=YAML":        "yaml",
		"flow ls -o table":             "",
		"flow ls -o tsv":               "",
		"flow ls json":                 "",
		"flow inspect -- --json":       "",
		"deployment run -o":            "",
		"variable set --json-schema x": "",
	} {
		if got := WantedFormat(strings.Fields(line)); got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}
