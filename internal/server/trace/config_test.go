package trace_test

import (
	"strings"
	"testing"

	"github.com/usherhq/usher/internal/server/trace"
)

func TestTheEnvironmentSaysWhereTracesGo(t *testing.T) {
	t.Parallel()
	const endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4318"
	for _, c := range []struct {
		env             string
		endpoint, error string
	}{
		{"", "", ""},
		{endpoint, "http://c:4318/v1/traces", ""},
		{endpoint + "/", "http://c:4318/v1/traces", ""},
		{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=https://c/own", "https://c/own", ""},
		{endpoint + " OTEL_SDK_DISABLED=true", "", ""},
		{endpoint + " OTEL_TRACES_EXPORTER=none", "", ""},
		{endpoint + " OTEL_EXPORTER_OTLP_PROTOCOL=grpc", "", "gRPC"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=c:4317", "", "http://"},
		{endpoint + " OTEL_EXPORTER_OTLP_HEADERS=canary", "", "OTEL_EXPORTER_OTLP_HEADERS"},
		{endpoint + " OTEL_TRACES_SAMPLER=nobody", "", "always_on"},
		{endpoint + " OTEL_TRACES_SAMPLER=traceidratio OTEL_TRACES_SAMPLER_ARG=2", "", "from 0 to 1"},
	} {
		got, err := trace.FromEnv(variables(c.env), "1")
		if got.Endpoint != c.endpoint || (err == nil) != (c.error == "") || err != nil && !strings.Contains(err.Error(), c.error) {
			t.Errorf("%s: %q %v", c.env, got.Endpoint, err)
		}
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("a header is in the error: %v", err)
		}
	}
}

// variables are those of a text NAME=value NAME=value.
func variables(text string) func(string) string {
	return func(name string) string {
		for part := range strings.FieldsSeq(text) {
			if key, value, _ := strings.Cut(part, "="); key == name {
				return value
			}
		}
		return ""
	}
}

func TestSamplersDecide(t *testing.T) {
	t.Parallel()
	const (
		sampled = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
		not     = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
	)
	for _, c := range []struct {
		env, parent string
		recorded    bool
	}{
		{"", "", true}, {"", sampled, true}, {"", not, false}, {"", "nonsense", true}, {"", strings.ToUpper(not), true},
		{"OTEL_TRACES_SAMPLER=always_on", not, true},
		{"OTEL_TRACES_SAMPLER=always_off", sampled, false},
		{"OTEL_TRACES_SAMPLER=parentbased_always_off", sampled, true},
		{"OTEL_TRACES_SAMPLER=parentbased_traceidratio OTEL_TRACES_SAMPLER_ARG=0", "", false},
	} {
		config, err := trace.FromEnv(variables("OTEL_EXPORTER_OTLP_ENDPOINT=http://c "+c.env), "1")
		if err != nil {
			t.Fatal(err)
		}
		if got := trace.New(config, nil).Start(trace.Request, "x", c.parent) != nil; got != c.recorded {
			t.Errorf("%s, parent %q: recorded %v", c.env, c.parent, got)
		}
	}
}
