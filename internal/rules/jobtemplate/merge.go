package jobtemplate

import (
	"maps"
	"strings"

	"github.com/usherhq/usher/internal/api"
)

// Merge lays the job variables of a flow run over those of its deployment. Whole values
// are replaced, but the variables of env are merged one by one.
func Merge(deployment, run map[string]any) map[string]any {
	merged := CloneObject(deployment)
	over := CloneObject(run)
	if env, ok := merged["env"].(map[string]any); ok {
		runEnv, _ := over["env"].(map[string]any)
		maps.Copy(env, runEnv)
		delete(over, "env")
	}
	maps.Copy(merged, over)
	return merged
}

// Fill makes the job configuration of a base job template and job variables. References to
// blocks and variables are still in it; ResolveBlocks and ResolveVariables come next.
func Fill(template, values map[string]any, env func(string) (string, bool)) (map[string]any, error) {
	config, ok := template["job_configuration"].(map[string]any)
	if !ok {
		return nil, api.Errorf(api.CodeInvalid, "the work pool's base job template has no job_configuration")
	}
	config = CloneObject(config)
	vars := Defaults(template)
	if env, ok := vars["env"].(map[string]any); ok && len(env) > 0 {
		config["env"] = over(config["env"], env)
	}
	nested, err := undot(values)
	if err != nil {
		return nil, err
	}
	maps.Copy(vars, nested)
	if hard, ok := config["env"].(map[string]any); ok {
		if env, ok := vars["env"].(map[string]any); ok {
			config["env"] = over(hard, env)
		}
	}
	return ApplyObject(config, vars, Options{Env: env}), nil
}

// Extra adds variables of ours to a filled configuration, which the template of a pool that
// was made for another worker does not pass on. What the template says itself stays.
func Extra(config, template, values map[string]any, names ...string) {
	defaults := Defaults(template)
	for _, name := range names {
		if _, said := config[name]; said {
			continue
		}
		if value, ok := values[name]; ok {
			config[name] = Clone(value)
		} else if value, ok := defaults[name]; ok {
			config[name] = value
		}
	}
}

// over lays an env object over the template's, when that is an object too.
func over(base any, env map[string]any) map[string]any {
	merged := map[string]any{}
	if object, ok := base.(map[string]any); ok {
		maps.Copy(merged, object)
	}
	maps.Copy(merged, env)
	return merged
}

// Defaults are the variables' own defaults; null means that there is none.
func Defaults(template map[string]any) map[string]any {
	out := map[string]any{}
	properties, _ := Lookup(template, "variables.properties")
	object, _ := properties.(map[string]any)
	for name, schema := range object {
		attributes, _ := schema.(map[string]any)
		if value := attributes["default"]; value != nil {
			out[name] = Clone(value)
		}
	}
	return out
}

// undot turns "env.FOO" into {"env": {"FOO": …}}. What is written nested wins.
func undot(values map[string]any) (map[string]any, error) {
	out := map[string]any{}
	for key, value := range values {
		if strings.Contains(key, ".") {
			if err := set(out, key, value); err != nil {
				return nil, err
			}
		}
	}
	for key, value := range values {
		if strings.Contains(key, ".") {
			continue
		}
		dotted, isNested := out[key].(map[string]any)
		object, isObject := value.(map[string]any)
		if isNested && isObject {
			out[key] = deepMerge(dotted, object)
			continue
		}
		out[key] = value
	}
	return out, nil
}
