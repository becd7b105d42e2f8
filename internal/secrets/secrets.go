// Package secrets reads what blocks only refer to, where the worker is: from HashiCorp Vault,
// the environment and files. The control plane keeps the reference and never sees the value.
package secrets

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/secretref"
)

// Sources are where secrets may be read from. What is not allowed is refused: who writes
// blocks does not get at all that a worker can read. The zero value refuses everything.
type Sources struct {
	Vault *Vault   // nil: none
	Env   []string // names of variables; * at the end of one stands for whatever follows
	Dir   string   // whose files may be read, "" for none
}

// fileMost is how large a file with a secret may be.
const fileMost = 1 << 20

// Resolve replaces the references in a block's data by what they refer to. The result holds
// secrets in clear text, errors do not. It is safe for concurrent use.
func (s *Sources) Resolve(ctx context.Context, data map[string]any) (map[string]any, error) {
	resolved, err := secretref.Resolve(data, func(kind, place string) (any, error) {
		switch kind {
		case secretref.Vault:
			if s.Vault == nil {
				return nil, api.Errorf(api.CodeInvalid, "a block refers to %s in Vault, and this worker knows none: set USHER_SECRETS_VAULT_ADDRESS where it runs", place)
			}
			return s.Vault.Read(ctx, place)
		case secretref.Env:
			return s.variable(place)
		}
		return s.file(place)
	})
	if err != nil {
		return nil, err
	}
	object, ok := resolved.(map[string]any)
	if !ok { // the whole document is a reference
		object = map[string]any{"value": resolved}
	}
	return object, nil
}

func (s *Sources) variable(name string) (any, error) {
	allowed := slices.ContainsFunc(s.Env, func(pattern string) bool {
		prefix, open := strings.CutSuffix(pattern, "*")
		return pattern == name || open && strings.HasPrefix(name, prefix)
	})
	if !allowed {
		return nil, api.Errorf(api.CodeInvalid, "a block refers to the variable %s, which this worker may not hand out: name it in USHER_SECRETS_ENV where it runs", name)
	}
	value, ok := os.LookupEnv(name)
	if !ok {
		return nil, api.Errorf(api.CodeInvalid, "a block refers to the variable %s, which is not set where this worker runs", name)
	}
	return value, nil
}

func (s *Sources) file(name string) (any, error) {
	if s.Dir == "" {
		return nil, api.Errorf(api.CodeInvalid, "a block refers to the file %s, and this worker hands out none: set USHER_SECRETS_DIRECTORY where it runs", name)
	}
	root, err := os.OpenRoot(s.Dir)
	if err != nil {
		return nil, api.Errorf(api.CodeInvalid, "the folder of secrets can't be opened: %w", err)
	}
	defer root.Close() //nolint:errcheck // it was only read
	file, err := root.Open(path.Clean(name))
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, api.Errorf(api.CodeInvalid, "a block refers to the file %s, which is not in the folder of secrets where this worker runs", name)
		}
		return nil, api.Errorf(api.CodeInvalid, "a block refers to the file %s, which can't be read: %w", name, err)
	}
	defer file.Close() //nolint:errcheck // it was only read
	text, err := io.ReadAll(io.LimitReader(file, fileMost+1))
	if err != nil || len(text) > fileMost {
		return nil, api.Errorf(api.CodeInvalid, "the file %s, which a block refers to, can't be read, or is larger than 1 MiB", name)
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r"), nil
}
