package server

import (
	"context"
	"errors"

	"github.com/usherhq/usher/internal/server/core"
	"github.com/usherhq/usher/internal/server/intake"
)

// ImportLine is one table in the report of Import.
type ImportLine = intake.Line

// ImportOptions are those of an intake.
type ImportOptions = intake.Options

// Import takes over the database of a reference server at source into the one that o
// names, which must be empty or hold an interrupted import of the same source.
func Import(ctx context.Context, o Options, source string, how ImportOptions) (report []ImportLine, err error) {
	from, err := intake.Open(ctx, source)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	c, err := openCore(ctx, o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Store.Close()) }()
	return intake.Run(ctx, c, core.Caller{Workspace: core.DefaultWorkspace}, from, how)
}
