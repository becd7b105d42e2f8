package core

import (
	"context"
	"errors"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

// Intake is how far a table of another server's database has been taken over.
type Intake = store.Intake

// Taken are rows of another server's database in the form of one of our tables.
type Taken struct {
	Table   string
	Columns []string
	Rows    [][]any
}

// Secret is a value of Taken that is sealed before it is stored.
type Secret struct {
	Document uuid.UUID
	Plain    jsontext.Value
}

// intakeKey is where a workspace keeps when another server's database was taken over.
const intakeKey = "TAKEN_IN"

// noteIntake notes that the taking over goes on now.
func (w *work) noteIntake() error {
	value, err := json.Marshal(w.now)
	if err != nil {
		return err
	}
	return w.SetConfiguration(newID(), intakeKey, value, w.now)
}

// takenIn is when another server's database was taken over last, zero for never.
func takenIn(tx *store.Tx) (at api.Time, err error) {
	raw, err := tx.Configuration(intakeKey)
	if errors.Is(err, store.ErrNoRows) {
		return at, nil
	}
	if err != nil {
		return at, err
	}
	return at, json.Unmarshal(raw, &at)
}

// BeginIntake says how far an earlier intake of the same source has come. It refuses a
// workspace that has data of its own, or some of another source. The system's block types
// make room for those of the source; what it lacks is installed again later.
func (c *Core) BeginIntake(ctx context.Context, who Caller, source string) (done map[string]Intake, err error) {
	err = c.write(ctx, who, func(w *work) error {
		if done, err = w.Intakes(); err != nil {
			return err
		}
		for _, in := range done {
			if in.Source != source {
				return api.Errorf(api.CodeConflict, "The database holds an import of %s already, so %s can't be imported into it. Name an empty one with --database-url.", in.Source, source)
			}
		}
		if len(done) == 0 {
			if err := w.makeRoom(); err != nil {
				return err
			}
		}
		return w.noteIntake()
	})
	return done, err
}

func (w *work) makeRoom() error {
	for _, table := range []string{"flow", "work_pool", "concurrency_limit_v2", "variable", "block_document", "automation", "saved_search", "artifact"} {
		empty, err := w.IsEmpty(table)
		if err != nil {
			return err
		}
		if !empty {
			return api.Errorf(api.CodeConflict, "The database has data of its own (in the table %s), and an import needs an empty one. Name another one with --database-url.", table)
		}
	}
	if err := w.DeleteConfiguration(systemBlocksKey); err != nil {
		return err
	}
	return w.DeleteBlockTypes()
}

// TakeIn adds rows and notes how far the intake has come, both or neither.
func (c *Core) TakeIn(ctx context.Context, who Caller, progress Intake, rows Taken) error {
	return c.write(ctx, who, func(w *work) error {
		sealed, err := w.sealed(rows.Rows)
		if err != nil {
			return err
		}
		if err := w.InsertTaken(rows.Table, rows.Columns, sealed); err != nil {
			return err
		}
		if err := w.mention(rows); err != nil {
			return err
		}
		return w.SetIntake(progress)
	})
}

// mention makes the events among what was taken over findable.
func (w *work) mention(t Taken) error {
	if t.Table != "event" {
		return nil
	}
	at := slices.Index(t.Columns, "id")
	ids := make([]uuid.UUID, len(t.Rows))
	for i, row := range t.Rows {
		ids[i], _ = row[at].(uuid.UUID)
	}
	return w.MentionEvents(ids)
}

// sealed returns the rows with their secrets sealed.
func (w *work) sealed(rows [][]any) ([][]any, error) {
	vault, err := w.sealing()
	if err != nil {
		return nil, err
	}
	out := make([][]any, len(rows))
	for i, row := range rows {
		out[i] = append([]any(nil), row...)
		for k, v := range row {
			secret, is := v.(Secret)
			if !is {
				continue
			}
			if out[i][k], err = vault.seal(secret.Document, secret.Plain); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// EndIntake settles what is no table: the default result storage, if the source had one.
// The events taken over are history, to which nobody reacts any more.
func (c *Core) EndIntake(ctx context.Context, who Caller, resultStorage *uuid.UUID) error {
	return c.write(ctx, who, func(w *work) error {
		if resultStorage != nil {
			value, err := json.Marshal(resultStorage)
			if err != nil {
				return err
			}
			if err := w.SetConfiguration(newID(), resultStorageKey, value, w.now); err != nil {
				return err
			}
		}
		if err := w.noteIntake(); err != nil {
			return err
		}
		return w.ForgetCursors()
	})
}
