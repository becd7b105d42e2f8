package store

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/filter"
	"github.com/usherhq/usher/internal/store/dialect"
)

// Events are found by what they mention: their name, and the ids of their resources. A
// mention is not of one event but of a span of those that were written together, so
// that whoever finds a span looks at each of its events.
//
// Where events get their numbers in the order of the commits, those that come a few at a
// time are mentioned later, hundreds together: a mention for each would be half of what a
// change of state writes. Until then they are the tail, which every search looks through. A
// cursor that belongs to no workspace says where it begins; elsewhere there is none, and
// no tail.

// maxSpan bounds the numbers of a span, so that a mention of an event is near its number.
const maxSpan = 4096

func nameTerm(event string) string  { return term("e:" + event) }
func resourceTerm(id string) string { return term("r:" + id) }

// term shortens what is too long for a key.
func term(text string) string {
	if len(text) <= 512 {
		return text
	}
	sum := sha256.Sum256([]byte(text))
	return text[:2] + "#" + hex.EncodeToString(sum[:])
}

// span is a range of numbers of events, both ends included.
type span struct{ first, last int64 }

// mentions are the spans of events that mention a term.
type mentions map[string][]span

func (m *mentions) event(e *api.ReceivedEvent, seq int64) {
	m.add(nameTerm(e.Event), seq)
	m.add(resourceTerm(e.Resource[resourceID]), seq)
	for _, r := range e.Related {
		m.add(resourceTerm(r[resourceID]), seq)
	}
}

// add notes a term of the event with a number.
func (m *mentions) add(term string, seq int64) {
	if *m == nil {
		*m = mentions{}
	}
	spans := (*m)[term]
	if n := len(spans) - 1; n >= 0 && seq >= spans[n].first && seq-spans[n].first < maxSpan {
		spans[n].last = max(spans[n].last, seq)
		return
	}
	(*m)[term] = append(spans, span{seq, seq})
}

// The bounds of the tail: it is mentioned when it has longestTail events, and so many as
// manyEvents written at once are mentioned at once.
const (
	longestTail = 256
	manyEvents  = 16
)

// tailStart is the number of the last event before the tail.
const tailStart = "(\n  select seq\n  from event_cursor\n  where workspace_id = x'00000000000000000000000000000000'\n  and consumer = 'mentions')"

// mention makes new events findable, at once or as part of the tail. numbers are theirs, in
// ascending order where the database gives them in the order of commits.
func (tx *Tx) mention(events []*api.ReceivedEvent, numbers []int64) error {
	var said mentions
	if tx.sql.Returns() {
		for i, e := range events {
			said.event(e, numbers[i])
		}
		return tx.insertMentions(tx.workspace, &said)
	}
	first, last := numbers[0], numbers[len(numbers)-1]
	many := len(events) >= manyEvents
	if !many && last-tx.tailSeen.Load() < longestTail {
		return nil
	}
	begin, err := tx.tail()
	switch {
	case err != nil:
		return err
	case many:
		if begin < first-1 {
			if err := tx.mentionTail(begin, first-1); err != nil {
				return err
			}
		}
		for i, e := range events {
			said.event(e, numbers[i])
		}
		if err := tx.insertMentions(tx.workspace, &said); err != nil {
			return err
		}
		return tx.beginTail(last)
	case last-begin >= longestTail:
		return tx.endTail(begin, last)
	default:
		return nil
	}
}

// tail is the number of the last event before the tail. It is remembered, so that not each
// event has to ask whether the tail is too long. What was remembered can be wrong, since the
// transaction may be undone and other processes write: only what is read anew is written.
func (tx *Tx) tail() (begin int64, err error) {
	err = tx.QueryRow("select coalesce("+tailStart+", 0)", nil, &begin)
	tx.tailSeen.Store(begin)
	return begin, err
}

func (tx *Tx) beginTail(last int64) error {
	_, err := tx.Exec("insert into event_cursor (workspace_id, consumer, seq, updated)\nvalues (?, 'mentions', ?, 0)\non conflict (workspace_id, consumer) do update set seq = excluded.seq", uuid.Nil, last)
	return err
}

// endTail mentions the events of the tail up to a number.
func (tx *Tx) endTail(begin, last int64) error {
	if err := tx.mentionTail(begin, last); err != nil {
		return err
	}
	return tx.beginTail(last)
}

// mentionTail mentions the events of all workspaces that are behind a number, up to another.
func (tx *Tx) mentionTail(begin, last int64) error {
	said := map[uuid.UUID]*mentions{}
	err := tx.Query("select workspace_id, event, resource_id, related_resource_ids, seq\nfrom event\nwhere seq > ?\nand seq <= ?\norder by seq", []any{begin, last}, func(row *Row) error {
		var workspace uuid.UUID
		var event, resource string
		var related []string
		var seq int64
		err := row.Scan(&workspace, &event, &resource, &related, &seq)
		m := said[workspace]
		if m == nil {
			m = &mentions{}
			said[workspace] = m
		}
		m.add(nameTerm(event), seq)
		m.add(resourceTerm(resource), seq)
		for _, id := range related {
			m.add(resourceTerm(id), seq)
		}
		return err
	})
	for workspace, m := range said {
		if err == nil {
			err = tx.insertMentions(workspace, m)
		}
	}
	return err
}

