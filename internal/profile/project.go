package profile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/usherhq/usher/internal/api"
)

// readProject reads a project file whose tables mirror the settings tree, below
// the table that prefix names. The result maps setting paths to texts.
func readProject(dir, name string, prefix ...string) (map[string]string, error) {
	text, err := os.ReadFile(filepath.Join(dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the settings of %s: %w", name, err)
	}
	var tree map[string]any
	if err := toml.Unmarshal(text, &tree); err != nil {
		return nil, api.Errorf(api.CodeInvalid, "%s is not valid TOML%s: %w", name, tomlPlace(err), err)
	}
	for _, step := range prefix {
		tree, _ = tree[step].(map[string]any)
	}
	return flatten(tree), nil
}

// tomlPlace says where in the file the error is.
func tomlPlace(err error) string {
	var decode *toml.DecodeError
	if !errors.As(err, &decode) {
		return ""
	}
	line, column := decode.Position()
	return fmt.Sprintf(" (line %d, column %d)", line, column)
}

// flatten keeps what the tree says about known settings.
func flatten(tree map[string]any) map[string]string {
	values := map[string]string{}
	for _, table := range [][]Setting{clientSettings[:], serverSettings[:]} {
		for _, s := range table {
			if value, ok := lookup(tree, s.Path); ok && !s.Ours {
				values[s.Name()] = plainText(value)
			}
		}
	}
	return values
}

func lookup(tree map[string]any, path string) (any, bool) {
	for {
		step, rest, more := strings.Cut(path, ".")
		value, ok := tree[step]
		if !ok || !more {
			return value, ok
		}
		tree, ok = value.(map[string]any)
		if !ok {
			return nil, false
		}
		path = rest
	}
}
