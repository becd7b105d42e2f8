package store

import (
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// resourceID, resourceName and resourceRole are the labels that name a resource, for
// machines and for people, and its part in an event.
const (
	resourceID   = "prefect.resource.id"
	resourceName = "prefect.resource.name"
	resourceRole = "prefect.resource.role"
)

var (
	eventInserted  = []string{"workspace_id", "id", "occurred", "received", "event", "resource_id", "resource", "related", "related_resource_ids", "payload", "follows"}
	mentionColumns = []string{"workspace_id", "term", "first_seq", "last_seq"}
)

// InsertEvents stores events and returns those that are new. Others are normal: clients
// send again what was not confirmed.
func (tx *Tx) InsertEvents(events []*api.ReceivedEvent) (fresh []*api.ReceivedEvent, err error) {
	if len(events) == 0 {
		return nil, nil
	}
	rows := tx.eventRows(events)
	added := make(map[uuid.UUID]int64, len(events))
	var before int64
	if !tx.sql.Returns() && len(events) > 1 { // one is new or not
		if before, err = tx.lastEvent(); err != nil {
			return nil, err
		}
	}
	err = tx.inBatches("event", eventInserted, rows, "on conflict (workspace_id, id) do nothing", func(sql string, args []any) (err error) {
		if tx.sql.Returns() {
			return tx.Query(sql+"\nreturning id, seq", args, noteEvents(added))
		}
		before, err = tx.insertEvents(sql, args, before, added)
		return err
	})
	if err != nil || len(added) == 0 {
		return nil, err
	}
	numbers := make([]int64, 0, len(added))
	fresh = make([]*api.ReceivedEvent, 0, len(added))
	for _, e := range events {
		if seq, new := added[e.ID]; new {
			fresh, numbers = append(fresh, e), append(numbers, seq)
			delete(added, e.ID)
		}
	}
	return fresh, tx.mention(fresh, numbers)
}

// insertEvents runs one statement and notes the numbers of the events that are new. They
// are behind the last one before, which it answers anew. Those that are not new may have
// taken numbers too.
func (tx *Tx) insertEvents(sql string, args []any, before int64, added map[uuid.UUID]int64) (last int64, err error) {
	n, err := tx.Exec(sql, args...)
	if err != nil || n == 0 {
		return before, err
	}
	last = tx.session.Inserted()
	width := len(eventInserted)
	if int(n)*width < len(args) {
		return last, tx.Query("select id, seq from event where seq > ?", []any{before}, noteEvents(added))
	}
	for i := range n {
		id, _ := args[int(i)*width+1].(uuid.UUID)
		added[id] = last - n + i + 1
	}
	return last, nil
}

func (tx *Tx) lastEvent() (seq int64, err error) {
	return seq, tx.QueryRow("select coalesce(max(seq), 0) from event", nil, &seq)
}

func noteEvents(added map[uuid.UUID]int64) func(*Row) error {
	return func(row *Row) error {
		var id uuid.UUID
		var seq int64
		err := row.Scan(&id, &seq)
		added[id] = seq
		return err
	}
}

// eventRows are the rows of events, in memory that is taken once for all of them.
func (tx *Tx) eventRows(events []*api.ReceivedEvent) [][]any {
	var workspace any = tx.workspace
	rows, cells := make([][]any, len(events)), make([]any, 0, len(events)*len(eventInserted))
	texts := make([]byte, 0, 512*len(events))
	text := func(add func([]byte) []byte) jsontext.Value { // stays where it is when texts moves
		before := len(texts)
		texts = add(texts)
		return texts[before:len(texts):len(texts)]
	}
	for i, e := range events {
		at := len(cells)
		cells = append(cells, workspace, e.ID, e.Occurred.UnixMicro(), e.Received.UnixMicro(), e.Event, e.Resource[resourceID],
			text(func(out []byte) []byte { return appendLabels(out, e.Resource) }),
			text(func(out []byte) []byte { return appendList(out, e.Related, appendLabels) }),
			text(func(out []byte) []byte { return appendList(out, e.Related, appendID) }),
			api.Object(e.Payload), e.Follows)
		rows[i] = cells[at:len(cells):len(cells)]
	}
	return rows
}

// appendList is the JSON of a list, of which each element is appended by itself.
func appendList[T any](out []byte, list []T, each func([]byte, T) []byte) []byte {
	out = append(out, '[')
	for i, one := range list {
		if i > 0 {
			out = append(out, ',')
		}
		out = each(out, one)
	}
	return append(out, ']')
}

func appendID(out []byte, r api.RelatedResource) []byte {
	out, _ = jsontext.AppendQuote(out, r[resourceID]) // replaces invalid UTF-8, its only error
	return out
}

// appendLabels is the JSON of labels, in the order of their names.
func appendLabels(out []byte, labels map[string]string) []byte {
	var few [8]string // most have no more, which then need no memory
	names := few[:0]
	for name := range labels {
		names = append(names, name)
	}
	slices.Sort(names)
	out = append(out, '{')
	for i, name := range names {
		if i > 0 {
			out = append(out, ',')
		}
		out, _ = jsontext.AppendQuote(out, name) // replaces invalid UTF-8, its only error
		out = append(out, ':')
		out, _ = jsontext.AppendQuote(out, labels[name])
	}
	return append(out, '}')
}

const eventColumns = "event.id, event.occurred, event.received, event.event, event.resource, event.related, event.payload, event.follows"

// EventsAfter lists up to n events that occurred between since and until, both included,
// in the order in which they occurred, beginning behind the event with the number seq that
// occurred at a time.
func (tx *Tx) EventsAfter(since, until, at api.Time, seq int64, n int) ([]Stored[api.ReceivedEvent], error) {
	return many(tx, `
		select `+eventColumns+`, seq
		from event
		where workspace_id = ?
		and occurred >= ?
		and occurred <= ?
		and (occurred > ? or (occurred = ? and seq > ?))
		order by occurred, seq
		limit ?`,
		[]any{tx.workspace, since, until, at, at, seq, n},
		func(row *Row) (s Stored[api.ReceivedEvent], err error) {
			s.Workspace = tx.workspace
			s.Value, err = scanEventAnd(row, &s.Seq)
			return s, err
		})
}

func scanEvent(row *Row) (api.ReceivedEvent, error) { return scanEventAnd(row) }

// scanEventAnd scans an event from the first columns and more from the others.
func scanEventAnd(row *Row, more ...any) (e api.ReceivedEvent, err error) {
	var resource, related jsontext.Value
	columns := []any{&e.ID, &e.Occurred, &e.Received, &e.Event, &resource, &related, &e.Payload, &e.Follows}
	if err = row.Scan(append(columns, more...)...); err != nil {
		return e, err
	}
	if err = json.Unmarshal(resource, &e.Resource); err != nil {
		return e, err
	}
	return e, json.Unmarshal(related, &e.Related)
}
