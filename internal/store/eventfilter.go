package store

import (
	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/filter"
)

// whereEvents is what SQL knows of an event filter; the reader of the rows has to look at
// the rest unless the filter is plain.
func (tx *Tx) whereEvents(f *filter.Event) (condition, error) {
	found, err := tx.mentioned(f)
	column := func(name string) string { return "event." + name }
	if found.sql != always.sql { // which begins with them
		column = func(name string) string { return tx.sql.Plain("event." + name) }
	}
	c := []condition{is(column("workspace_id")+" = ?", tx.workspace), found, eventTimes(column("occurred"), f), eventNames(f.Name), eventResources("event.resource_id", &f.Resource)}
	if len(f.IDs) > 0 {
		c = append(c, oneOf("event.id", f.IDs))
	}
	for i := range f.Any {
		if ids := f.Any[i].IDs; len(ids) > 0 {
			c = append(c, either(oneOf("event.resource_id", ids), tx.isRelated(ids)))
		}
	}
	for i := range f.Related {
		ids := f.Related[i].IDs
		for _, pair := range f.Related[i].Pairs {
			ids = append(ids[:len(ids):len(ids)], pair[0])
		}
		if len(ids) > 0 {
			c = append(c, tx.isRelated(ids))
		}
	}
	return all(c...), err
}

// isRelated is true for the events that one of some resources is related to.
func (tx *Tx) isRelated(ids []string) condition {
	return is(tx.sql.HasAny("event.related_resource_ids"), ids)
}

func eventTimes(column string, f *filter.Event) condition {
	var c []condition
	if f.Since != nil {
		c = append(c, is(column+" >= ?", api.At(*f.Since)))
	}
	if f.Until != nil {
		c = append(c, is(column+" <= ?", api.At(*f.Until)))
	}
	return all(c...)
}

func eventNames(f *api.EventNameFilter) condition {
	if f == nil {
		return always
	}
	var c []condition
	if len(f.Prefix) > 0 {
		c = append(c, anyPrefix("event.event", f.Prefix))
	}
	if len(f.ExcludePrefix) > 0 {
		c = append(c, not(anyPrefix("event.event", f.ExcludePrefix)))
	}
	if len(f.Name) > 0 {
		c = append(c, oneOf("event.event", f.Name))
	}
	if len(f.ExcludeName) > 0 {
		c = append(c, noneOf("event.event", f.ExcludeName))
	}
	return all(c...)
}

func anyPrefix(column string, prefixes []string) condition {
	c := make([]condition, len(prefixes))
	for i, p := range prefixes {
		c[i] = is("substr("+column+", 1, length(?)) = ?", p, p)
	}
	return either(c...)
}

func eventResources(column string, f *filter.Resources) condition {
	var c []condition
	if len(f.IDs) > 0 {
		c = append(c, oneOf(column, f.IDs))
	}
	if len(f.Prefixes) > 0 {
		c = append(c, anyPrefix(column, f.Prefixes))
	}
	return all(c...)
}

func eventOrder(order api.EventOrder) string {
	if order == api.EventOrderAsc {
		return up("event.occurred", "event.seq")
	}
	return down("event.occurred", "event.seq")
}

// Events lists the events that a plain filter selects.
func (tx *Tx) Events(f *filter.Event, order api.EventOrder, limit, offset int) ([]api.ReceivedEvent, error) {
	where, err := tx.whereEvents(f)
	if err != nil {
		return nil, err
	}
	page := page(limit, offset)
	return many(tx, "select "+eventColumns+"\nfrom event\nwhere "+where.sql+"\norder by "+eventOrder(order)+page.sql,
		append(where.args, page.args...), scanEvent)
}

// CountEvents counts the events that a plain filter selects.
func (tx *Tx) CountEvents(f *filter.Event) (int, error) {
	where, err := tx.whereEvents(f)
	if err != nil {
		return 0, err
	}
	return tx.count("event", where)
}

// EachEvent calls each for the events that may be selected, as far as SQL can tell.
func (tx *Tx) EachEvent(f *filter.Event, order api.EventOrder, each func(*api.ReceivedEvent) error) error {
	where, err := tx.whereEvents(f)
	if err != nil {
		return err
	}
	return tx.Query("select "+eventColumns+"\nfrom event\nwhere "+where.sql+"\norder by "+eventOrder(order), where.args, func(row *Row) error {
		e, err := scanEvent(row)
		if err != nil {
			return err
		}
		return each(&e)
	})
}

// EventCounts counts the events that a plain filter selects by name, with the first and
// the last of each.
func (tx *Tx) EventCounts(f *filter.Event) ([]api.EventCount, error) {
	return tx.eventCounts(f, "event.event", "event.event")
}

// ResourceCounts is EventCounts by resource id. A resource that had several names counts
// once for each.
func (tx *Tx) ResourceCounts(f *filter.Event) ([]api.EventCount, error) {
	d := tx.D()
	return tx.eventCounts(f, "event.resource_id", "coalesce("+d.JSONText("event.resource", resourceName)+", "+d.JSONText("event.resource", "prefect.name")+", event.resource_id)")
}

func (tx *Tx) eventCounts(f *filter.Event, value, label string) ([]api.EventCount, error) {
	where, err := tx.whereEvents(f)
	if err != nil {
		return nil, err
	}
	return many(tx, "select "+value+" as value, "+label+" as label, count(*), min(event.occurred), max(event.occurred)\nfrom event\nwhere "+where.sql+"\ngroup by 1, 2", where.args,
		func(row *Row) (c api.EventCount, err error) {
			return c, row.Scan(&c.Value, &c.Label, &c.Count, &c.StartTime, &c.EndTime)
		})
}

// EachOccurrence calls each with the times of the events that a plain filter selects.
func (tx *Tx) EachOccurrence(f *filter.Event, each func(api.Time)) error {
	where, err := tx.whereEvents(f)
	if err != nil {
		return err
	}
	return tx.Query("select event.occurred\nfrom event\nwhere "+where.sql, where.args, func(row *Row) error {
		var at api.Time
		err := row.Scan(&at)
		each(at)
		return err
	})
}
