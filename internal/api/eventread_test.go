package api_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
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

func FuzzDecodeEvent(f *testing.F) {
	for _, text := range eventTexts() {
		f.Add(text)
	}
	f.Fuzz(checkDecodeEvent)
}
