package api_test

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

func eventTexts() []string {
	return []string{
		`{"id":"0199d1c0-0000-7000-8000-000000000001","occurred":"2026-01-02T03:04:05.678901Z","event":"a.b","resource":{"prefect.resource.id":"x"}}`,
		` { "id" : "0199D1C0-0000-7000-8000-000000000001" , "occurred":"2026-01-02 03:04:05+02:00","event":"ä","resource":{},"related":[],"payload":{ "a" : [1,{"}":"\"}"}] },"follows":null} `,
		`{"id":"0199d1c0-0000-7000-8000-000000000001","occurred":"2026-01-02","event":"a","resource":{"a":"b","a":"c"},"related":[{"r":"1"},{"s":"2","t":"\u00e4"}],"follows":"0199d1c0-0000-7000-8000-000000000002"}`,
		`{"id":"0199d1c0-0000-7000-8000-000000000001","occurred":5,"event":"a","resource":{"a":"b"},"payload":null,"received":1,"more":{}}`,
		`{"id":"0199d1c0-0000-7000-8000-000000000001","id":"0199d1c0-0000-7000-8000-000000000003","occurred":"2026-01-02T03:04:05Z","event":"a","resource":{"a":"b"}}`,
		`{"id":"0199d1c00000700080000000000000012","occurred":"2026-01-02T03:04:05Z","event":"a","resource":{"a":"b"}}`,
		`{"id":"0199d1c0-0000-7000-8000-000000000001","occurred":"2026-01-02T03:04:05Z","event":"a","resource":{"a":null}}`,
		`{"id":"0199d1c0-0000-7000-8000-000000000001","occurred":"2026-01-02T03:04:05Z","event":"a","resource":{"a":"b"},"payload":{"a":tru}}`,
		`{"id":"0199d1c0-0000-7000-8000-000000000001","occurred":"2026-01-02T03:04:05Z","event":"a","resource":{"a":"b"},"payload":{"a":1,"a":2}}`,
		`{"id":"0199d1c0-0000-7000-8000-000000000001","occurred":"2026-01-02T03:04:05Z","event":"a","resource":{"a":"b"},}`,
		`{"id":"0199d1c0-0000-7000-8000-000000000001","occurred":"2026-01-02T03:04:05Z","event":"a","resource":{"a":"b"}} x`,
		"{\"id\":\"0199d1c0-0000-7000-8000-000000000001\",\"occurred\":\"2026-01-02T03:04:05Z\",\"event\":\"\xff\",\"resource\":{\"a\":\"b\"}}",
		"{\"id\":\"0199d1c0-0000-7000-8000-000000000001\",\"occurred\":\"2026-01-02T03:04:05Z\",\"event\":\"a\nb\",\"resource\":{\"a\":\"b\"}}",
		`{"event":"a"}`, `{`, `[]`, `null`, ``, `{"related":[,]}`, `{"related":[{}{}]}`,
	}
}

// What is read without reflection is what Decode reads, and refused as Decode refuses it.
func checkDecodeEvent(t *testing.T, text string) {
	t.Helper()
	var quick, slow api.Event
	errQuick, errSlow := api.DecodeEvent([]byte(text), &quick), api.Decode([]byte(text), &slow)
	if (errQuick == nil) != (errSlow == nil) || errSlow != nil && errQuick.Error() != errSlow.Error() {
		t.Errorf("%s\nis refused with %v, and by Decode with %v", text, errQuick, errSlow)
		return
	}
	a := []any{quick.ID, quick.Occurred.String(), quick.Event, quick.Resource, quick.Related.Or(nil), quick.Related.IsSet(), string(quick.Payload.Or(nil)), quick.Payload.IsSet(), quick.Follows.Or(uuid.Nil), quick.Follows.IsSet()}
	b := []any{slow.ID, slow.Occurred.String(), slow.Event, slow.Resource, slow.Related.Or(nil), slow.Related.IsSet(), string(slow.Payload.Or(nil)), slow.Payload.IsSet(), slow.Follows.Or(uuid.Nil), slow.Follows.IsSet()}
	if diff := cmp.Diff(b, a); errSlow == nil && diff != "" {
		t.Errorf("%s\n(-Decode +DecodeEvent):\n%s", text, diff)
	}
}

func TestDecodeEventIsDecode(t *testing.T) {
	t.Parallel()
	for _, text := range eventTexts() {
		checkDecodeEvent(t, text)
	}
}

// A batch is what Decode makes of a list that is none of Events.
func TestABatchOfEventsIsDecodedAsAnyList(t *testing.T) {
	t.Parallel()
	texts := []string{`[]`, ` [ ] `, ``, `null`, `{}`, `[null]`, `[1]`, `[`, `[,]`, `[] x`}
	for _, a := range eventTexts() {
		texts = append(texts, "["+a+"]", "["+a+","+a+"]", " [ "+a+" ,\n"+a+" ] ", "["+a, "["+a+",]", "["+a+" "+a+"]", "["+a+"]]")
		for _, b := range eventTexts() {
			texts = append(texts, "["+a+","+b+"]")
		}
	}
	for _, text := range texts {
		var quick api.Events
		var slow []api.Event
		errQuick, errSlow := api.Decode([]byte(text), &quick), api.Decode([]byte(text), &slow)
		if diff := cmp.Diff(errSlow, errQuick, cmp.Comparer(func(a, b error) bool {
			return a == nil && b == nil || a != nil && b != nil && a.Error() == b.Error() && bytes.Equal(detailOf(a), detailOf(b))
		})); diff != "" {
			t.Errorf("%s is refused otherwise (-a list +Events):\n%s", text, diff)
		}
		if errSlow != nil {
			continue
		}
		if diff := cmp.Diff(slow, []api.Event(quick), cmp.Exporter(func(reflect.Type) bool { return true }), cmpopts.EquateComparable(time.Time{})); diff != "" {
			t.Errorf("%s (-a list +Events):\n%s", text, diff)
		}
	}
}

func detailOf(err error) []byte {
	e := (*api.Error)(nil)
	if !errors.As(err, &e) {
		return nil
	}
	return e.Detail
}

func FuzzDecodeEvent(f *testing.F) {
	for _, text := range eventTexts() {
		f.Add(text)
	}
	f.Fuzz(checkDecodeEvent)
}
