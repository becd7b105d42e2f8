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
	if *m == nil {
		*m = mentions{}
	}
	m.add(nameTerm(e.Event), seq)
	m.add(resourceTerm(e.Resource[resourceID]), seq)
	for _, r := range e.Related {
		m.add(resourceTerm(r[resourceID]), seq)
	}
}

// add notes a term of the event with a number.
func (m mentions) add(term string, seq int64) {
	spans := m[term]
	if n := len(spans) - 1; n >= 0 && seq >= spans[n].first && seq-spans[n].first < maxSpan {
		spans[n].last = max(spans[n].last, seq)
		return
	}
	m[term] = append(spans, span{seq, seq})
}

func (tx *Tx) insertMentions(m *mentions) error {
	rows := make([][]any, 0, len(*m))
	for _, term := range slices.Sorted(maps.Keys(*m)) {
		for _, s := range (*m)[term] {
			rows = append(rows, []any{tx.workspace, term, s.first, s.last})
		}
	}
	_, err := tx.Insert("event_mention", mentionColumns, rows, "on conflict do nothing")
	return err
}

// MentionEvents makes events findable that were stored by other means than InsertEvents.
func (tx *Tx) MentionEvents(ids []uuid.UUID) error {
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
	return tx.insertMentions(&said)
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
			not(exists("event", is("event.seq between event_mention.first_seq and event_mention.last_seq"))))
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
		where := all(tx.own("event_mention"), oneOf("term", terms))
		var spans, events int64
		err := tx.QueryRow("select count(*), coalesce(sum(events), 0)\nfrom (\n  select last_seq - first_seq + 1 as events\n  from event_mention\n  where "+where.sql+"\n  limit ?) as found",
			append(where.args, maxMentions+1), &spans, &events)
		if err != nil {
			return always, err
		}
		if spans <= maxMentions && events < cost {
			best, cost = is("event.seq in (\n  select e.seq\n  from event_mention\n  cross join event as e\n  where "+where.sql+"\n  and e.seq between event_mention.first_seq and event_mention.last_seq)", where.args...), events
		}
	}
	return best, nil
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
