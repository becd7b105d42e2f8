package store

import (
	"errors"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store/dialect"
)

// Place is where an event stands in the order in which readers follow events. Nothing
// appears before a place that a reader has come to.
type Place struct{ Epoch, Seq int64 }

// Compare orders places.
func (p Place) Compare(q Place) int {
	switch {
	case p == q:
		return 0
	case p.Epoch < q.Epoch || p.Epoch == q.Epoch && p.Seq < q.Seq:
		return -1
	}
	return 1
}

// EventHead is what a reader sees of an event before it wants all of it.
type EventHead struct {
	Place    Place
	ID       uuid.UUID
	Event    string
	Follows  *uuid.UUID
	Received api.Time
}

// Cursor is the place that a reader of events has come to; ErrNoRows says that it has
// never read any.
func (tx *Tx) Cursor(consumer string) (at Place, err error) {
	err = tx.QueryRow(`
		select epoch, seq
		from event_cursor
		where workspace_id = ?
		and consumer = ?`, []any{tx.workspace, consumer}, &at.Epoch, &at.Seq)
	return at, err
}

// StartCursor makes a reader begin behind the events that there are, unless it has begun.
func (tx *Tx) StartCursor(consumer string, now api.Time) error {
	last := Place{}
	err := tx.QueryRow(`
		select `+tx.D().Place("event")+`
		from event
		where `+tx.D().Plain("event.workspace_id")+` = ?
		order by `+lastFirst(tx.D().Order("event"))+`
		limit 1`, []any{tx.workspace}, &last.Epoch, &last.Seq)
	if err != nil && !errors.Is(err, ErrNoRows) {
		return err
	}
	_, err = tx.Exec(`
		insert into event_cursor (workspace_id, consumer, epoch, seq, updated)
		values (?, ?, ?, ?, ?)
		on conflict do nothing`, tx.workspace, consumer, last.Epoch, last.Seq, now)
	return err
}

// RestartCursor makes a reader begin behind the events that there are, wherever it was.
func (tx *Tx) RestartCursor(consumer string, now api.Time) error {
	_, err := tx.Exec("delete from event_cursor\nwhere workspace_id = ?\nand consumer = ?", tx.workspace, consumer)
	if err != nil {
		return err
	}
	return tx.StartCursor(consumer, now)
}

// lastFirst turns an order around.
func lastFirst(order string) string { return strings.ReplaceAll(order, ",", " desc,") + " desc" }

// MoveCursor moves a reader from one place to another, and keeps other readers of that
// name out until the transaction ends. It answers false when the reader is elsewhere.
func (tx *Tx) MoveCursor(consumer string, from, to Place, now api.Time) (bool, error) {
	rows, err := tx.Exec(`
		update event_cursor
		set epoch = ?, seq = ?, updated = ?
		where workspace_id = ?
		and consumer = ?
		and epoch = ?
		and seq = ?`, to.Epoch, to.Seq, now, tx.workspace, consumer, from.Epoch, from.Seq)
	return rows > 0, err
}

// EventHeads lists up to n events behind a place, in order.
func (tx *Tx) EventHeads(behind Place, n int) ([]EventHead, error) {
	return many(tx, eventHeads(tx.D()), []any{tx.workspace, behind.Epoch, behind.Seq, n},
		func(row *Row) (h EventHead, err error) {
			err = row.Scan(&h.Place.Epoch, &h.Place.Seq, &h.ID, &h.Event, &h.Follows, &h.Received)
			return h, err
		})
}

func eventHeads(d dialect.SQL) string {
	return `
		select ` + d.Place("event") + `, event.id, event.event, event.follows, event.received
		from event
		where ` + d.Plain("event.workspace_id") + ` = ?
		and ` + d.Behind("event") + `
		order by ` + d.Order("event") + `
		limit ?`
}

// FirstEventAfter is the place of the first event behind a place that has one of some
// names; ErrNoRows says that there is none.
func (tx *Tx) FirstEventAfter(behind Place, names []string) (at Place, err error) {
	mentioned := always
	if !tx.sql.Returns() { // elsewhere ix_event_place leads to the events behind
		terms := make([]string, len(names))
		for i, name := range names {
			terms[i] = nameTerm(name)
		}
		mentioned = tx.amongMentioned(tx.mentionsOf(terms))
	}
	where := all(mentioned, is(tx.D().Plain("event.workspace_id")+" = ?", tx.workspace), is(tx.D().Behind("event"), behind.Epoch, behind.Seq), oneOf("event.event", names))
	err = tx.QueryRow("select "+tx.D().Place("event")+"\nfrom event\nwhere "+where.sql+"\norder by "+tx.D().Order("event")+"\nlimit 1", where.args, &at.Epoch, &at.Seq)
	return at, err
}

