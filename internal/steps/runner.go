package steps

import (
	"context"
	"maps"
	"path/filepath"
	"strings"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/jobtemplate"
)

// Runner runs lists of steps.
type Runner struct {
	Dir    string            // working directory at the start
	Env    map[string]string // of the commands that steps run
	Python string            // interpreter for steps that are not built in; "" means python3 on PATH
	Say    func(line string) // told of progress and of what commands print
	// Resolve replaces references to blocks and variables in a step's arguments.
	Resolve func(tree any) (any, error)
}

// Outputs is what steps left for those after them.
type Outputs struct {
	Values map[string]any // flat, and under the id of each step
	Dir    string         // the working directory; at the end it is where the last step led
}

// step is one entry of a list.
type step struct {
	name     string // dotted name of the callable
	id       string
	requires []string
	args     map[string]any
}

// Run runs the steps in order; each sees the outputs of those before it.
func (r Runner) Run(ctx context.Context, list []any) (Outputs, error) {
	return r.RunWith(ctx, list, map[string]any{})
}

// RunWith is Run with the outputs of earlier lists.
func (r Runner) RunWith(ctx context.Context, list []any, earlier map[string]any) (Outputs, error) {
	out := Outputs{Values: jobtemplate.CloneObject(earlier), Dir: r.Dir}
	led := "" // where the last step that names a directory leads those after all steps
	for i, entry := range list {
		s, err := parse(entry)
		if err != nil {
			return out, api.Errorf(api.CodeInvalid, "step %d: %w", i+1, err)
		}
		if s.name == "" {
			continue
		}
		r.Say(" > Running " + shortName(s.name) + " step...")
		result, err := r.one(ctx, s, &out, idsOf(list[i:]))
		if err != nil {
			return out, api.Errorf(codeOf(err), "Encountered error while running %s: %w", s.name, err)
		}
		if s.id != "" {
			out.Values[s.id] = result
		}
		maps.Copy(out.Values, result)
		if dir, ok := result["directory"].(string); ok && dir != "" {
			led = dir
		}
		if isChange(s.name) {
			out.Dir, led = led, ""
		}
	}
	if led != "" {
		out.Dir = under(out.Dir, led)
	}
	return out, nil
}

// idsOf are the ids of steps that have not run.
func idsOf(list []any) map[string]bool {
	ids := map[string]bool{}
	for _, entry := range list {
		if s, err := parse(entry); err == nil && s.id != "" {
			ids[s.id] = true
		}
	}
	return ids
}

func codeOf(err error) api.Code {
	if code := api.CodeOf(err); code != api.CodeInternal {
		return code
	}
	return api.CodeInvalid
}

func shortName(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }

// parse reads {dotted.name: {arguments}}; an empty entry is no step.
func parse(entry any) (step, error) {
	object, ok := entry.(map[string]any)
	if !ok && entry != nil {
		return step{}, api.Errorf(api.CodeInvalid, "a step is a mapping with the step's name as its only key")
	}
	if len(object) > 1 {
		return step{}, api.Errorf(api.CodeInvalid, "Step has unexpected additional keys: write each step as an entry of its own (found %s)", keys(object))
	}
	for name, value := range object {
		args, ok := value.(map[string]any)
		if !ok && value != nil {
			return step{}, api.Errorf(api.CodeInvalid, "the arguments of %s must be a mapping", name)
		}
		s := step{name: name, args: jobtemplate.CloneObject(args)}
		s.id, _ = args["id"].(string)
		s.requires = stringList(args["requires"])
		delete(s.args, "id")
		delete(s.args, "requires")
		return s, nil
	}
	return step{}, nil
}

func keys(object map[string]any) string {
	names := make([]string, 0, len(object))
	for name := range object {
		names = append(names, name)
	}
	return strings.Join(sorted(names), ", ")
}

func stringList(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var list []string
		for _, item := range v {
			list = append(list, jobtemplate.Text(item))
		}
		return list
	}
	return nil
}

// one fills a step's arguments and runs it. An output of a step that is still to come is empty,
// which is said.
func (r Runner) one(ctx context.Context, s step, out *Outputs, toCome map[string]bool) (map[string]any, error) {
	env := func(name string) (string, bool) {
		value, ok := r.Env[name]
		return value, ok
	}
	early := func(placeholder string) {
		name := strings.Trim(placeholder, "{} ")
		if id, _, _ := strings.Cut(name, "."); toCome[id] && out.Values[id] == nil {
			r.Say("   {{ " + name + " }} is empty: the step " + id + " has not run yet. Put it first.")
		}
	}
	args := jobtemplate.ApplyObject(s.args, out.Values, jobtemplate.Options{Env: env, Missing: early})
	resolved, err := r.Resolve(args)
	if err != nil {
		return nil, err
	}
	environment := make(map[string]any, len(r.Env))
	for name, value := range r.Env {
		environment[name] = value
	}
	s.args = jobtemplate.ApplyObject(resolved.(map[string]any), environment, jobtemplate.Options{Env: env})
	return r.call(ctx, s, out.Dir)
}

// isChange says that the step moves those after it. Others name a directory, such as that of a
// clone, which later steps are told by its name: {{ clone.directory }}.
func isChange(name string) bool { return shortName(name) == "set_working_directory" }

func (r Runner) call(ctx context.Context, s step, dir string) (map[string]any, error) {
	if len(s.requires) == 0 || strings.HasPrefix(s.name, "prefect.deployments.") {
		switch strings.TrimPrefix(strings.Replace(s.name, "prefect.deployments.steps.", "", 1), "prefect.") {
		case "git_clone", "pull.git_clone":
			return r.gitClone(ctx, s.args, dir)
		case "set_working_directory", "pull.set_working_directory":
			return setWorkingDirectory(s.args, dir)
		case "run_shell_script", "utility.run_shell_script":
			return r.shellScript(ctx, s.args, dir)
		}
	}
	switch {
	case len(s.requires) > 0 && !isImageRequirement(s.requires), !isNative(s):
	case s.name == buildStep:
		return r.buildImage(ctx, s.args, dir)
	case s.name == pushStep:
		return r.pushImage(ctx, s.args)
	}
	return r.python(ctx, s, dir)
}

func setWorkingDirectory(args map[string]any, dir string) (map[string]any, error) {
	target, ok := args["directory"].(string)
	if !ok || target == "" {
		return nil, api.Errorf(api.CodeInvalid, "set_working_directory needs the argument directory")
	}
	if !filepath.IsAbs(target) {
		target = filepath.Join(dir, target)
	}
	if err := mustBeDir(target); err != nil {
		return nil, err
	}
	return map[string]any{"directory": filepath.Clean(target)}, nil
}
