package store

import (
	"reflect"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// TestUsualTextsAreWhatIsWritten keeps the shortcuts of decoding equal to what encoding
// writes and parsing reads.
func TestUsualTextsAreWhatIsWritten(t *testing.T) {
	t.Parallel()
	policy := api.NewFlowRunPolicy()
	text, err := json.Marshal(&policy)
	if err != nil || string(text) != usualPolicy {
		t.Errorf("the usual policy is written as %s, %v", text, err)
	}
	id := uuid.New()
	details := api.StateDetails{FlowRunID: &id, Deferred: new(bool)}
	state, err := encodeState(&api.State{StateDetails: details})
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := json.Marshal(&details, json.OmitZeroStructFields(true)); err != nil || string(plain) != string(state.details) {
		t.Errorf("the usual details are written as %s, not %s, %v", state.details, plain, err)
	}
	for i := range reflect.TypeFor[api.StateDetails]().NumField() {
		other := details
		switch field := reflect.ValueOf(&other).Elem().Field(i); field.Kind() {
		case reflect.Pointer:
			field.Set(reflect.New(field.Type().Elem()))
			if field.Elem().Kind() == reflect.Bool {
				field.Elem().SetBool(true)
			}
		case reflect.Map:
			field.Set(reflect.MakeMap(field.Type()))
		default:
			field.SetBool(true)
		}
		state, err := encodeState(&api.State{StateDetails: other})
		if plain, _ := json.Marshal(&other, json.OmitZeroStructFields(true)); err != nil || string(plain) != string(state.details) {
			t.Errorf("details are written as %s, not %s, %v", state.details, plain, err)
		}
	}
	if want := string(usualDetails) + id.String() + string(usualDetailsEnd); string(state.details) != want {
		t.Errorf("the usual details are written as %s, not %s", state.details, want)
	}
	got, err := decodeDetails(state.details)
	if diff := cmp.Diff(details, got); err != nil || diff != "" {
		t.Errorf("the usual details are read as (-want +got), %v:\n%s", err, diff)
	}
	read, err := decodePolicy(text)
	if diff := cmp.Diff(policy, read); err != nil || diff != "" {
		t.Errorf("the usual policy is read as (-want +got), %v:\n%s", err, diff)
	}
}

func TestUnusualTextsAreParsed(t *testing.T) {
	t.Parallel()
	p, err := decodePolicy([]byte(`{"retries":3}`))
	if err != nil || p.Retries == nil || *p.Retries != 3 || p.PauseKeys == nil {
		t.Errorf("a policy is read as %+v, %v", p, err)
	}
	d, err := decodeDetails([]byte(`{"flow_run_id":"00000000-0000-4000-8000-000000000001","cache_key":"","deferred":false}`))
	if err != nil || d.FlowRunID == nil || d.CacheKey == nil {
		t.Errorf("details are read as %+v, %v", d, err)
	}
}

// Lists that are told by sight are what parsing makes of them.
func TestPlainListsAreParsedAlike(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`[]`, `["a"]`, `["a","b, c"]`, `["ä",""]`, `["]","["]`} {
		var want []string
		if err := json.Unmarshal([]byte(text), &want); err != nil {
			t.Fatal(err)
		}
		got, ok := plainTexts(text)
		if diff := cmp.Diff(want, got); !ok || diff != "" {
			t.Errorf("%s is read as %v (-want +got):\n%s", text, ok, diff)
		}
	}
	for _, text := range []string{``, `[`, `]`, `null`, `["a\\n"]`, `["a", "b"]`, `["a"`, `["a]`, `["a",]`, `[1]`, `["a""b"]`, `[null]`, `["\\"]`} {
		if got, ok := plainTexts(text); ok {
			t.Errorf("%s is read as %q", text, got)
		}
	}
}
