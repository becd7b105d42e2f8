package nativeflow

import (
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/jobtemplate"
)

// Parameters lays the parameters of a run over the defaults of the deployment's schema and
// names the required ones that are still missing.
func Parameters(schema, given jsontext.Value) (parameters map[string]any, missing []string, err error) {
	described, err := jobtemplate.ParseObject(schema)
	if err != nil {
		return nil, nil, api.Errorf(api.CodeInvalid, "the deployment's parameter schema: %w", err)
	}
	passed, err := jobtemplate.ParseObject(given)
	if err != nil {
		return nil, nil, api.Errorf(api.CodeInvalid, "the run's parameters: %w", err)
	}
	parameters = map[string]any{}
	properties, _ := described["properties"].(map[string]any)
	for name, property := range properties {
		attributes, _ := property.(map[string]any)
		if value, ok := attributes["default"]; ok {
			parameters[name] = value
		}
	}
	maps.Copy(parameters, passed)
	required, _ := described["required"].([]any)
	for _, name := range required {
		if text, ok := name.(string); ok {
			if _, ok := parameters[text]; !ok {
				missing = append(missing, text)
			}
		}
	}
	slices.Sort(missing)
	return parameters, missing, nil
}

// Environment is the parameters as variables: all of them as JSON in USHER_PARAMETERS, and
// each in USHER_PARAM_<NAME>, text as it is and everything else as JSON.
func Environment(parameters map[string]any) (map[string]string, error) {
	all, err := jobtemplate.Encode(parameters)
	if err != nil {
		return nil, err
	}
	env := map[string]string{"USHER_PARAMETERS": string(all)}
	for name, value := range parameters {
		if env["USHER_PARAM_"+variableName(name)], err = plain(value); err != nil {
			return nil, err
		}
	}
	return env, nil
}

func variableName(name string) string {
	return strings.Map(func(r rune) rune {
		if r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return '_'
		}
		return unicode.ToUpper(r)
	}, name)
}

func plain(value any) (string, error) {
	if text, ok := value.(string); ok {
		return text, nil
	}
	encoded, err := jobtemplate.Encode(value)
	return string(encoded), err
}

const parameterPrefix = "parameters."

// Argv is the program's command line with the parameters filled in. Each argument stays
// one argument, whatever a parameter holds. A shell line is left as it is.
func (m Manifest) Argv(parameters map[string]any) ([]string, error) {
	if m.Shell {
		return []string{"sh", "-c", strings.Join(m.Run, " ")}, nil
	}
	argv := make([]string, len(m.Run))
	for i, arg := range m.Run {
		var err error
		if argv[i], err = fillArgument(arg, parameters); err != nil {
			return nil, err
		}
	}
	return argv, nil
}

func fillArgument(arg string, parameters map[string]any) (string, error) {
	for _, hole := range jobtemplate.Placeholders(arg) {
		name, ok := strings.CutPrefix(hole.Name, parameterPrefix)
		if !ok {
			continue
		}
		value, ok := jobtemplate.Lookup(parameters, name)
		if !ok {
			return "", api.Errorf(api.CodeInvalid, "argument %q: the run has no parameter %q", arg, name)
		}
		text, err := plain(value)
		if err != nil {
			return "", err
		}
		arg = strings.ReplaceAll(arg, hole.Match, text)
	}
	return arg, nil
}
