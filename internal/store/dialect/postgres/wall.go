package postgres

import (
	"context"
	"encoding/hex"

	"github.com/usherhq/usher/internal/store/dialect"
)

// enter is what puts a transaction into a scope, to be sent with the statement before it:
// the policies of row-level security compare rows with these settings, which end with the
// transaction.
func enter(scope dialect.Scope) string {
	sql := ""
	if scope.Workspace != nil {
		sql = "; set local usher.workspace = '" + hex.EncodeToString(scope.Workspace[:]) + "'"
	}
	if scope.Across {
		sql += "; set local usher.across = 'on'"
	}
	return sql
}

func (s *session) Enter(scope dialect.Scope) error {
	return s.Script("set local usher.workspace = ''; set local usher.across = ''" + enter(scope))
}

// Wall says why row-level security does not bind us.
func (e *Engine) Wall(ctx context.Context) (gap string, err error) {
	err = e.Read(ctx, dialect.Scope{}, func(s dialect.Session) error {
		gap = ""
		return s.Query("select rolname::text, rolsuper\nfrom pg_roles\nwhere rolname = current_user\nand (rolsuper or rolbypassrls)", nil, func(c dialect.Cells) error {
			name, err := c.Text(0)
			if err != nil {
				return err
			}
			super, err := c.Bool(1)
			gap = "the role " + name + " has BYPASSRLS"
			if super {
				gap = "the role " + name + " is a superuser"
			}
			return err
		})
	})
	return gap, err
}

// Viewer reads a database of another program.
type Viewer struct{ *Engine }

// View opens a database of another program for reading.
func View(ctx context.Context, url string) (Viewer, error) {
	engine, err := Open(ctx, url, Bounds{Connections: 1})
	return Viewer{engine}, err
}

// Read runs fn on a snapshot.
func (v Viewer) Read(ctx context.Context, fn func(dialect.Session) error) error {
	return v.Engine.Read(ctx, dialect.Scope{}, fn)
}
