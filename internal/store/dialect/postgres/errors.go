package postgres

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/puddle/v2"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store/dialect"
)

// The SQLSTATE codes that mean something to us.
const (
	uniqueViolation      = "23505"
	foreignKeyViolation  = "23503"
	restrictViolation    = "23001"
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	lockNotAvailable     = "55P03"
	idleTooLong          = "25P03"
	queryCanceled        = "57014"
	untranslatable       = "22P05"
	notInRepertoire      = "22021"
	diskFull             = "53100"
	tooManyConnections   = "53300"
	readOnly             = "25006"
	adminShutdown        = "57P01"
	crashShutdown        = "57P02"
	cannotConnectNow     = "57P03"
)

// translate turns what the server says into an error that a caller can act on. Errors
// of others, and of statements that are wrong, stay as they are.
func (e *Engine) translate(err error) error {
	if err == nil || isOurs(err) {
		return err
	}
	refused := (*pgconn.PgError)(nil)
	if !errors.As(err, &refused) {
		return e.translateNetwork(err)
	}
	switch refused.Code {
	case uniqueViolation:
		return &dialect.ConstraintError{Kind: dialect.ErrConflict, Constraint: refused.ConstraintName, Cause: err}
	case foreignKeyViolation, restrictViolation:
		return &dialect.ConstraintError{Kind: dialect.ErrForeignKey, Constraint: refused.ConstraintName, Cause: err}
	case untranslatable, notInRepertoire:
		return api.Errorf(api.CodeInvalid, "A text contains a character that can't be stored: %w", err)
	case diskFull:
		return api.Errorf(api.CodeUnavailable, "Can't write to %s: its disk is full. Free some space; nothing was changed.", e.describe)
	case readOnly:
		return api.Errorf(api.CodeUnavailable, "Can't write to %s: it is read-only, perhaps a standby. Name the primary server.", e.describe)
	case serializationFailure, deadlockDetected:
		return api.Errorf(api.CodeUnavailable, "The database %s is too busy: the change collided with others %d times. Try again.", e.describe, attempts)
	case queryCanceled:
		return api.Errorf(api.CodeUnavailable, "The database %s took too long for one statement and was stopped: %w", e.describe, err)
	case lockNotAvailable, idleTooLong:
		return api.Errorf(api.CodeUnavailable, "The database %s is too busy: the change had to wait for another one for too long. Try again.", e.describe)
	case tooManyConnections, adminShutdown, crashShutdown, cannotConnectNow:
		return e.unreachable(err)
	}
	return err
}

func (e *Engine) translateNetwork(err error) error {
	if errors.Is(err, puddle.ErrClosedPool) {
		return api.Errorf(api.CodeUnavailable, "The database is closed: the server is stopping.")
	}
	netErr, connectErr := (net.Error)(nil), (*pgconn.ConnectError)(nil)
	broken := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &netErr)
	if errors.As(err, &connectErr) || broken && !errors.Is(err, context.Canceled) {
		return e.unreachable(err)
	}
	return err
}

// MayCome reports whether a database that Open could not use may yet come: nothing
// answers, or the server starts, rather than that it refuses us.
func MayCome(err error) bool {
	failure, refused := (*api.Error)(nil), (*pgconn.PgError)(nil)
	if !errors.As(err, &failure) || failure.Cause == nil {
		return false
	}
	if errors.As(failure.Cause, &refused) {
		return refused.Code == tooManyConnections || refused.Code == adminShutdown || refused.Code == crashShutdown || refused.Code == cannotConnectNow
	}
	netErr, connectErr := (net.Error)(nil), (*pgconn.ConnectError)(nil)
	return errors.As(failure.Cause, &connectErr) || errors.As(failure.Cause, &netErr) || errors.Is(failure.Cause, io.EOF) || errors.Is(failure.Cause, io.ErrUnexpectedEOF)
}

// isLost reports whether a connection that worked before does not any more.
func isLost(err error) bool {
	refused, connect := (*pgconn.PgError)(nil), (*pgconn.ConnectError)(nil)
	if errors.As(err, &refused) {
		return refused.Code == adminShutdown || refused.Code == crashShutdown
	}
	return !errors.As(err, &connect) && !errors.Is(err, puddle.ErrClosedPool)
}

func (e *Engine) unreachable(err error) error {
	refusal := api.Errorf(api.CodeUnavailable, "Can't use %s: %s. Check that the server runs, accepts connections from here, and that user, password and database name are right.", e.describe, lastLine(err))
	refusal.Cause = err
	return refusal
}

// lastLine is what the last attempt to connect met; the driver lists all of them.
func lastLine(err error) string {
	text := strings.TrimSpace(err.Error())
	return strings.TrimSpace(text[strings.LastIndexByte(text, '\n')+1:])
}

// isOurs reports whether err says already what it should.
func isOurs(err error) bool {
	ours, refused := (*api.Error)(nil), (*dialect.ConstraintError)(nil)
	return errors.As(err, &ours) || errors.As(err, &refused)
}
