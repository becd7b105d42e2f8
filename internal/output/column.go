package output

import (
	"context"
	"time"
)

// Column is one property of a T as a table shows it.
type Column[T any] struct {
	// Name is the heading.
	Name string
	// Value is the property in full, for programs.
	Value func(T) string
	// Human is the property as a person wants it; Value if nil.
	Human func(item T, now time.Time) string
	// Tone chooses the colour; none if nil.
	Tone func(T) Tone
	// Right aligns numbers.
	Right bool
	// Rank says how soon a narrow terminal may leave the column out: 0 never,
	// and a higher rank before a lower one.
	Rank int
	// Whole keeps the text from being cut: ids that are copied.
	Whole bool
}

// Of makes a column of a part the column of what the part is in.
func Of[T, U any](c Column[U], part func(T) U) Column[T] {
	whole := Column[T]{Name: c.Name, Value: func(item T) string { return c.Value(part(item)) }, Right: c.Right, Rank: c.Rank, Whole: c.Whole}
	if c.Human != nil {
		whole.Human = func(item T, now time.Time) string { return c.Human(part(item), now) }
	}
	if c.Tone != nil {
		whole.Tone = func(item T) Tone { return c.Tone(part(item)) }
	}
	return whole
}

// table is items with their columns, whatever type the items have, so that what prints them
// exists once. Columns take the place of an item.
type table struct {
	n       int
	columns []Column[int]
}

func tableOf[T any](items []T, columns []Column[T]) table {
	t := table{n: len(items), columns: make([]Column[int], len(columns))}
	item := func(i int) T { return items[i] }
	for i, c := range columns {
		t.columns[i] = Of(c, item)
	}
	return t
}

func (c Column[T]) human(item T, now time.Time) string {
	if c.Human != nil {
		return c.Human(item, now)
	}
	return c.Value(item)
}

func (c Column[T]) tone(item T) Tone {
	if c.Tone == nil {
		return Plain
	}
	return c.Tone(item)
}

// List prints many items: a table, tab-separated values without a heading, or
// the structured form asked for.
func List[T any](p *Printer, items []T, columns []Column[T]) error {
	if p.Structured() {
		if items == nil {
			items = []T{}
		}
		return p.Value(items)
	}
	if !p.ForPeople() {
		return tableOf(items, columns).writeTSV(p)
	}
	return p.Paged(context.Background(), func() error { return tableOf(items, columns).write(p) })
}

// Detail prints one item, a line per property: aligned for a person,
// tab-separated otherwise, or the structured form asked for.
func Detail[T any](p *Printer, item T, properties []Column[T]) error {
	if p.Structured() {
		return p.Value(item)
	}
	if !p.ForPeople() {
		return tableOf([]T{item}, properties).writePairs(p)
	}
	return p.Paged(context.Background(), func() error { return tableOf([]T{item}, properties).stack(p) })
}
