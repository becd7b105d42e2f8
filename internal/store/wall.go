package store

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/store/dialect"
)

// Behind the type of a transaction, which adds its workspace to every statement, PostgreSQL
// has a wall of its own: each transaction names its workspace when it begins, and policies
// of row-level security let it see and change nothing else, whatever a statement says. See
// docs/adr/0016-row-level-security.md.

// acrossWorkspaces are the tables that ReadAcross and WriteAcross see whole.
var acrossWorkspaces = []string{
	"access_request", "audit_entry", "event", "event_publication", "event_subscription", "invitation", "log", "object_access", "rate_allocation", "rate_usage", "run_token", "webhook", "workspace_access",
}

// WriteAcross is Write for those who decide who may do what, and for what servers tell each
// other: it also opens the tables of acrossWorkspaces, whatever workspace their rows are of.
func (s *Store) WriteAcross(ctx context.Context, workspace uuid.UUID, fn func(*Tx) error) error {
	return s.write(ctx, dialect.Scope{Workspace: (*dialect.UUID)(&workspace), Across: true}, fn)
}

// ReadAcross is Read, as WriteAcross is Write.
func (s *Store) ReadAcross(ctx context.Context, workspace uuid.UUID, fn func(*Tx) error) error {
	return s.read(ctx, dialect.Scope{Workspace: (*dialect.UUID)(&workspace), Across: true}, fn)
}

// In runs fn in another workspace, in the same transaction. fn must not use tx itself.
func (tx *Tx) In(workspace uuid.UUID, fn func(*Tx) error) error {
	in := *tx
	in.workspace, in.scope.Workspace = workspace, (*dialect.UUID)(&workspace)
	if err := tx.fail(tx.session.Enter(in.scope)); err != nil {
		return err
	}
	err := fn(&in)
	if tx.failed = in.failed; tx.failed != nil {
		return err
	}
	return errors.Join(err, tx.fail(tx.session.Enter(tx.scope)))
}

// Wall says why the database does not keep workspaces apart where our statements forget to;
// "" if it does. SQLite can't.
func (s *Store) Wall(ctx context.Context) (gap string, err error) {
	walled, ok := s.engine.(dialect.Walled)
	if !ok {
		return "SQLite has no row-level security", nil
	}
	return walled.Wall(ctx)
}
