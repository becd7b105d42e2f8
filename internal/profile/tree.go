package profile

import (
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// ServerTree returns a tree of settings, as the API shows it, with the values of the
// server's settings that somebody set in the place of those that are there. Secrets are
// masked.
func (s *Settings) ServerTree(defaults jsontext.Value) (jsontext.Value, error) {
	tree := map[string]any{}
	if err := json.Unmarshal(defaults, &tree); err != nil {
		return nil, err
	}
	for _, v := range s.Set() {
		if strings.HasPrefix(v.Setting.Path, "server.") && !v.Setting.Ours && v.Source != FromDefault {
			put(tree, strings.Split(v.Setting.Path, "."), v.shownAs())
		}
	}
	return json.Marshal(tree, json.Deterministic(true))
}

// put replaces what is at a path; a path that the tree does not have is left out.
func put(tree map[string]any, path []string, value any) {
	old, isThere := tree[path[0]]
	if !isThere {
		return
	}
	if len(path) == 1 {
		tree[path[0]] = value
		return
	}
	if below, isTree := old.(map[string]any); isTree {
		put(below, path[1:], value)
	}
}

// shownAs is the value in the type of its setting.
func (v Value) shownAs() any {
	if v.Text == "" && v.Setting.Optional {
		return nil
	}
	switch v.Setting.Kind {
	case Bool:
		return v.Bool()
	case Int:
		return v.Int()
	case Float:
		return v.Float()
	case Duration:
		return "PT" + strconv.FormatFloat(v.Duration().Seconds(), 'f', -1, 64) + "S"
	case List, Set, StatusSet, Numbers:
		return v.List()
	case Map:
		return v.Map()
	case Text, Secret, Path, Choice:
	}
	return v.Shown()
}
