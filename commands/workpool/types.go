package workpool

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
)

// kind is a type of infrastructure that the server knows.
type kind struct {
	Type        string         `json:"type"`
	DisplayName string         `json:"display_name"`
	Description string         `json:"description"`
	Template    jsontext.Value `json:"default_base_job_configuration"`
	Beta        bool           `json:"is_beta"`
}

// kinds reads the types that the server knows.
func kinds(ctx context.Context, c *client.Client) (map[string]kind, error) {
	view, err := c.ReadViewContent(ctx, "aggregate-worker-metadata")
	if err != nil {
		return nil, fmt.Errorf("read the types of work pools: %w", err)
	}
	var collections map[string]map[string]kind
	if err := json.Unmarshal(view, &collections); err != nil {
		return nil, fmt.Errorf("read the types of work pools: %w", err)
	}
	found := map[string]kind{}
	for _, collection := range collections {
		for name, k := range collection {
			if k.Type == "" {
				k.Type = name
			}
			found[k.Type] = k
		}
	}
	delete(found, "prefect-agent") // of old: nothing takes its runs any more
	return found, nil
}

// kindOf finds a type, or says which there are.
func kindOf(found map[string]kind, name string) (kind, error) {
	k, ok := found[name]
	if ok {
		return k, nil
	}
	names := slices.Sorted(maps.Keys(found))
	err := cli.Usagef("there is no type of work pool %q", name)
	if near := cli.Nearest(name, names); near != "" {
		return k, err.WithHint(fmt.Sprintf("did you mean %q? The types: %s", near, strings.Join(names, ", ")))
	}
	return k, err.WithHint("the types: " + strings.Join(names, ", "))
}

// readTemplate reads the template of a job from a file.
func readTemplate(path string) (jsontext.Value, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the template of jobs: %w", err)
	}
	template := jsontext.Value(text)
	if !template.IsValid() || template.Kind() != '{' {
		return nil, cli.Usagef("%s is not a JSON object", path).WithHint("`usher work-pool get-default-base-job-template --type process` prints one to begin with")
	}
	return template, nil
}

// template chooses the template of a new pool: a file, or what the type has.
func template(ctx context.Context, c *client.Client, name, file string) (api.Opt[jsontext.Value], error) {
	var none api.Opt[jsontext.Value]
	found, err := kinds(ctx, c)
	if err != nil {
		return none, err
	}
	k, err := kindOf(found, name)
	if err != nil {
		return none, err
	}
	if file == "" {
		return api.Some(api.Object(k.Template)), nil
	}
	text, err := readTemplate(file)
	return api.Some(text), err
}
