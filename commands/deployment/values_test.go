package deployment

import (
	"strings"
	"testing"

	"github.com/usherhq/usher/internal/api"
)

func TestWhereParametersAreBroken(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"{\"a\": 1,\n \"b\": nope}": "--params:2:8: not JSON",
		"[1]":                       "--params has to be a JSON object",
		"3 4":                       "--params:1:",
	} {
		if _, err := readObject("--params", text, nil); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
	if _, err := readPairs("--param", []string{`z="a`}); err == nil || !strings.HasPrefix(err.Error(), "--param z:1:") {
		t.Errorf("a quote that does not end: %v", err)
	}
}

func TestNamesOfRunsAreFilledIn(t *testing.T) {
	t.Parallel()
	d := &api.DeploymentResponse{Parameters: []byte(`{"x": 1, "day": "monday"}`)}
	for pattern, want := range map[string]string{
		"run":          "run",
		"{day}-{x}":    "monday-2",
		"{{x}}-{x}":    "{x}-2",
		"a}}b{{{x}}}c": "a}b{2}c",
		"{nope}":       "",
		"{x":           "",
		"x}":           "",
	} {
		o := &runOptions{flowRunName: pattern}
		got, err := o.fillName(d, values{"x": []byte("2")})
		if (err != nil) != (want == "") || got != want {
			t.Errorf("%q: %q, %v, want %q", pattern, got, err, want)
		}
	}
}
