package core

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

// maxVariable is how many bytes the compact JSON of a variable's value may take.
const maxVariable = 5000

func (r Ref) variable(tx *store.Tx) (*api.Variable, error) {
	if r.name != nil {
		return tx.VariableByName(*r.name)
	}
	return tx.Variable(r.id)
}

// CreateVariable adds a variable.
func (c *Core) CreateVariable(ctx context.Context, who Caller, in *api.VariableCreate) (v *api.Variable, err error) {
	if err := checkVariable(&in.Name, in.Value); err != nil {
		return nil, err
	}
	err = c.write(ctx, who, func(w *work) error {
		if err := mayUseVariable(w.Tx, who, in.Name); err != nil {
			return err
		}
		v = &api.Variable{ID: newID(), Created: &w.now, Updated: &w.now, Name: in.Name, Value: in.Value, Tags: in.Tags.Or([]string{})}
		if err := w.InsertVariable(v); err != nil {
			return err
		}
		return w.emitVariable("created", v)
	})
	if errors.Is(err, store.ErrConflict) || api.CodeOf(err) == api.CodeConflict {
		err = api.Errorf(api.CodeConflict, "A variable with the name '%s' already exists.", in.Name)
	}
	return v, err
}

func checkVariable(name *string, value jsontext.Value) error {
	if name != nil {
		if why := api.VariableNameProblem(*name); why != "" {
			return invalid("name", why)
		}
	}
	if !holdsIntegers(value) {
		return invalid("value", "Variable value must be serializable to JSON")
	}
	compact := value.Clone()
	if len(compact) > 0 && compact.Compact() == nil && len(compact) > maxVariable {
		return invalid("value", "Variable value must be less than 5000 characters")
	}
	return nil
}

// invalid is the error of a request whose field breaks a rule.
func invalid(field, problem string) error {
	return api.Invalid(nil, api.Violation{Type: "value_error", Loc: []any{"body", field}, Msg: "Value error, " + problem})
}

// Variable returns a variable.
func (c *Core) Variable(ctx context.Context, who Caller, which Ref) (*api.Variable, error) {
	return foundOr("Variable not found.", func() (*api.Variable, error) {
		return value(ctx, c, who, func(tx *store.Tx) (*api.Variable, error) {
			v, err := which.variable(tx)
			if err == nil {
				err = mayUseVariable(tx, who, v.Name)
			}
			return v, err
		})
	})
}

// Variables lists variables.
func (c *Core) Variables(ctx context.Context, who Caller, f *api.VariableFilter, sort api.VariableSort, limit, offset int) ([]api.Variable, error) {
	return value(ctx, c, who, func(tx *store.Tx) ([]api.Variable, error) { return tx.Variables(f, sort, limit, offset) })
}

// CountVariables counts variables.
func (c *Core) CountVariables(ctx context.Context, who Caller, f *api.VariableFilter) (int, error) {
	return value(ctx, c, who, func(tx *store.Tx) (int, error) { return tx.CountVariables(f) })
}

// UpdateVariable changes what the request has.
func (c *Core) UpdateVariable(ctx context.Context, who Caller, which Ref, in *api.VariableUpdate) error {
	if err := checkVariable(in.Name.Ptr(), in.Value.Or(nil)); err != nil {
		return err
	}
	return c.changeVariable(ctx, who, which, func(w *work, v *api.Variable) error {
		if in.Name.IsNull() || in.Tags.IsNull() {
			return refused(store.ErrConflict)
		}
		var ch changes
		if name, renamed := in.Name.Get(); renamed {
			if err := mayUseVariable(w.Tx, who, name); err != nil {
				return err
			}
		}
		patch(&ch, "name", in.Name)
		patch(&ch, "value", in.Value)
		patch(&ch, "tags", in.Tags)
		ch.set("updated", w.now)
		if err := w.Tx.UpdateVariable(v.ID, ch.sets...); err != nil {
			return err
		}
		now, err := w.Tx.Variable(v.ID)
		if err != nil {
			return err
		}
		return w.emitVariable("updated", now)
	})
}

// DeleteVariable removes a variable.
func (c *Core) DeleteVariable(ctx context.Context, who Caller, which Ref) error {
	return c.changeVariable(ctx, who, which, func(w *work, v *api.Variable) error {
		if err := w.Tx.DeleteVariable(v.ID); err != nil {
			return err
		}
		return w.emitVariable("deleted", v)
	})
}

func (c *Core) changeVariable(ctx context.Context, who Caller, which Ref, change func(*work, *api.Variable) error) error {
	_, err := foundOr("Variable not found.", func() (struct{}, error) {
		return struct{}{}, c.write(ctx, who, func(w *work) error {
			v, err := which.variable(w.Tx)
			if err == nil {
				err = mayUseVariable(w.Tx, who, v.Name)
			}
			if err != nil {
				return err
			}
			return change(w, v)
		})
	})
	return err
}

func (w *work) emitVariable(what string, v *api.Variable) (err error) {
	e := w.about("prefect.variable."+what, resource("variable", v.ID, v.Name))
	e.Payload, err = json.Marshal(struct {
		Name  string         `json:"name"`
		Value jsontext.Value `json:"value"`
		Tags  []string       `json:"tags"`
	}{v.Name, v.Value, v.Tags})
	if err != nil {
		return err
	}
	return w.emit(e)
}

// holdsIntegers says that the integers of a value have at most 64 bits, which is what
// clients can write.
func holdsIntegers(value jsontext.Value) bool {
	dec := jsontext.NewDecoder(bytes.NewReader(value), jsontext.AllowDuplicateNames(true))
	for {
		token, err := dec.ReadToken()
		if err != nil {
			return true
		}
		text := token.String()
		if token.Kind() != '0' || strings.ContainsAny(text, ".eE") {
			continue
		}
		_, signed := strconv.ParseInt(text, 10, 64)
		_, unsigned := strconv.ParseUint(text, 10, 64)
		if signed != nil && unsigned != nil {
			return false
		}
	}
}