func (tx *Tx) insertMentions(workspace uuid.UUID, m *mentions) error {
	rows := make([][]any, 0, len(*m))
	for _, term := range slices.Sorted(maps.Keys(*m)) {
		for _, s := range (*m)[term] {
			rows = append(rows, []any{workspace, term, s.first, s.last})
		}
	}
	_, err := tx.Insert("event_mention", mentionColumns, rows, "on conflict do nothing")
	return err
}

// MentionEvents makes events findable that were stored by other means than InsertEvents.
func (tx *Tx) MentionEvents(ids []uuid.UUID) error {
	if !tx.sql.Returns() {
		return tx.mentionAll()
	}
	var said mentions
	err := tx.Query("select "+eventColumns+", seq\nfrom event\nwhere workspace_id = ?\nand "+dialect.In("id", len(ids))+"\norder by seq",
		dialect.Pad([]any{tx.workspace}, ids), func(row *Row) error {
			var seq int64
			e, err := scanEventAnd(row, &seq)
			said.event(&e, seq)
			return err
		})
	if err != nil {
		return err
	}
	return tx.insertMentions(tx.workspace, &said)
}

// mentionAll leaves no tail.
func (tx *Tx) mentionAll() error {
	begin, err := tx.tail()
	if err != nil {
		return err
	}
	last, err := tx.lastEvent()
	if err != nil || last <= begin {
		return err
	}
	return tx.endTail(begin, last)
}

// forgetMentions removes the mentions of events that are gone.
func (tx *Tx) forgetMentions(of *mentions) error {
	for batch := range slices.Chunk(slices.Sorted(maps.Keys(*of)), 256) {
		first, last := (*of)[batch[0]][0].first, int64(0)
		for _, term := range batch {
			for _, s := range (*of)[term] {
				first, last = min(first, s.first), max(last, s.last)
			}
		}
		where := all(is("workspace_id = ?", tx.workspace), oneOf("term", batch),
			is("first_seq > ?\nand first_seq <= ?", first-maxSpan, last),
			not(exists("event", is("event.seq between event_mention.first_seq and event_mention.last_seq\nand "+tx.sql.Plain("event.workspace_id")+" = event_mention.workspace_id"))))
		if _, err := tx.Exec("delete from event_mention\nwhere "+where.sql, where.args...); err != nil {
			return err
		}
	}
	return nil
}

// The bounds of what is found by its mentions: beyond them it is cheaper to look at all
// events of the time.
const (
	maxMentions  = 2000
	maxMentioned = 20_000
)

// mentioned limits a query to the events that mention the rarest of what a filter asks
// for; it does not when there is nothing rare.
func (tx *Tx) mentioned(f *filter.Event) (condition, error) {
	best, cost := always, int64(maxMentioned+1)
	if len(f.IDs) > 0 {
		return best, nil
	}
	for _, terms := range termsOf(f) {
		where := tx.mentionsOf(terms)
		var spans, events int64
		err := tx.QueryRow("select count(*), coalesce(sum(events), 0)\nfrom (\n  select last_seq - first_seq + 1 as events\n  from event_mention\n  where "+where.sql+"\n  limit ?) as found",
			append(where.args, maxMentions+1), &spans, &events)
		if err != nil {
			return always, err
		}
		if spans <= maxMentions && events < cost {
			best, cost = tx.amongMentioned(where), events
		}
	}
	return best, nil
}

// mentionsOf are the mentions of some terms.
func (tx *Tx) mentionsOf(terms []string) condition {
	return all(tx.own("event_mention"), oneOf("term", terms))
}

// amongMentioned is true for the events of some mentions, and those of the tail.
func (tx *Tx) amongMentioned(mentions condition) condition {
	tail := ""
	if !tx.sql.Returns() {
		tail = "\n  union all\n  select seq\n  from event\n  where seq > " + tailStart
	}
	return is("event.seq in (\n  select e.seq\n  from event_mention\n  cross join event as e\n  where "+mentions.sql+"\n  and e.seq between event_mention.first_seq and event_mention.last_seq"+tail+")", mentions.args...)
}

// termsOf lists what a filter asks for: of each list an event must mention one.
func termsOf(f *filter.Event) (out [][]string) {
	add := func(termOf func(string) string, values []string) {
		if len(values) == 0 {
			return
		}
		terms := make([]string, len(values))
		for i, v := range values {
			terms[i] = termOf(v)
		}
		out = append(out, terms)
	}
	if f.Name != nil {
		add(nameTerm, f.Name.Name)
	}
	add(resourceTerm, f.Resource.IDs)
	for i := range f.Any {
		add(resourceTerm, f.Any[i].IDs)
	}
	for i := range f.Related {
		add(resourceTerm, f.Related[i].IDs)
		pairs := make([]string, len(f.Related[i].Pairs))
		for k, p := range f.Related[i].Pairs {
			pairs[k] = p[0]
		}
		add(resourceTerm, pairs)
	}
	return out
}
