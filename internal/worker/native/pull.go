package native

import (
	"context"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/references"
	"github.com/usherhq/usher/internal/rules/jobtemplate"
	"github.com/usherhq/usher/internal/secrets"
	"github.com/usherhq/usher/internal/steps"
)

// Pull runs a deployment's pull steps from dir on and returns where they led: that is where
// the program runs.
func (e *Engine) Pull(ctx context.Context, pull []jsontext.Value, dir string, env map[string]string, say func(string)) (string, error) {
	return Pull(ctx, e.Client, e.Secrets, pull, steps.Runner{Dir: dir, Env: env, Say: say})
}

// Pull runs a deployment's pull steps with the runner, which reads blocks and variables from
// the API and what blocks refer to from s, and returns where they led.
func Pull(ctx context.Context, c *client.Client, s *secrets.Sources, pull []jsontext.Value, runner steps.Runner) (string, error) {
	list := make([]any, len(pull))
	for i, step := range pull {
		var err error
		if list[i], err = jobtemplate.Parse(step); err != nil {
			return "", api.Errorf(api.CodeInvalid, "pull step %d: %w", i+1, err)
		}
	}
	runner.Resolve = func(tree any) (any, error) { return references.Resolve(ctx, c, s, tree) }
	outputs, err := runner.Run(ctx, list)
	return outputs.Dir, err
}
