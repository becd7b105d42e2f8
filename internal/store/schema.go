package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store/dialect"
	"github.com/usherhq/usher/internal/store/migrations"
)

// Schema is a database whose schema is looked at and changed on purpose.
type Schema struct {
	store *Store
	known []migrations.Migration
}

// Step is one of the steps that build the schema.
type Step struct {
	migrations.Migration

	Applied bool
}

// OpenSchema opens a database and leaves its schema as it is.
func OpenSchema(ctx context.Context, config Config) (*Schema, error) {
	s, err := connect(ctx, config)
	if err != nil {
		return nil, err
	}
	known, err := migrations.For(s.sql.Name())
	return &Schema{s, known}, err
}

// Describe names the database, without secrets.
func (s *Schema) Describe() string { return s.store.Describe() }

// Close lets the database go.
func (s *Schema) Close() error { return s.store.Close() }

// Steps lists the steps that this usher knows. It refuses a database that is not ours.
func (s *Schema) Steps(ctx context.Context) (steps []Step, err error) {
	err = s.store.engine.Read(ctx, dialect.Scope{}, func(session dialect.Session) error {
		steps, err = s.steps(session)
		return err
	})
	return steps, err
}

func (s *Schema) steps(session dialect.Session) ([]Step, error) {
	pending, err := s.store.pending(session, s.known)
	if err != nil {
		return nil, err
	}
	steps := make([]Step, len(s.known))
	for i, m := range s.known {
		isPending := slices.ContainsFunc(pending, func(p migrations.Migration) bool { return p.Version == m.Version })
		steps[i] = Step{m, !isPending}
	}
	return steps, nil
}

// change calls do, in one transaction, for the steps that it is about.
func (s *Schema) change(ctx context.Context, about func(Step) bool, do func(dialect.Session, migrations.Migration) error) (done []Step, err error) {
	err = s.store.engine.Migrate(ctx, func(session dialect.Session) error {
		done = nil
		steps, err := s.steps(session)
		if err != nil {
			return err
		}
		for _, step := range steps {
			if about(step) {
				done = append(done, step)
			}
		}
		for _, step := range done {
			if err := do(session, step.Migration); err != nil {
				return fmt.Errorf("%04d_%s: %w", step.Version, step.Name, err)
			}
		}
		return nil
	})
	return done, err
}

// Upgrade applies the steps up to one that the database lacks, and returns them.
func (s *Schema) Upgrade(ctx context.Context, to int64) ([]Step, error) {
	applied, err := s.store.advance(ctx, s.known, to)
	done := make([]Step, len(applied))
	for i, m := range applied {
		done[i] = Step{m, false}
	}
	return done, err
}

// Stamp remembers the steps up to one as applied, and those after it as not, without
// doing anything.
func (s *Schema) Stamp(ctx context.Context, to int64) ([]Step, error) {
	return s.change(ctx, func(step Step) bool { return step.Applied != (step.Version <= to) }, func(session dialect.Session, m migrations.Migration) error {
		if m.Version <= to {
			return note(session, m)
		}
		return forget(session, m)
	})
}

// Downgrade takes back the steps after one, the last first. It refuses to if one of them
// can't be taken back.
func (s *Schema) Downgrade(ctx context.Context, to int64) (undone []Step, err error) {
	err = s.store.engine.Migrate(ctx, func(session dialect.Session) error {
		undone = nil
		steps, err := s.steps(session)
		if err != nil {
			return err
		}
		for _, step := range slices.Backward(steps) {
			if !step.Applied || step.Version <= to {
				continue
			}
			if err := undo(session, step.Migration); err != nil {
				return err
			}
			undone = append(undone, step)
		}
		return nil
	})
	return undone, err
}

func undo(session dialect.Session, m migrations.Migration) error {
	script, err := m.Undo()
	if err != nil {
		return api.Errorf(api.CodeConflict, "%w; restore a backup instead", err)
	}
	if err := forget(session, m); err != nil {
		return err
	}
	return session.Script(script)
}

func forget(session dialect.Session, m migrations.Migration) error {
	_, err := session.Exec("delete from schema_migration\nwhere version = ?", []any{m.Version})
	return err
}

// Reset drops all that usher keeps in the database, and makes an empty schema.
func (s *Schema) Reset(ctx context.Context) error {
	return s.store.engine.Migrate(ctx, func(session dialect.Session) error {
		if _, err := s.steps(session); err != nil {
			return err
		}
		if err := s.drop(session); err != nil {
			return err
		}
		for _, m := range s.known {
			if err := apply(session, m); err != nil {
				return err
			}
		}
		return nil
	})
}

// drop drops what our steps have made, tables that refer to others first.
func (s *Schema) drop(session dialect.Session) error {
	var script strings.Builder
	for _, m := range slices.Backward(s.known) {
		for _, table := range slices.Backward(m.Made("table")) {
			script.WriteString("drop table if exists " + table + ";\n")
		}
		for _, function := range m.Made("function") {
			script.WriteString("drop function if exists " + function + " cascade;\n")
		}
	}
	return session.Script(script.String())
}
