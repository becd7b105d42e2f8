package server

import (
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/profile"
	"github.com/usherhq/usher/internal/store"
)

// statementTime is how long a statement may take on PostgreSQL unless somebody says
// otherwise; nothing that the server asks for takes as long while all is well.
const statementTime = time.Minute

// databaseOf is how the server uses its database.
func databaseOf(env *cli.Env, url string, settings *profile.Settings) store.Config {
	config := store.Config{
		URL:       url,
		Wait:      seconds(settings.Value("USHER_SERVER_DATABASE_START_TIMEOUT").Float()),
		Connect:   seconds(settings.Value("PREFECT_SERVER_DATABASE_CONNECTION_TIMEOUT").Float()),
		Statement: statementTime,

		SkipMigrations: !settings.Value("PREFECT_SERVER_DATABASE_MIGRATE_ON_START").Bool(),
	}
	config.Waiting = func(reason error) {
		env.Sayf("%v\nWaiting for it for %s; Ctrl+C gives up.", reason, config.Wait)
	}
	if v := settings.Value("PREFECT_SERVER_DATABASE_TIMEOUT"); v.Source != profile.FromDefault {
		config.Statement = seconds(v.Float())
	}
	size, more := settings.Value("PREFECT_SERVER_DATABASE_SQLALCHEMY_POOL_SIZE"), settings.Value("PREFECT_SERVER_DATABASE_SQLALCHEMY_MAX_OVERFLOW")
	if size.Source != profile.FromDefault || more.Source != profile.FromDefault {
		config.Readers = max(size.Int()+max(more.Int(), 0), 1)
	}
	return config
}

// partsURL is the database that is named by its parts, "" when it is not.
func partsURL(settings *profile.Settings) (string, error) {
	part := func(name string) string { return settings.Value("PREFECT_SERVER_DATABASE_" + name).Text }
	switch part("DRIVER") {
	case "postgresql+asyncpg":
	case "sqlite+aiosqlite":
		return part("NAME"), nil
	default:
		return "", nil
	}
	var missing []string
	for _, name := range []string{"HOST", "USER", "NAME", "PASSWORD"} {
		if part(name) == "" {
			missing = append(missing, "PREFECT_SERVER_DATABASE_"+name)
		}
	}
	if len(missing) > 0 {
		return "", cli.Usagef("the database's driver is set, but not %s: set that too, or PREFECT_SERVER_DATABASE_CONNECTION_URL instead", strings.Join(missing, ", "))
	}
	port := settings.Value("PREFECT_SERVER_DATABASE_PORT").Int()
	if port == 0 {
		port = 5432
	}
	at := url.URL{Scheme: "postgres", User: url.UserPassword(part("USER"), part("PASSWORD")), Host: net.JoinHostPort(part("HOST"), strconv.Itoa(port)), Path: "/" + part("NAME")}
	return at.String(), nil
}
