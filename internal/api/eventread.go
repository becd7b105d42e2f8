package api

import (
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
)

// DecodeEvent is Decode for an event, which servers read more often than anything else:
// what an event usually looks like is read without reflection.
func DecodeEvent(body []byte, e *Event) error {
	r := eventReader{rest: body}
	if utf8.Valid(body) && r.event(e) && r.ended() {
		return nil
	}
	*e = Event{}
	return Decode(body, e)
}

// Events is a batch of events. Decode reads it as DecodeEvent reads one.
type Events []Event

// read says whether it was plain enough to be read.
func (list *Events) read(body []byte) bool {
	r := eventReader{rest: body}
	ok := utf8.Valid(body) && r.takes("[")
	for first := true; ok && !r.takes("]"); first = false {
		if ok = first || r.takes(","); ok {
			*list = append(*list, Event{})
			ok = r.event(&(*list)[len(*list)-1])
		}
	}
	if ok && len(*list) > 0 && r.ended() {
		return true
	}
	*list = nil
	return false
}

// eventReader reads JSON as far as it is plain; false from its methods says that it is
// not, or wrong, and somebody else has to read it.
type eventReader struct{ rest []byte }

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
			if text, good = r.text(); good {
				var err error
				e.Occurred, err = ParseTime(text)
				good = err == nil
			}
		case "event":
			bit = name
			e.Event, good = r.text()
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
	text, ok := r.text()
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
		value, ok := r.text()
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
		if key, ok = r.name(); ok {
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
	if len(r.rest) < len(token) || string(r.rest[:len(token)]) != token {
		return false
	}
	r.rest = r.rest[len(token):]
	return true
}

// text reads a string without escapes.
func (r *eventReader) text() (string, bool) {
	text, ok := r.quoted()
	return string(text), ok
}

// name reads the name of a member; the usual ones take no memory.
func (r *eventReader) name() (string, bool) {
	text, ok := r.quoted()
	switch string(text) {
	case "id":
		return "id", ok
	case "occurred":
		return "occurred", ok
	case "event":
		return "event", ok
	case "resource":
		return "resource", ok
	case "related":
		return "related", ok
	case "payload":
		return "payload", ok
	case "follows":
		return "follows", ok
	case "prefect.resource.id":
		return "prefect.resource.id", ok
	case "prefect.resource.name":
		return "prefect.resource.name", ok
	case "prefect.resource.role":
		return "prefect.resource.role", ok
	}
	return string(text), ok
}

// quoted reads what is between quotes.
func (r *eventReader) quoted() ([]byte, bool) {
	if !r.takes(`"`) {
		return nil, false
	}
	for i, c := range r.rest {
		switch {
		case c == '"':
			text := r.rest[:i]
			r.rest = r.rest[i+1:]
			return text, true
		case c == '\\' || c < ' ':
			return nil, false
		}
	}
	return nil, false
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
				raw := jsontext.Value(r.rest[:i+1]).Clone()
				r.rest = r.rest[i+1:]
				return raw, raw.IsValid(jsontext.AllowDuplicateNames(true))
			}
		}
	}
	return nil, false
}
