package store

import (
	"net/url"
	"strings"

	"github.com/usherhq/usher/internal/api"
)

// place is where a database is: a PostgreSQL URL, or a file, or with neither a
// temporary file.
type place struct {
	postgres string
	file     string
}

// parseURL reads the forms that Config.URL allows. Like the reference's, an absolute
// path has four slashes: sqlite:////var/lib/usher.db.
func parseURL(text string) (place, error) {
	scheme, rest, isURL := strings.Cut(text, "://")
	switch {
	case text == "":
		return place{}, api.Errorf(api.CodeInvalid, "No database is named: pass a file or a URL such as postgres://user@host/usher.")
	case text == ":memory:":
		return place{}, nil
	case !isURL:
		return place{file: text}, nil
	}
	engine, _, _ := strings.Cut(scheme, "+")
	switch engine {
	case "sqlite":
		return sqlitePlace(rest)
	case "postgres", "postgresql":
		return postgresPlace(rest)
	}
	return place{}, api.Errorf(api.CodeInvalid, "Unknown kind of database %q: use sqlite:///file, postgres://user@host/name or the path of a file.", scheme)
}

func sqlitePlace(rest string) (place, error) {
	path, _, _ := strings.Cut(rest, "?") // options of the reference's driver mean nothing here
	file, slash := strings.CutPrefix(path, "/")
	switch {
	case path != "" && !slash:
		return place{}, api.Errorf(api.CodeInvalid, "The database URL needs three slashes for a relative path (sqlite:///usher.db) and four for an absolute one (sqlite:////var/lib/usher.db).")
	case file == "" || file == ":memory:" || file == "file::memory:":
		return place{}, nil
	}
	file, err := url.PathUnescape(file)
	if err != nil {
		return place{}, api.Errorf(api.CodeInvalid, "The path in the database URL is not well escaped: %w", err)
	}
	return place{file: file}, nil
}

// postgresPlace writes the options of the reference's driver as libpq's.
func postgresPlace(rest string) (place, error) {
	at, query, _ := strings.Cut(rest, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return place{}, api.Errorf(api.CodeInvalid, "The options in the database URL (after the ?) are not well escaped.")
	}
	if ssl := values.Get("ssl"); ssl != "" && !values.Has("sslmode") {
		values.Set("sslmode", ssl)
	}
	values.Del("ssl")
	values.Del("prepared_statement_cache_size")
	text := "postgres://" + at
	if len(values) > 0 {
		text += "?" + values.Encode()
	}
	return place{postgres: text}, nil
}
