// Package migrations holds the steps that build the schema, one SQL script for each
// step and database: NNNN_name.sqlite.sql and NNNN_name.postgres.sql. A script that was
// released is never changed; a new step must leave the previous release working. Indexes on
// tables of earlier steps are steps of their own, to be made while that goes on writing.
package migrations

import (
	"embed"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

//go:embed *.sql
var files embed.FS

// Migration is one step.
type Migration struct {
	Version int64
	Name    string
	SQL     string
}

// For returns the steps for a database, "sqlite" or "postgres", in order. Numbers may be
// left out: branches that are worked on at the same time have ranges of their own.
func For(database string) ([]Migration, error) {
	names, err := fs.Glob(files, "*."+database+".sql")
	if err != nil {
		return nil, err
	}
	steps := make([]Migration, 0, len(names))
	for _, name := range names {
		step, err := read(name)
		if err != nil {
			return nil, err
		}
		if len(steps) > 0 && step.Version <= steps[len(steps)-1].Version {
			return nil, fmt.Errorf("migration %s: its number is taken", name)
		}
		steps = append(steps, step)
	}
	return steps, nil
}

func read(file string) (Migration, error) {
	number, rest, _ := strings.Cut(file, "_")
	version, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return Migration{}, fmt.Errorf("migration %s: its name must start with a number: %w", file, err)
	}
	name, _, _ := strings.Cut(rest, ".")
	text, err := files.ReadFile(file)
	return Migration{Version: version, Name: name, SQL: string(text)}, err
}
