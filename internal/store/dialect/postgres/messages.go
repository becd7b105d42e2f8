package postgres

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"
)

// channel is the name under which the processes of one database talk to each other.
const channel = "usher"

// Notify sends texts to all that listen. It does not wait for the disk: a text that is
// lost with the server had nobody left to hear it.
func (e *Engine) Notify(ctx context.Context, texts []string) error {
	var sql strings.Builder
	sql.WriteString("begin; set local synchronous_commit to off;\n")
	for _, text := range texts {
		sql.WriteString("select pg_notify('" + channel + "', '" + strings.ReplaceAll(text, "'", "''") + "');\n")
	}
	sql.WriteString("commit")
	conn, err := e.pool.Acquire(ctx)
	if err != nil {
		return e.translate(err)
	}
	defer conn.Release()
	_, err = conn.Conn().PgConn().Exec(ctx, sql.String()).ReadAll() // one round trip
	return e.translate(err)
}

// Listen hears what is sent, on a connection of its own.
func (e *Engine) Listen(ctx context.Context, ready func(), heard func(text string)) error {
	conn, err := pgx.ConnectConfig(ctx, e.pool.Config().ConnConfig)
	if err != nil {
		return e.translate(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // it is of no more use
	if _, err := conn.Exec(ctx, "listen "+channel); err != nil {
		return e.translate(err)
	}
	ready()
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return e.translate(err)
		}
		heard(n.Payload)
	}
}
