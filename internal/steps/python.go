package steps

import (
	"bytes"
	"context"
	_ "embed"
	"maps"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/jobtemplate"
)

//go:embed step.py
var stepScript string

// marker begins the line on which the script prints the step's output.
const marker = "@usher-step-output@"

// python calls a step that is a Python callable, in the user's interpreter.
func (r Runner) python(ctx context.Context, s step, dir string) (map[string]any, error) {
	interpreter := r.Python
	if interpreter == "" {
		interpreter = "python3"
	}
	request, err := jobtemplate.Encode(map[string]any{"name": s.name, "args": s.args, "requires": anyList(s.requires)})
	if err != nil {
		return nil, err
	}
	env := maps.Clone(r.Env)
	if env == nil {
		env = map[string]string{}
	}
	env["USHER_STEP"] = string(request)
	var stdout, stderr bytes.Buffer
	say := func(line string) {
		if !strings.HasPrefix(line, marker) {
			r.Say(line)
		}
	}
	code, err := command{[]string{interpreter, "-c", stepScript}, dir, env}.run(ctx, &stdout, &stderr, say)
	if err != nil {
		return nil, api.Errorf(api.CodeInvalid, "the step is a Python function and needs a Python with it installed: %w", err)
	}
	if code != 0 {
		return nil, api.Errorf(api.CodeInvalid, "%s", lastLines(stderr.String()))
	}
	return readOutput(stdout.String())
}

func anyList(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}

func readOutput(stdout string) (map[string]any, error) {
	at := strings.LastIndex(stdout, marker)
	if at < 0 {
		return nil, api.Errorf(api.CodeInvalid, "the step ended without an answer")
	}
	line, _, _ := strings.Cut(stdout[at+len(marker):], "\n")
	var answer struct {
		Output map[string]any `json:"output"`
	}
	if err := json.Unmarshal([]byte(line), &answer); err != nil {
		return nil, err
	}
	return answer.Output, nil
}
