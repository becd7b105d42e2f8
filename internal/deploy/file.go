package deploy

import (
	"errors"
	"io/fs"
	"os"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/document"
)

// File is a prefect.yaml file.
type File struct {
	Path        string
	Exists      bool
	Build, Push []any
	Pull        any // nil when the file leaves it open, an empty list when it wants none
	Deployments []Config

	nodes []*yaml.Node // where the deployments stand
}

// Config is one deployment as a file or a command line describes it: the keys of the file.
type Config map[string]any

// Name is the deployment's name, "" for none.
func (c Config) Name() string { return c.text("name") }

// Entrypoint is where the flow is, "" when that is not said.
func (c Config) Entrypoint() string { return c.text("entrypoint") }

// WorkPool is the name of the work pool, "" when the file names none.
func (c Config) WorkPool() string {
	name, _ := c.object("work_pool")["name"].(string)
	return name
}

func (c Config) text(key string) string {
	s, _ := c[key].(string)
	return s
}

func (c Config) object(key string) map[string]any {
	m, _ := c[key].(map[string]any)
	return m
}

// Load reads the file at path. A file that does not exist is empty; one that is broken is an
// error that says where.
func Load(path string) (*File, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &File{Path: path}, nil
	}
	if err != nil {
		return nil, api.Errorf(api.CodeInvalid, "read %s: %w", path, err)
	}
	root, err := document.Parse(path, data)
	if err != nil {
		return nil, err
	}
	f := &File{Path: path, Exists: true}
	if err := f.read(root); err != nil {
		return nil, document.Located(path, err)
	}
	return f, nil
}

func (f *File) read(root *yaml.Node) error {
	if root.Kind == yaml.ScalarNode && root.Value == "" {
		return nil
	}
	if root.Kind != yaml.MappingNode {
		return document.At(root, "the file must be a mapping with keys such as deployments")
	}
	for _, key := range []string{"build", "push", "pull"} {
		if _, n := member(root, key); n != nil {
			if err := checkSteps(key, n); err != nil {
				return err
			}
		}
	}
	for _, key := range []string{"name", "prefect-version"} {
		if _, n := member(root, key); n != nil && !isNull(resolved(n)) {
			if problem := check(shapeText, key, resolved(n)); problem != nil {
				return problem
			}
		}
	}
	whole, err := document.Tree(root)
	if err != nil {
		return err
	}
	top := whole.(map[string]any)
	f.Build, f.Push, f.Pull = stepList(top["build"]), stepList(top["push"]), normalSteps(top["pull"])
	_, list := member(root, "deployments")
	return f.readDeployments(list)
}

func (f *File) readDeployments(list *yaml.Node) error {
	list = resolved(list)
	if list == nil || isNull(list) {
		return nil
	}
	if list.Kind != yaml.SequenceNode {
		return document.At(list, "deployments must be a list")
	}
	var wrong []error
	for i, item := range list.Content {
		if item = resolved(item); isNull(item) {
			continue
		}
		if err := checkDeployment(i, item); err != nil {
			wrong = append(wrong, err)
			continue
		}
		config, err := document.Tree(item)
		if err != nil {
			return err
		}
		numberParameters(item, config.(map[string]any))
		f.Deployments = append(f.Deployments, normalConfig(config.(map[string]any)))
		f.nodes = append(f.nodes, item)
	}
	return f.joined(wrong)
}

// numberParameters keeps the order in which a program's parameters stand in the file: forms
// show them by it.
func numberParameters(item *yaml.Node, c Config) {
	parameters, ok := c.object("usher")["parameters"].(map[string]any)
	if !ok {
		return
	}
	_, manifest := member(item, "usher")
	_, n := member(manifest, "parameters")
	position := int64(0)
	for i := 0; i+1 < len(resolved(n).Content); i += 2 {
		if property, ok := parameters[resolved(n).Content[i].Value].(map[string]any); ok {
			property["position"] = position
			position++
		}
	}
}

// joined makes one error of several.
func (f *File) joined(list []error) error {
	switch len(list) {
	case 0:
		return nil
	case 1:
		return list[0]
	}
	lines := make([]string, len(list))
	for i, err := range list {
		lines[i] = "  " + document.Located(f.Path, err).Error()
	}
	return api.Errorf(api.CodeInvalid, "%d deployments are not valid:\n%s", len(list), strings.Join(lines, "\n"))
}

// member finds a key of a mapping, also one that is merged into it.
func member(n *yaml.Node, key string) (k, v *yaml.Node) {
	n = resolved(n)
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key && n.Content[i].Kind == yaml.ScalarNode {
			k, v = n.Content[i], n.Content[i+1]
		}
	}
	if v != nil {
		return k, v
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if source := resolved(n.Content[i+1]); document.IsMerge(n.Content[i]) && source.Kind == yaml.MappingNode {
			if k, v = member(source, key); v != nil {
				return k, v
			}
		}
	}
	return nil, nil
}

// resolved follows an alias.
func resolved(n *yaml.Node) *yaml.Node {
	if n != nil && n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func isNull(n *yaml.Node) bool {
	value, err := document.Scalar(n)
	return n.Kind == yaml.ScalarNode && err == nil && value == nil
}

// normalSteps makes a list of a step that stands alone.
func normalSteps(v any) any {
	if object, ok := v.(map[string]any); ok {
		if len(object) == 0 {
			return []any{}
		}
		return []any{object}
	}
	return v
}

func stepList(v any) []any {
	list, _ := normalSteps(v).([]any)
	return list
}

// normalConfig brings a deployment's keys into their one form.
func normalConfig(c Config) Config {
	for _, key := range []string{"build", "push", "pull"} {
		if steps, ok := c[key]; ok {
			c[key] = normalSteps(steps)
		}
	}
	return c
}
