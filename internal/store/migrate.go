package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store/dialect"
	"github.com/usherhq/usher/internal/store/migrations"
)

// applied is a migration as the database remembers it.
type applied struct {
	version  int64
	name     string
	checksum string
}

// migrate brings the schema to the newest version, or refuses a database that it must
// not touch. Replicas that start together wait for each other.
func (s *Store) migrate(ctx context.Context, known []migrations.Migration, skip bool) error {
	current := false
	err := s.engine.Read(ctx, dialect.Scope{}, func(session dialect.Session) error {
		pending, err := s.pending(session, known)
		current = len(pending) == 0
		return err
	})
	if err != nil || current {
		return err
	}
	if skip {
		return api.Errorf(api.CodeUnavailable, "The database %s needs a newer schema, and migrations are switched off; run `usher server database upgrade` or switch them on.", s.Describe())
	}
	_, err = s.advance(ctx, known, math.MaxInt64)
	return err
}

// advance applies the steps up to one that the database lacks, and returns them: in one
// transaction as far as possible. Steps that only make indexes are made beside those who
// write, where the database can do that and is not new.
func (s *Store) advance(ctx context.Context, known []migrations.Migration, to int64) (all []migrations.Migration, err error) {
	indexer, _ := s.engine.(dialect.Indexer)
	for {
		var done []migrations.Migration
		var beside *migrations.Migration
		err := s.engine.Migrate(ctx, func(session dialect.Session) error {
			done, beside = nil, nil
			pending, err := s.pending(session, known)
			if err != nil {
				return err
			}
			isNew := len(pending) == len(known)
			for _, m := range pending {
				if m.Version > to {
					break
				}
				if indexer != nil && !isNew && m.Indexes() != nil {
					beside = &m
					break
				}
				if err := apply(session, m); err != nil {
					return s.notMigrated(m, err)
				}
				done = append(done, m)
			}
			return nil
		})
		if err != nil {
			return all, err
		}
		if all = append(all, done...); beside == nil {
			return all, nil
		}
		if err := s.besideWriters(ctx, indexer, known, *beside); err != nil {
			return all, s.notMigrated(*beside, err)
		}
		all = append(all, *beside)
	}
}

func (s *Store) notMigrated(m migrations.Migration, err error) error {
	return fmt.Errorf("migrate %s to %04d_%s: %w", s.Describe(), m.Version, m.Name, err)
}

// besideWait is how long a server waits before it looks whether another one has made an index.
const besideWait = 200 * time.Millisecond

// besideWriters applies a step that only makes indexes, while others write. One server does
// it; if it dies, the next one begins the step anew.
func (s *Store) besideWriters(ctx context.Context, indexer dialect.Indexer, known []migrations.Migration, m migrations.Migration) error {
	lacks := func(session dialect.Session) (bool, error) {
		pending, err := s.pending(session, known)
		return slices.ContainsFunc(pending, func(p migrations.Migration) bool { return p.Version == m.Version }), err
	}
	for {
		ran, err := s.engine.Alone(ctx, "indexes", func() error {
			wanted := false
			err := s.engine.Read(ctx, dialect.Scope{}, func(session dialect.Session) (err error) {
				wanted, err = lacks(session)
				return err
			})
			if err != nil || !wanted {
				return err
			}
			for _, index := range m.Indexes() {
				if err := indexer.Index(ctx, index.Name, index.SQL); err != nil {
					return err
				}
			}
			return s.engine.Migrate(ctx, func(session dialect.Session) error { return note(session, m) })
		})
		if ran || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(besideWait):
		}
	}
}

// pending returns the migrations that the database lacks.
func (s *Store) pending(session dialect.Session, known []migrations.Migration) ([]migrations.Migration, error) {
	tables, err := session.Tables()
	if err != nil {
		return nil, err
	}
	if !slices.Contains(tables, "schema_migration") {
		return known, s.checkForeign(tables)
	}
	done, err := readApplied(session)
	if err != nil {
		return nil, err
	}
	return s.lacking(session, done, known)
}

// checkForeign refuses a database that another program has filled.
func (s *Store) checkForeign(tables []string) error {
	if len(tables) == 0 {
		return nil
	}
	if slices.Contains(tables, "alembic_version") {
		return api.Errorf(api.CodeConflict, "The database %s belongs to a Prefect server. usher keeps a database of its own: name another one.", s.Describe())
	}
	return api.Errorf(api.CodeConflict, "The database %s belongs to another program (it has a table %s). Name an empty one.", s.Describe(), tables[0])
}

func readApplied(session dialect.Session) (done []applied, err error) {
	err = session.Query(`
select version, name, checksum
from schema_migration
order by version`, nil, func(c dialect.Cells) error {
		row, m := &Row{cells: c}, applied{}
		err := row.Scan(&m.version, &m.name, &m.checksum)
		done = append(done, m)
		return err
	})
	return done, err
}

// lacking compares the database's history with ours and returns what it has not got. That
// need not be the end: a migration with a lower number may have been released later.
func (s *Store) lacking(session dialect.Session, done []applied, known []migrations.Migration) (pending []migrations.Migration, err error) {
	was := map[int64]applied{}
	for _, a := range done {
		was[a.version] = a
	}
	for _, m := range known {
		a, found := was[m.Version]
		delete(was, m.Version)
		switch {
		case !found:
			pending = append(pending, m)
		case a.checksum != checksum(m):
			return nil, api.Errorf(api.CodeConflict, "The schema of the database %s is not ours: migration %04d_%s was applied from another text than this usher's %04d_%s. Use the version that made it, or restore a backup.",
				s.Describe(), a.version, a.name, m.Version, m.Name)
		}
	}
	for _, a := range was {
		if err := s.checkNewer(session, a, known); err != nil {
			return nil, err
		}
	}
	return pending, nil
}

// checkNewer refuses a database that has got a step of a newer usher with which this one
// can't work.
func (s *Store) checkNewer(session dialect.Session, unknown applied, known []migrations.Migration) error {
	needs := int64(0)
	err := session.Query("select needs\nfrom schema_migration\nwhere version = ?", []any{unknown.version}, func(c dialect.Cells) (err error) {
		needs, err = c.Int(0)
		return err
	})
	if err != nil || needs <= known[len(known)-1].Version {
		return err
	}
	return api.Errorf(api.CodeConflict, "The database %s was made by a newer usher (this one can't work with its migration %04d_%s). Use that version or a newer one.",
		s.Describe(), unknown.version, unknown.name)
}

func apply(session dialect.Session, m migrations.Migration) error {
	if err := session.Script(m.SQL); err != nil {
		return err
	}
	return note(session, m)
}

// note remembers that the database has got a step.
func note(session dialect.Session, m migrations.Migration) error {
	_, err := session.Exec(`
insert into schema_migration (version, name, checksum)
values (?, ?, ?)`, []any{m.Version, m.Name, checksum(m)})
	if needs := m.Needs(); err == nil && needs > 0 {
		_, err = session.Exec("update schema_migration\nset needs = ?\nwhere version = ?", []any{needs, m.Version})
	}
	return err
}

// checksum does not care how a checkout ends its lines.
func checksum(m migrations.Migration) string {
	sum := sha256.Sum256([]byte(strings.ReplaceAll(m.SQL, "\r\n", "\n")))
	return hex.EncodeToString(sum[:])
}
