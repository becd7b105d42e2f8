package nativeflow_test

import (
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/usherhq/usher/internal/rules/nativeflow"
)

func TestTheCommandCarriesTheManifest(t *testing.T) {
	t.Parallel()
	for _, m := range []nativeflow.Manifest{
		{Run: []string{"./etl"}, LogFormat: nativeflow.LogAuto, Result: nativeflow.ResultNone},
		{
			Run: []string{"./a b", "--n={{ parameters.n }}", "it's", ""}, Retries: 2, RetryDelay: 1500 * time.Millisecond,
			Timeout: time.Minute, LogFormat: nativeflow.LogPlain, StderrLevel: "ERROR", Result: nativeflow.ResultFile, APIAccess: true,
		},
		{Run: []string{"echo $X | wc"}, Shell: true, LogFormat: nativeflow.LogAuto, Result: nativeflow.ResultStdout},
	} {
		got, ok, err := nativeflow.ParseCommand(m.Command())
		if err != nil || !ok {
			t.Fatalf("%s: %v %v", m.Command(), ok, err)
		}
		if diff := cmp.Diff(m, got); diff != "" {
			t.Errorf("%s: %s", m.Command(), diff)
		}
	}
}

func TestOtherCommandsAreNotNative(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"", "python -m prefect.engine", "usher worker start", "pusher exec -- x"} {
		if _, ok, err := nativeflow.ParseCommand(command); ok || err != nil {
			t.Errorf("%q: %v %v", command, ok, err)
		}
	}
	for _, broken := range []string{"usher exec", "usher exec --retries=x -- a", "usher exec --what -- a", "usher exec --result=moon -- a"} {
		if _, ok, err := nativeflow.ParseCommand(broken); !ok || err == nil {
			t.Errorf("%q: %v %v", broken, ok, err)
		}
	}
}

func TestParametersReachTheProgram(t *testing.T) {
	t.Parallel()
	schema := jsontext.Value(`{"properties":{"n":{"default":3},"name":{},"d-x":{}},"required":["name","zeta"]}`)
	parameters, missing, err := nativeflow.Parameters(schema, jsontext.Value(`{"name":"a b","d-x":{"k":[1,null]}}`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"zeta"}, missing); diff != "" {
		t.Error(diff)
	}
	env, err := nativeflow.Environment(parameters)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"USHER_PARAMETERS": `{"d-x":{"k":[1,null]},"n":3,"name":"a b"}`, "USHER_PARAM_N": "3", "USHER_PARAM_NAME": "a b", "USHER_PARAM_D_X": `{"k":[1,null]}`,
	}
	if diff := cmp.Diff(want, env); diff != "" {
		t.Error(diff)
	}
	m := nativeflow.Manifest{Run: []string{"./x", "{{ parameters.name }}", "--n={{ parameters.n }}", "{{ other }}"}}
	argv, err := m.Argv(parameters)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"./x", "a b", "--n=3", "{{ other }}"}, argv); diff != "" {
		t.Error(diff)
	}
	if _, err := (nativeflow.Manifest{Run: []string{"{{ parameters.none }}"}}).Argv(parameters); err == nil {
		t.Error("a parameter that is not there filled an argument")
	}
}

func TestLinesSayTheirLevel(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		line   string
		format nativeflow.LogFormat
		level  int
		text   string
	}{
		{"plain", nativeflow.LogAuto, 20, "plain"},
		{"::warning:: look", nativeflow.LogAuto, 30, "look"},
		{"::error::now", nativeflow.LogAuto, 40, "now"},
		{"::else:: x", nativeflow.LogAuto, 20, "::else:: x"},
		{`{"level":"debug","msg":"m","x":1}`, nativeflow.LogAuto, 10, "m"},
		{`{"severity":"ERROR","message":"m"}`, nativeflow.LogAuto, 40, "m"},
		{`{"level":7}`, nativeflow.LogAuto, 20, `{"level":7}`},
		{`{"msg":"m"}`, nativeflow.LogAuto, 20, `{"msg":"m"}`},
		{"::begin:: a b", nativeflow.LogAuto, 20, "Task a b begins"},
		{"::end::a", nativeflow.LogAuto, 20, "Task a ended"},
		{"::fail:: a: why: so", nativeflow.LogAuto, 40, "Task a failed: why: so"},
		{"::fail:: a", nativeflow.LogAuto, 40, "Task a failed"},
		{"::begin::", nativeflow.LogAuto, 20, "::begin::"},
		{"::begin:: a", nativeflow.LogPlain, 20, "::begin:: a"},
		{"::progress:: load 40%", nativeflow.LogAuto, 20, "load: 40 %"},
		{"::progress:: load 400", nativeflow.LogAuto, 20, "::progress:: load 400"},
		{`::artifact:: report {"type": "markdown", "data": "# Hi"}`, nativeflow.LogAuto, 20, "Artifact report (markdown)"},
		{`::artifact:: report {"type": "markdown"}`, nativeflow.LogAuto, 20, `::artifact:: report {"type": "markdown"}`},
		{`::artifact:: report {`, nativeflow.LogAuto, 20, `::artifact:: report {`},
		{`::artifact:: r {"type": "x", "data": 1}`, nativeflow.LogPlain, 20, `::artifact:: r {"type": "x", "data": 1}`},
		{`::result:: {"rows": 10}`, nativeflow.LogAuto, 20, `Result: {"rows": 10}`},
		{"::result:: ten", nativeflow.LogAuto, 20, "::result:: ten"},
		{"::failure:: Quota", nativeflow.LogAuto, 40, "Quota"},
		{"::failure:: Quota: it is full: 3 of 3", nativeflow.LogAuto, 40, "Quota: it is full: 3 of 3"},
		{`::failure:: Quota {"message": "full", "retryable": false}`, nativeflow.LogAuto, 40, "Quota: full"},
		{"::failure:: two words", nativeflow.LogAuto, 20, "::failure:: two words"},
		{"::failure:: : why", nativeflow.LogAuto, 20, "::failure:: : why"},
		{"::failure::", nativeflow.LogAuto, 20, "::failure::"},
		{"::failure:: Quota", nativeflow.LogPlain, 20, "::failure:: Quota"},
		{"::error:: x", nativeflow.LogPlain, 20, "::error:: x"},
	} {
		level, text, _ := nativeflow.ReadLine(c.line, c.format, 20)
		if level != c.level || text != c.text {
			t.Errorf("%q: %d %q, want %d %q", c.line, level, text, c.level, c.text)
		}
	}
}

func TestFailuresSayWhetherTheyWouldComeAgain(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]nativeflow.Failure{
		`::failure:: Quota {"message": "full\nof it", "retryable": false}`: {Type: "Quota", Message: "full\nof it", Final: true},
		`::failure:: Quota {"message": "full", "retryable": true}`:         {Type: "Quota", Message: "full"},
		`::failure:: Quota {"retryable": false, "code": 7}`:                {Type: "Quota", Final: true},
		`::failure:: Quota: full`:                                          {Type: "Quota", Message: "full"},
		`::failure:: Quota: ` + strings.Repeat("ä", 5000):                  {Type: "Quota", Message: strings.Repeat("ä", 4096) + "…"},
	} {
		_, _, told := nativeflow.ReadLine(line, nativeflow.LogAuto, 20)
		if diff := cmp.Diff(nativeflow.Told(want), told); diff != "" {
			t.Errorf("%s: %s", line, diff)
		}
	}
}
