// Package postgres runs the store on PostgreSQL: a pool of connections, each
// transaction on one of them, repeated when the server asks for it.
package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store/dialect"
)

// attempts is how often a transaction is tried that the server refuses because of
// others that run at the same time.
const attempts = 10

// Bounds of waiting: for a connection, and before a transaction is tried again.
const (
	connectTime = 5 * time.Second
	firstPause  = 2 * time.Millisecond
)

// migrationLock is the key of the advisory lock around migrations.
const migrationLock = 0x75736865 // "ushe"

// Engine is an open PostgreSQL database.
type Engine struct {
	pool     *pgxpool.Pool
	texts    *texts
	describe string
}

// Bounds are what an Engine keeps to: the connections that it has at most, how long an
// attempt to connect may take (0: five seconds), and a statement (0: any time).
type Bounds struct {
	Connections        int
	Connect, Statement time.Duration
}

// Open connects to the database at url. Its errors show no password.
func Open(ctx context.Context, url string, bounds Bounds) (*Engine, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		// The parser's message may quote the URL.
		return nil, api.Errorf(api.CodeInvalid, "The database URL is not a valid PostgreSQL URL; write it like postgres://user:password@host:5432/usher, special characters of the password escaped.")
	}
	config.MaxConns = int32(bounds.Connections) //nolint:gosec // nobody asks for so many
	config.ConnConfig.RuntimeParams["application_name"] = "usher"
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = cmp.Or(bounds.Connect, connectTime)
	}
	config.AfterConnect = bounds.set
	e := &Engine{texts: newTexts(), describe: describe(config.ConnConfig)}
	if e.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return nil, e.translate(err)
	}
	if err := e.pool.Ping(ctx); err != nil {
		e.pool.Close()
		return nil, e.unreachable(err)
	}
	return e, nil
}

// set keeps a connection from holding up others: for long by a lock or a statement, or
// after its client is gone. They are no parameters of the connection, which poolers refuse.
func (b Bounds) set(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, "select set_config('lock_timeout', '20s', false), set_config('idle_in_transaction_session_timeout', '60s', false), set_config('statement_timeout', $1, false)",
		strconv.FormatInt(b.Statement.Milliseconds(), 10))
	return err
}

// describe names a database without its password.
func describe(c *pgx.ConnConfig) string {
	host := c.Host
	if host != "" && host[0] != '/' {
		host = net.JoinHostPort(host, strconv.Itoa(int(c.Port)))
	}
	return fmt.Sprintf("postgres %s on %s (user %s)", c.Database, host, c.User)
}

// Describe names the database, its host and the user.
func (e *Engine) Describe() string { return e.describe }

// Write runs fn in a transaction and repeats it on deadlocks and failed serialization.
func (e *Engine) Write(ctx context.Context, scope dialect.Scope, fn func(dialect.Session) error) error {
	return e.repeat(ctx, pgx.TxOptions{BeginQuery: "begin" + enter(scope)}, fn)
}

// Read runs fn on a snapshot, in a transaction that can't write.
func (e *Engine) Read(ctx context.Context, scope dialect.Scope, fn func(dialect.Session) error) error {
	return e.repeat(ctx, pgx.TxOptions{BeginQuery: "begin isolation level repeatable read read only" + enter(scope)}, fn)
}

// Migrate is Write that waits for the migrations of others.
func (e *Engine) Migrate(ctx context.Context, fn func(dialect.Session) error) error {
	return e.Write(ctx, dialect.Scope{}, func(s dialect.Session) error {
		if _, err := s.Exec("select set_config('lock_timeout', '0', true), set_config('statement_timeout', '0', true)", nil); err != nil {
			return err
		}
		if _, err := s.Exec("select pg_advisory_xact_lock(?)", []any{int64(migrationLock)}); err != nil {
			return err
		}
		return fn(s)
	})
}

// Alone runs fn under an advisory lock. It belongs to a transaction, which does nothing
// else, and not to the session: a pooler may give that to somebody else.
func (e *Engine) Alone(ctx context.Context, name string, fn func() error) (ran bool, err error) {
	err = e.transact(ctx, pgx.TxOptions{}, func(s dialect.Session) error {
		err := s.Query("select pg_try_advisory_xact_lock(hashtextextended(?, 0))", []any{name}, func(c dialect.Cells) (err error) {
			ran, err = c.Bool(0)
			return err
		})
		if err != nil || !ran {
			return err
		}
		// As the last statement it also lets go of the snapshot of the one before, for which
		// indexes that are made concurrently would wait.
		if _, err := s.Exec("set local idle_in_transaction_session_timeout = 0", nil); err != nil {
			return err
		}
		return fn()
	})
	return ran, e.translate(err)
}

func (e *Engine) repeat(ctx context.Context, options pgx.TxOptions, fn func(dialect.Session) error) (err error) {
	for attempt := range attempts {
		err = e.transact(ctx, options, fn)
		if !asksAgain(err) || pause(ctx, attempt) != nil {
			break
		}
	}
	if err != nil && ctx.Err() != nil && !isOurs(err) {
		return context.Cause(ctx)
	}
	return e.translate(err)
}

// pause waits before the next attempt, longer from one to the next, so that those who
// collided do not do so again.
func pause(ctx context.Context, attempt int) error {
	timer := time.NewTimer(rand.N(firstPause << min(attempt, 6))) //nolint:gosec // scatters, guards nothing
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

func (e *Engine) transact(ctx context.Context, options pgx.TxOptions, fn func(dialect.Session) error) error {
	tx, err := e.begin(ctx, options)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(ctx) }() // does nothing after a commit
	conn := tx.Conn()
	if err = fn(&session{ctx: ctx, conn: conn, engine: e}); err == nil {
		err = tx.Commit(ctx)
	}
	if err != nil && conn.IsClosed() && ctx.Err() == nil && !isOurs(err) {
		return e.unreachable(err)
	}
	return err
}

// begin passes over the connections that were lost while nobody used them, as after a
// restart of the server.
func (e *Engine) begin(ctx context.Context, options pgx.TxOptions) (pgx.Tx, error) {
	for range e.pool.Config().MaxConns {
		tx, err := e.pool.BeginTx(ctx, options)
		if err == nil || !isLost(err) || ctx.Err() != nil {
			return tx, err
		}
	}
	return e.pool.BeginTx(ctx, options)
}

// asksAgain reports whether the server wants the transaction to be repeated.
func asksAgain(err error) bool {
	refused := (*pgconn.PgError)(nil)
	if !errors.As(err, &refused) {
		return false
	}
	return refused.Code == serializationFailure || refused.Code == deadlockDetected
}

// Close waits for the running transactions and closes the connections.
func (e *Engine) Close() error {
	e.pool.Close()
	return nil
}
