package api

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
)

// DecodeEvent is Decode for an event, which servers read more often than anything else:
// what an event usually looks like is read without reflection.
func DecodeEvent(body []byte, e *Event) error {
	r := eventReader{body: body, rest: string(body)}
	if utf8.Valid(body) && r.event(e) && r.ended() {
		return nil
	}
	*e = Event{}
	return Decode(body, e)
}

// Events is a batch of events. Decode reads it as DecodeEvent reads one.
type Events []Event

// foreseen bounds the events that memory is taken for before they are read.
const foreseen = 1000

// read says whether it was plain enough to be read.
func (list *Events) read(body []byte) bool {
	r := eventReader{body: body, rest: string(body)}
	ok := utf8.Valid(body) && r.takes("[")
	for first := true; ok && !r.takes("]"); first = false {
		if ok = first || r.takes(","); ok {
			before := len(r.rest)
			*list = append(*list, Event{})
			ok = r.event(&(*list)[len(*list)-1])
			if first && ok { // the others are about as long
				*list = slices.Grow(*list, min(len(r.rest)/(before-len(r.rest)), foreseen))
			}
		}
	}
	if ok && len(*list) > 0 && r.ended() {
		return true
	}
	*list = nil
	return false
}

// eventReader reads JSON as far as it is plain; false from its methods says that it is
// not, or wrong, and somebody else has to read it. What it reads are pieces of the body.
type eventReader struct {
	body []byte
	rest string // its end, which was not read yet
}

func (r *eventReader) event(e *Event) bool {
	const id, occurred, name, resource, related, payload, follows = 1, 2, 4, 8, 16, 32, 64
	seen := 0
	ok := r.members(func(key string) bool {
		bit := 0
		good := false
		switch key {
		case "id":
			bit, good = id, r.id(&e.ID)
		case "occurred":
			bit = occurred
			var text string
			if text, good = r.quoted(); good {
				var err error
				e.Occurred, err = ParseTime(text)
				good = err == nil
			}
		case "event":
			bit = name
			e.Event, good = r.quoted()
		case "resource":
			bit = resource
			e.Resource, good = r.labels()
		case "related":
			bit, good = related, r.related(e)
		case "payload":
			bit = payload
			var raw jsontext.Value
			raw, good = r.object()
			e.Payload = Some(raw)
		case "follows":
			bit, good = follows, r.follows(e)
		}
		twice := seen&bit != 0
		seen |= bit
		return good && !twice
	})
	const needed = id | occurred | name | resource
	return ok && seen&needed == needed
}

func (r *eventReader) ended() bool {
	r.space()
	return len(r.rest) == 0
}

func (r *eventReader) id(into *uuid.UUID) bool {
	text, ok := r.quoted()
	if !ok || len(text) != 36 {
		return false
	}
	var err error
	*into, err = uuid.Parse(text)
	return err == nil
}

func (r *eventReader) follows(e *Event) bool {
	if r.takes("null") {
		e.Follows = Null[uuid.UUID]()
		return true
	}
	var id uuid.UUID
	ok := r.id(&id)
	e.Follows = Some(id)
	return ok
}

func (r *eventReader) related(e *Event) bool {
	list := []RelatedResource{}
	ok := r.takes("[")
	for first := true; ok && !r.takes("]"); first = false {
		if ok = first || r.takes(","); ok {
			var one RelatedResource
			one, ok = r.labels()
			list = append(list, one)
		}
	}
	e.Related = Some(list)
	return ok
}

func (r *eventReader) labels() (map[string]string, bool) {
	labels := make(map[string]string, 4)
	ok := r.members(func(key string) bool {
		value, ok := r.quoted()
		labels[key] = value
		return ok
	})
	return labels, ok
}

// members reads an object and calls each behind the name of every member.
func (r *eventReader) members(each func(key string) bool) bool {
	ok := r.takes("{")
	for first := true; ok && !r.takes("}"); first = false {
		if ok = first || r.takes(","); !ok {
			break
		}
		var key string
		if key, ok = r.quoted(); ok {
			ok = r.takes(":") && each(key)
		}
	}
	return ok
}

func (r *eventReader) space() {
	for len(r.rest) > 0 && (r.rest[0] == ' ' || r.rest[0] == '\n' || r.rest[0] == '\t' || r.rest[0] == '\r') {
		r.rest = r.rest[1:]
	}
}

// takes reads a token if it is next.
func (r *eventReader) takes(token string) bool {
	r.space()
	rest, ok := strings.CutPrefix(r.rest, token)
	r.rest = rest
	return ok
}

// quoted reads a string without escapes.
func (r *eventReader) quoted() (string, bool) {
	if !r.takes(`"`) {
		return "", false
	}
	for i := range len(r.rest) {
		switch c := r.rest[i]; {
		case c == '"':
			text := r.rest[:i]
			r.rest = r.rest[i+1:]
			return text, true
		case c == '\\' || c < ' ':
			return "", false
		}
	}
	return "", false
}

// object reads an object as it stands.
func (r *eventReader) object() (jsontext.Value, bool) {
	if r.space(); len(r.rest) == 0 || r.rest[0] != '{' {
		return nil, false
	}
	depth, inText := 0, false
	for i := 0; i < len(r.rest); i++ {
		switch c := r.rest[i]; {
		case inText && c == '\\':
			i++
		case c == '"':
			inText = !inText
		case inText:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			if depth--; depth == 0 {
				at := len(r.body) - len(r.rest)
				raw := jsontext.Value(r.body[at : at+i+1 : at+i+1])
				r.rest = r.rest[i+1:]
				return raw, raw.IsValid(jsontext.AllowDuplicateNames(true))
			}
		}
	}
	return nil, false
}
