package postgres

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"
)

const halfMade = `
select count(*)
from pg_index i
join pg_class c on c.oid = i.indexrelid
where c.relname = $1
and c.relnamespace = current_schema()::regnamespace
and not i.indisvalid`

// Index makes or drops an index concurrently, on a connection of its own, however long it
// takes. One that was begun and not finished is invalid, and dropped first.
func (e *Engine) Index(ctx context.Context, name, sql string) error {
	conn, err := pgx.ConnectConfig(ctx, e.pool.Config().ConnConfig)
	if err != nil {
		return e.unreachable(err)
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // what it did is done
	for _, bound := range []string{"statement_timeout", "lock_timeout"} {
		if _, err := conn.Exec(ctx, "set "+bound+" = 0"); err != nil {
			return e.translate(err)
		}
		defer conn.Exec(context.WithoutCancel(ctx), "reset "+bound) //nolint:errcheck // a pooler may keep the connection
	}
	gone := 0
	if err := conn.QueryRow(ctx, halfMade, name).Scan(&gone); err != nil {
		return e.translate(err)
	}
	if gone > 0 {
		if _, err := conn.Exec(ctx, "drop index concurrently if exists "+name); err != nil {
			return e.translate(err)
		}
	}
	condition := "if not exists "
	if strings.HasPrefix(sql, "drop") {
		condition = "if exists "
	}
	_, err = conn.Exec(ctx, strings.Replace(sql, "index ", "index concurrently "+condition, 1))
	return e.translate(err)
}
