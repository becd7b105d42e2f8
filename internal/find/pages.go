package find

import (
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/output"
)

// PageSize is how many objects one request asks for: the most that servers allow.
const PageSize = 200

// Pages reads objects page by page, at most limit of them; 0 or less means all.
func Pages[T any](limit int, read func(offset, limit int) ([]T, error)) ([]T, error) {
	all := []T{}
	err := EachPage(limit, read, func(page []T) error {
		all = append(all, page...)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// EachPage is Pages for who can use a page before the next one is there.
func EachPage[T any](limit int, read func(offset, limit int) ([]T, error), use func(page []T) error) error {
	for done := 0; ; {
		size := PageSize
		if limit > 0 {
			size = min(size, limit-done)
		}
		page, err := read(done, size)
		if err != nil {
			return err
		}
		if err := use(page); err != nil {
			return err
		}
		done += len(page)
		if len(page) < size || done == limit {
			return nil
		}
	}
}

// List prints what Pages reads, each page when it is there. none is said to people if there is
// nothing, "" for no word.
func List[T any](env *cli.Env, options output.Options, columns []output.Column[T], none string, limit int, read func(offset, limit int) ([]T, error)) error {
	return ListAs(env, options, columns, func(page []T) ([]T, error) { return page, nil }, none, limit, read)
}

// ListAs is List for objects that people see as something else: with the names of what they name by
// id, say.
func ListAs[T, R any](env *cli.Env, options output.Options, columns []output.Column[R], rows func([]T) ([]R, error), none string, limit int, read func(offset, limit int) ([]T, error)) error {
	printer := env.Printer(options)
	found, err := output.Pages(printer, columns, rows, func(use func([]T) error) error { return EachPage(limit, read, use) })
	if err == nil && found == 0 && none != "" && !printer.Structured() {
		env.Say(none)
	}
	return err
}
