package jobtemplate

import (
	"github.com/usherhq/usher/internal/api"
)

// Job is a filled and resolved job configuration: what every type of infrastructure has,
// with the rest for the type to read.
type Job struct {
	Command string             // "" means the type's own
	Env     map[string]*string // nil values unset what would be inherited
	Labels  map[string]string
	Name    string
	Rest    map[string]any // every other member of the configuration
}

// Settle checks a resolved job configuration and gives its members their types: whatever
// stands in env becomes text, as Python writes it.
func Settle(config map[string]any) (Job, error) {
	job := Job{Env: map[string]*string{}, Labels: map[string]string{}, Rest: map[string]any{}}
	for key, value := range config {
		var err error
		switch key {
		case "command":
			job.Command, err = text(key, value)
		case "name":
			job.Name, err = text(key, value)
		case "env":
			err = eachMember(key, value, func(name string, value any) { job.Env[name] = textOrNil(value) })
		case "labels":
			err = eachMember(key, value, func(name string, value any) { job.Labels[name] = Text(value) })
		default:
			job.Rest[key] = value
		}
		if err != nil {
			return Job{}, err
		}
	}
	return job, nil
}

func text(key string, value any) (string, error) {
	switch v := value.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	}
	return "", api.Errorf(api.CodeInvalid, "job variable %q must be text, got %s", key, kindOf(value))
}

func textOrNil(value any) *string {
	if value == nil {
		return nil
	}
	s := Text(value)
	return &s
}

func eachMember(key string, value any, f func(string, any)) error {
	object, ok := value.(map[string]any)
	if !ok && value != nil {
		return api.Errorf(api.CodeInvalid, "job variable %q must be an object, got %s", key, kindOf(value))
	}
	for name, v := range object {
		f(name, v)
	}
	return nil
}
