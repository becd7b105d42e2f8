package deploy

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/document"
	"github.com/usherhq/usher/internal/rules/jobtemplate"
)

// Save writes what was deployed into the file: a deployment that it does not have at the end
// of its list, one that it has gets the keys that it lacks. Not a character of what stands
// there already changes. A file that is written in a way that does not allow that is left as
// it is, and the error has the lines to add by hand.
func (f *File) Save(c Config, o Options) error {
	whole, err := saved(c, o)
	if err != nil {
		return err
	}
	old, err := os.ReadFile(f.Path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return api.Errorf(api.CodeInvalid, "read %s: %w", f.Path, err)
	}
	edited, err := f.edit(string(old), c, whole)
	if err == nil {
		err = f.faithful(edited, c, whole)
	}
	if err != nil {
		item, encoded := item(whole)
		return errors.Join(encoded, api.Errorf(api.CodeInvalid, "%s is left as it is: %w. To save the deployment, add it to the list of deployments yourself:\n%s", f.Path, err, item))
	}
	return replaceFile(f.Path, edited)
}

// saved is what the file shall say of the deployment: its keys and the flags, without what is empty.
func saved(c Config, o Options) (Config, error) {
	whole, _, err := o.apply(c)
	if err != nil {
		return nil, err
	}
	delete(whole, "schedule") // it stands among the schedules now
	if truthy(c["schedule"]) {
		delete(whole, "schedules") // as the file says already
	}
	delete(whole, "flow_name")
	for key, flags := range map[string][]string{"triggers": o.Triggers, "sla": o.SLA} {
		if len(flags) > 0 {
			if whole[key], err = fromFlags(key, flags); err != nil {
				return nil, err
			}
		}
	}
	for _, object := range []map[string]any{whole.object("work_pool"), whole} {
		maps.DeleteFunc(object, func(key string, v any) bool {
			_, explicit := c[key] // pull: [] says something
			return !truthy(v) && v != false && !explicit
		})
	}
	return whole, nil
}

// edit puts the deployment into the text of the file.
func (f *File) edit(text string, c, whole Config) (string, error) {
	root, err := document.Parse(f.Path, []byte(text))
	if err != nil {
		return "", err
	}
	e := &editor{lines: strings.SplitAfter(text, "\n"), newline: "\n"}
	if strings.Contains(text, "\r\n") {
		e.newline = "\r\n"
	}
	added, err := item(whole)
	if err != nil {
		return "", err
	}
	empty := root.Kind == yaml.ScalarNode && root.Value == ""
	if !empty && (root.Kind != yaml.MappingNode || root.Style&yaml.FlowStyle != 0) {
		return "", api.Errorf(api.CodeInvalid, "it is not written as a block of keys")
	}
	var key, list *yaml.Node
	if !empty {
		key, list = member(root, "deployments")
	}
	switch {
	case list == nil:
		e.insert(len(e.lines), "deployments:\n"+indented(added, 2))
	case list.Kind == yaml.ScalarNode && list.Value == "" || list.Kind == yaml.SequenceNode && len(list.Content) == 0:
		return e.fill(key, list, indented(added, 2))
	case list.Kind != yaml.SequenceNode || list.Style&yaml.FlowStyle != 0:
		return "", api.Errorf(api.CodeInvalid, "its list of deployments is not written as a block")
	default:
		return f.editList(e, list, c, whole, added)
	}
	return e.text(), nil
}

// editList adds to a deployment of the list, or one to the list.
func (f *File) editList(e *editor, list *yaml.Node, c, whole Config, added string) (string, error) {
	var known *yaml.Node
	for i, node := range f.nodes {
		if f.node(c) == node {
			known = list.Content[slices.IndexFunc(list.Content, func(n *yaml.Node) bool { return n.Line == f.nodes[i].Line })]
		}
	}
	last := list.Content[len(list.Content)-1]
	if known == nil {
		dash := list.Column - 1
		e.insert(e.after(last.Line, dash), indented(added, dash))
		return e.text(), nil
	}
	if known.Kind != yaml.MappingNode || known.Style&yaml.FlowStyle != 0 {
		return "", api.Errorf(api.CodeInvalid, "the deployment is not written as a block of keys")
	}
	missing := Config{}
	for key, value := range whole {
		if _, n := member(known, key); n == nil {
			missing[key] = value
		}
	}
	if _, pool := member(known, "work_pool"); pool != nil && whole.WorkPool() != c.WorkPool() {
		return "", api.Errorf(api.CodeInvalid, "the deployment's work pool is described already, without its name")
	}
	lines, err := keys(missing)
	if err == nil && len(missing) > 0 {
		e.insert(e.after(known.Line, list.Column-1), indented(lines, known.Column-1))
	}
	return e.text(), err
}

