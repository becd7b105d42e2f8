package core

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

// maxRunAccess is how many blocks or variables a list may name.
const maxRunAccess = 500

// RunAccess says what the programs of a deployment's runs may use with tokens of their own.
func (c *Core) RunAccess(ctx context.Context, who Caller, deployment uuid.UUID) (*api.RunAccess, error) {
	return found("Deployment", func() (*api.RunAccess, error) {
		return value(ctx, c, who, func(tx *store.Tx) (*api.RunAccess, error) {
			if _, err := tx.Deployment(deployment); err != nil {
				return nil, err
			}
			return runAccess(tx.DeploymentReach(deployment))
		})
	})
}

// runAccess reads lists as they are stored; no row allows all.
func runAccess(blocks, variables *string, err error) (*api.RunAccess, error) {
	out := &api.RunAccess{}
	if errors.Is(err, store.ErrNoRows) {
		return out, nil
	}
	for _, list := range []struct {
		text *string
		to   **[]string
	}{{blocks, &out.Blocks}, {variables, &out.Variables}} {
		if list.text == nil || err != nil {
			continue
		}
		err = json.Unmarshal([]byte(*list.text), list.to)
	}
	return out, err
}

// SetRunAccess decides what the programs of a deployment's runs may use. Those that run are
// bound by it at once. note writes down what was changed, in the same transaction; it is not
// called when nothing was.
func (c *Core) SetRunAccess(ctx context.Context, who Caller, deployment uuid.UUID, in *api.RunAccess, note func(tx *store.Tx, name string, before, after *api.RunAccess) error) (*api.RunAccess, error) {
	blocks, err := accessList("blocks", in.Blocks, func(name string) bool {
		slug, rest, ok := strings.Cut(name, "/")
		return ok && slug != "" && rest != "" && !strings.Contains(rest, "/")
	})
	if err != nil {
		return nil, err
	}
	variables, err := accessList("variables", in.Variables, func(name string) bool { return api.VariableNameProblem(name) == "" })
	if err != nil {
		return nil, err
	}
	return found("Deployment", func() (out *api.RunAccess, err error) {
		return out, c.write(ctx, who, func(w *work) error {
			d, err := w.Tx.Deployment(deployment)
			if err != nil {
				return err
			}
			before, err := runAccess(w.DeploymentReach(deployment))
			if err != nil {
				return err
			}
			if err := w.SetDeploymentReach(deployment, blocks, variables, w.now); err != nil {
				return err
			}
			out, err = runAccess(w.DeploymentReach(deployment))
			if err != nil || reflect.DeepEqual(before, out) {
				return err
			}
			return note(w.Tx, d.Name, before, out)
		})
	})
}

// accessList checks a list and writes it as it is stored.
func accessList(field string, list *[]string, fits func(string) bool) (*string, error) {
	if list == nil {
		return nil, nil
	}
	if len(*list) > maxRunAccess {
		return nil, invalid(field, "a list names at most 500 things")
	}
	for _, name := range *list {
		if !fits(name) {
			return nil, invalid(field, "blocks are named as type/name, variables by their names")
		}
	}
	sorted := slices.Compact(slices.Sorted(slices.Values(*list)))
	text, err := json.Marshal(append([]string{}, sorted...))
	out := string(text)
	return &out, err
}

// mayUseBlock refuses the program of a run a block that its deployment does not list.
func mayUseBlock(tx *store.Tx, who Caller, d *store.SealedDocument) error {
	if who.Run == nil {
		return nil
	}
	a, err := runAccess(tx.ReachOfRun(*who.Run))
	if err != nil || a.Blocks == nil {
		return err
	}
	name := ""
	if d.BlockType != nil && d.Name != nil {
		name = d.BlockType.Slug + "/" + *d.Name
	}
	if slices.Contains(*a.Blocks, name) {
		return nil
	}
	return api.Errorf(api.CodeForbidden, "The deployment of this run lists the blocks that its runs may read; the block %s is not one of them.", name)
}

// mayUseVariable refuses the program of a run a variable that its deployment does not list.
func mayUseVariable(tx *store.Tx, who Caller, name string) error {
	if who.Run == nil {
		return nil
	}
	a, err := runAccess(tx.ReachOfRun(*who.Run))
	if err != nil || a.Variables == nil || slices.Contains(*a.Variables, name) {
		return err
	}
	return api.Errorf(api.CodeForbidden, "The deployment of this run lists the variables that its runs may use; %q is not one of them.", name)
}
