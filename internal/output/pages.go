package output

import (
	"bufio"
	"bytes"
	"context"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
)

// Pages prints a list that comes page by page, each page when it is there: each calls its argument
// with one after the other. Programs get the items themselves, people and pipes the rows made of
// them. It returns how many items there were.
func Pages[T, R any](p *Printer, columns []Column[R], rows func([]T) ([]R, error), each func(use func([]T) error) error) (found int, err error) {
	print, end := pagePrinter(p, columns, rows)
	err = p.Paged(context.Background(), func() error {
		err := each(func(page []T) error {
			found += len(page)
			return print(page)
		})
		if err != nil {
			return err
		}
		return end()
	})
	return found, err
}

// pagePrinter chooses how pages are printed, and what comes after the last one.
func pagePrinter[T, R any](p *Printer, columns []Column[R], rows func([]T) ([]R, error)) (print func([]T) error, end func() error) {
	nothing := func() error { return nil }
	switch o := p.options; {
	case o.Quiet:
		return func(page []T) error { return p.Value(page) }, nothing
	case (o.JQ != "" || o.Template != "") && p.byItem():
		return func(page []T) error {
			if len(page) == 0 {
				return nil
			}
			return p.Value(page)
		}, nothing
	case o.JQ != "" || o.Template != "":
		all := []T{} // they see the list as a whole
		return func(page []T) error { all = append(all, page...); return nil }, func() error { return p.Value(all) }
	case o.Structured():
		s := &sequence{p: p}
		return func(page []T) error { return s.page(page, len(page)) }, s.end
	}
	paged := &pagedTable{}
	return func(page []T) error {
		list, err := rows(page)
		if err != nil {
			return err
		}
		if !p.ForPeople() {
			return tableOf(list, columns).writeTSV(p)
		}
		return paged.page(p, tableOf(list, columns))
	}, nothing
}

// sequence writes one JSON or YAML list in parts.
type sequence struct {
	p     *Printer
	begun bool
}

func (s *sequence) page(items any, n int) error {
	if n == 0 {
		return nil
	}
	document, err := encode(items, s.p.options.Fields)
	if err != nil {
		return err
	}
	if s.p.options.Format == YAML {
		s.begun = true
		return s.p.yaml(document)
	}
	if err := document.Indent(jsontext.WithIndent("  ")); err != nil {
		return fmt.Errorf("indent the result: %w", err)
	}
	before := "[\n"
	if s.begun {
		before = ",\n"
	}
	s.begun = true
	inner := bytes.TrimSuffix(bytes.TrimPrefix(document, []byte("[\n")), []byte("\n]"))
	_, err = fmt.Fprintf(s.p.streams.Out, "%s%s", before, inner)
	return err
}

func (s *sequence) end() error {
	switch {
	case !s.begun:
		return s.p.Line("[]")
	case s.p.options.Format == YAML:
		return nil
	}
	_, err := fmt.Fprint(s.p.streams.Out, "\n]\n")
	return err
}

// pagedTable is a table whose later rows are not there yet when the first ones are printed: these
// choose the columns, and columns only ever get wider.
type pagedTable struct {
	shown   []int // of the columns, once the first page has chosen them
	widths  []int
	begun   bool
	stacked bool // not even the most important columns fit
}

func (t *pagedTable) page(p *Printer, rows table) error {
	if rows.n == 0 {
		return nil
	}
	switch {
	case !t.begun:
		t.begun = true
		s := rows.fill(p.now())
		if t.stacked = !s.fit(p.streams.Width()); t.stacked {
			return rows.stack(p)
		}
		t.widths, t.shown = s.widths, s.shown
		return s.write(p)
	case t.stacked:
		if _, err := fmt.Fprintln(p.streams.Out); err != nil {
			return err
		}
		return rows.stack(p)
	}
	kept := make([]Column[int], len(t.shown))
	for i, column := range t.shown {
		kept[i] = rows.columns[column]
	}
	rows.columns = kept
	s := rows.fill(p.now())
	for i, width := range t.widths {
		s.widths[i] = max(s.widths[i], width)
	}
	for s.total() > p.streams.Width() {
		i := s.widest()
		if i < 0 {
			break
		}
		s.widths[i]--
	}
	t.widths = s.widths
	w := bufio.NewWriter(p.streams.Out)
	s.rows(w, p.painter())
	return w.Flush()
}