// faithful says that the edited text means what it meant, and the deployment beside it.
func (f *File) faithful(edited string, c, whole Config) error {
	after := &File{Path: f.Path}
	root, err := document.Parse(f.Path, []byte(edited))
	if err == nil {
		err = after.read(root)
	}
	if err != nil {
		return err
	}
	wrong := api.Errorf(api.CodeInvalid, "it is written in a way that can't be added to without changing it")
	want := slices.Clone(f.Deployments)
	if i := slices.IndexFunc(f.nodes, func(n *yaml.Node) bool { return f.node(c) == n }); i >= 0 {
		merged := Config(jobtemplate.CloneObject(want[i]))
		for key, value := range whole {
			if _, ok := merged[key]; !ok {
				merged[key] = value
			}
		}
		want[i] = merged
	} else {
		want = append(want, whole)
	}
	if len(after.Deployments) != len(want) || !equal(after.Build, f.Build) || !equal(after.Push, f.Push) || !equal(after.Pull, f.Pull) {
		return wrong
	}
	for i := range want {
		if !equal(after.Deployments[i], normalConfig(want[i])) {
			return wrong
		}
	}
	return nil
}

// order is how a deployment's keys are written; others follow by name.
var order = []string{"name", "entrypoint", "description", "version", "tags", "parameters", "schedules", "concurrency_limit", "work_pool"}

// keys writes a deployment's keys as YAML.
func keys(c Config) (string, error) {
	names := slices.SortedFunc(maps.Keys(c), func(a, b string) int {
		rank := func(name string) int {
			if i := slices.Index(order, name); i >= 0 {
				return i
			}
			return len(order)
		}
		if rank(a) != rank(b) {
			return rank(a) - rank(b)
		}
		return strings.Compare(a, b)
	})
	var object bytes.Buffer
	object.WriteByte('{')
	for i, name := range names {
		if i > 0 {
			object.WriteByte(',')
		}
		value, err := jobtemplate.Encode(c[name])
		if err != nil {
			return "", err
		}
		quoted, err := jsontext.AppendQuote(nil, name)
		if err != nil {
			return "", err
		}
		object.Write(quoted)
		object.WriteByte(':')
		object.Write(value)
	}
	object.WriteByte('}')
	var out bytes.Buffer
	err := document.WriteYAML(&out, object.Bytes())
	return out.String(), err
}

// item writes a deployment as an item of a list.
func item(c Config) (string, error) {
	lines, err := keys(c)
	return "- " + strings.TrimPrefix(indented(lines, 2), "  "), err
}

// indented puts spaces before each line that is not empty.
func indented(text string, by int) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) != "" {
			b.WriteString(strings.Repeat(" ", by))
		}
		b.WriteString(line)
	}
	return b.String()
}

// editor adds lines to a text.
type editor struct {
	lines   []string // with their ends
	newline string
}

func (e *editor) text() string { return strings.Join(e.lines, "") }

// insert puts lines before the one with the index.
func (e *editor) insert(at int, text string) {
	text = strings.ReplaceAll(text, "\n", e.newline)
	if at > 0 && e.lines[at-1] != "" && !strings.HasSuffix(e.lines[at-1], "\n") {
		text = e.newline + text
	}
	e.lines = slices.Insert(e.lines, at, text)
}

// after is the index of the line behind an item of a list that begins at a line, the first
// being 1, and whose dash stands at a column, the first being 0.
func (e *editor) after(line, dash int) int {
	end := line
	for i := line; i < len(e.lines); i++ {
		text := strings.TrimRight(e.lines[i], "\r\n")
		if strings.TrimSpace(text) == "" {
			continue
		}
		if len(text)-len(strings.TrimLeft(text, " ")) <= dash {
			break
		}
		end = i + 1
	}
	return end
}

// fill writes the first item of a list that is empty.
func (e *editor) fill(key, list *yaml.Node, text string) (string, error) {
	line := e.lines[key.Line-1]
	if list.Kind == yaml.SequenceNode {
		at := list.Column - 1
		if list.Line != key.Line || at+2 > len(line) || line[at:at+2] != "[]" {
			return "", api.Errorf(api.CodeInvalid, "its list of deployments is not written as a block")
		}
		e.lines[key.Line-1] = strings.TrimRight(line[:at], " ") + line[at+2:]
	}
	e.insert(key.Line, text)
	return e.text(), nil
}

// replaceFile writes a file in one step, where a link to it leads, and keeps who may read it.
func replaceFile(path, text string) error {
	mode := fs.FileMode(0o644)
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
		if info, err := os.Stat(path); err == nil {
			mode = info.Mode().Perm()
		}
	}
	next := path + ".new"
	if err := os.WriteFile(next, []byte(text), mode); err != nil {
		return err
	}
	if err := os.Rename(next, path); err != nil {
		return errors.Join(err, os.Remove(next))
	}
	return nil
}
