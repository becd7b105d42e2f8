package declare

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"go.yaml.in/yaml/v4"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/document"
)

// ReadFiles reads the objects that files declare: YAML or JSON, several documents in a
// file, all such files of a directory, or what stdin holds. Errors carry their place.
func ReadFiles(paths []string, stdin io.Reader) ([]*Object, error) {
	var all []*Object
	for _, path := range paths {
		files, err := filesOf(path)
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			objects, err := readFile(file, stdin)
			if err != nil {
				return nil, err
			}
			all = append(all, objects...)
		}
	}
	seen := map[string]string{}
	for _, o := range all {
		if first, twice := seen[o.Kind+" "+o.Name]; twice {
			return nil, api.Errorf(api.CodeInvalid, "%s: %s %q is declared already at %s", o.Place, o.Kind, o.Name, first)
		}
		seen[o.Kind+" "+o.Name] = o.Place
	}
	return all, nil
}

// filesOf returns the file, or the documents below a directory in the order of their names.
func filesOf(path string) ([]string, error) {
	if path == document.Stdin {
		return []string{path}, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, api.Errorf(api.CodeInvalid, "read %s: %w", path, err)
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	var files []string
	err = filepath.WalkDir(path, func(file string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(file)) {
			files = append(files, file)
		}
		return err
	})
	if err == nil && len(files) == 0 {
		err = api.Errorf(api.CodeInvalid, "%s holds no .yaml, .yml or .json file", path)
	}
	return files, err
}

func readFile(path string, stdin io.Reader) ([]*Object, error) {
	name, data, err := document.Read(path, stdin)
	if err != nil {
		return nil, err
	}
	docs, err := document.ParseAll(name, data)
	if err != nil {
		return nil, err
	}
	var objects []*Object
	for _, doc := range docs {
		o, err := declared(doc)
		if err != nil {
			return nil, document.Located(name, err)
		}
		o.Place = name + ":" + strconv.Itoa(doc.Line) + ":" + strconv.Itoa(doc.Column)
		objects = append(objects, o)
	}
	return objects, nil
}

// declared reads one document.
func declared(doc *yaml.Node) (*Object, error) {
	if doc.Kind != yaml.MappingNode {
		return nil, document.At(doc, "a document is an object with kind and name")
	}
	o := &Object{fields: fields{}}
	members := map[string]*yaml.Node{}
	for i := 0; i+1 < len(doc.Content); i += 2 {
		members[doc.Content[i].Value] = doc.Content[i]
	}
	for member, into := range map[string]*string{"kind": &o.Kind, "name": &o.Name} {
		if err := textMember(doc, member, into); err != nil {
			return nil, err
		}
	}
	var err error
	if o.kind, err = byName(o.Kind); err != nil {
		return nil, document.At(members["kind"], "%s", err.Error())
	}
	o.Kind = o.kind.name
	for i := 0; i+1 < len(doc.Content); i += 2 {
		if err := o.take(doc.Content[i], doc.Content[i+1]); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// textMember reads a member that has to be there and to be a text.
func textMember(doc *yaml.Node, member string, into *string) error {
	for i := 0; i+1 < len(doc.Content); i += 2 {
		if doc.Content[i].Value != member {
			continue
		}
		if *into = doc.Content[i+1].Value; *into == "" || doc.Content[i+1].Kind != yaml.ScalarNode {
			return document.At(doc.Content[i+1], "%s must be a text", member)
		}
		return nil
	}
	return document.At(doc, "the document has no %s", member)
}

// take reads one field of a document.
func (o *Object) take(key, node *yaml.Node) error {
	if key.Value == "kind" || key.Value == "name" {
		return nil
	}
	if !slices.Contains(o.kind.fields, key.Value) {
		return document.At(key, "a %s has no field %q; its fields are %s", o.Kind, key.Value, strings.Join(o.kind.fields, ", "))
	}
	value, err := document.Tree(node)
	if err != nil {
		return err
	}
	if members, isObject := value.(map[string]any); isObject && o.Kind == blockKind {
		if err := o.takeSecrets(node, members); err != nil {
			return err
		}
	}
	o.fields[key.Value], err = json.Marshal(value, json.Deterministic(true))
	return err
}

// takeSecrets reads what the values of a block refer to.
func (o *Object) takeSecrets(node *yaml.Node, members map[string]any) error {
	for name, value := range members {
		resolved, secret, err := resolve(value)
		if err != nil {
			return document.At(node, "%s of block %q: %s", name, o.Name, err.Error())
		}
		members[name] = resolved
		if secret {
			o.secrets = append(o.secrets, name)
		}
	}
	return nil
}