// LastEventAfter is the place of the last event behind a place, or that place.
func (tx *Tx) LastEventAfter(behind Place) (at Place, err error) {
	where := all(is(tx.D().Plain("event.workspace_id")+" = ?", tx.workspace), is(tx.D().Behind("event"), behind.Epoch, behind.Seq))
	at = behind
	err = tx.QueryRow("select "+tx.D().Place("event")+"\nfrom event\nwhere "+where.sql+"\norder by "+lastFirst(tx.D().Order("event"))+"\nlimit 1", where.args, &at.Epoch, &at.Seq)
	if errors.Is(err, ErrNoRows) {
		err = nil
	}
	return at, err
}

// EventPlaces says where those of some events stand that are stored.
func (tx *Tx) EventPlaces(ids []uuid.UUID) (map[uuid.UUID]Place, error) {
	out := map[uuid.UUID]Place{}
	err := tx.Query(`
		select event.id, `+tx.D().Place("event")+`
		from event
		where event.workspace_id = ?
		and `+dialect.In("event.id", len(ids)), dialect.Pad([]any{tx.workspace}, ids),
		func(row *Row) error {
			var id uuid.UUID
			var at Place
			err := row.Scan(&id, &at.Epoch, &at.Seq)
			out[id] = at
			return err
		})
	return out, err
}

// EventsByID returns those of some events that are stored.
func (tx *Tx) EventsByID(ids []uuid.UUID) (map[uuid.UUID]*api.ReceivedEvent, error) {
	out := map[uuid.UUID]*api.ReceivedEvent{}
	err := tx.Query("select "+eventColumns+"\nfrom event\nwhere workspace_id = ?\nand "+dialect.In("id", len(ids)),
		dialect.Pad([]any{tx.workspace}, ids), func(row *Row) error {
			e, err := scanEvent(row)
			out[e.ID] = &e
			return err
		})
	return out, err
}

// HoldEvent notes that a reader leaves an event until the one that it follows has come.
func (tx *Tx) HoldEvent(scope string, e *api.ReceivedEvent) error {
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`
		insert into event_follower (workspace_id, scope, follower_event_id, leader_event_id, received, follower)
		values (?, ?, ?, ?, ?, ?)
		on conflict do nothing`, tx.workspace, scope, e.ID, e.Follows, e.Received, jsontext.Value(text))
	return err
}

// HeldEvents lists the events that wait for one of some others.
func (tx *Tx) HeldEvents(scope string, leaders []uuid.UUID) ([]api.ReceivedEvent, error) {
	return tx.held(scope, oneOf("leader_event_id", leaders))
}

// AreHeld lists those of some events that wait.
func (tx *Tx) AreHeld(scope string, ids []uuid.UUID) ([]api.ReceivedEvent, error) {
	return tx.held(scope, oneOf("follower_event_id", ids))
}

// LostEvents lists the events that have waited since before a time.
func (tx *Tx) LostEvents(scope string, before api.Time) ([]api.ReceivedEvent, error) {
	return tx.held(scope, is("received < ?", before))
}

// AnyHeld says whether any event waits.
func (tx *Tx) AnyHeld(scope string) (bool, error) {
	one := 0
	err := tx.QueryRow("select 1\nfrom event_follower\nwhere workspace_id = ?\nand scope = ?\nlimit 1", []any{tx.workspace, scope}, &one)
	if errors.Is(err, ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

func (tx *Tx) held(scope string, where condition) ([]api.ReceivedEvent, error) {
	where = all(is("workspace_id = ?\nand scope = ?", tx.workspace, scope), where)
	return many(tx, "select follower\nfrom event_follower\nwhere "+where.sql, where.args,
		func(row *Row) (e api.ReceivedEvent, err error) {
			var text jsontext.Value
			if err = row.Scan(&text); err == nil {
				err = json.Unmarshal(text, &e)
			}
			return e, err
		})
}

// ReleaseEvents forgets that some events wait.
func (tx *Tx) ReleaseEvents(scope string, ids []uuid.UUID) error {
	where := all(is("workspace_id = ?\nand scope = ?", tx.workspace, scope), oneOf("follower_event_id", ids))
	_, err := tx.Exec("delete from event_follower\nwhere "+where.sql, where.args...)
	return err
}
