package blockschema_test

import (
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/usherhq/usher/internal/rules/blockschema"
)

// The checksums were computed by the reference's client.
func TestChecksumEqualsTheReference(t *testing.T) {
	t.Parallel()
	for fields, want := range map[string]string{
		`{}`: "sha256:f8e6e96abbc38504d4e9c99fc57281fa0026bede1fa42db79f22f984501710f4",
		`{"title":"é<&>😀\u007f/","properties":{"a":{"default":1.0},"b":{"default":1e-07},"c":{"default":1e16},` +
			`"d":{"default":123456789012345678901}},"z":true,"n":null,"s":"tab\tnl\n\u0001"}`: "sha256:12a6deeae721df5e8cf545cda227a4f9ec7e0d0d26230a6da033df3acf9338c8",
	} {
		got, err := blockschema.Checksum(jsontext.Value(fields))
		if err != nil || got != want {
			t.Errorf("Checksum(%s) = %s, %v, want %s", fields, got, err, want)
		}
	}
}

func TestObscureAndMerge(t *testing.T) {
	t.Parallel()
	fields := jsontext.Value(`{"secret_fields":["value","auth.token","deep.*"]}`)
	stored := jsontext.Value(`{"value":"s3cret","auth":{"token":"t","user":"u"},"deep":{"a":[1,null],"b":{"c":"x"}},"open":1.0}`)
	hidden, err := blockschema.Obscure(stored, fields)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"value":"********","auth":{"token":"********","user":"u"},"deep":{"a":"********","b":{"c":"********"}},"open":1.0}`
	if diff := cmp.Diff(want, string(hidden)); diff != "" {
		t.Error(diff)
	}
	back, err := blockschema.Merge(stored, hidden, fields, true)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(stored), string(back)); diff != "" {
		t.Errorf("what came back obscured was not restored: %s", diff)
	}
}

func TestReferencesAreTakenOutAndPutBack(t *testing.T) {
	t.Parallel()
	data := jsontext.Value(`{"a":1,"b":{"$ref":{"block_document_id":"x"}},"c":{"$ref":"#/definitions/x"}}`)
	rest, refs, err := blockschema.SplitReferences(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]blockschema.Reference{{Field: "b", ID: "x"}}, refs); diff != "" {
		t.Error(diff)
	}
	whole, err := blockschema.Inline(rest, map[string]jsontext.Value{"b": jsontext.Value(`{"v":2}`)})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(`{"a":1,"c":{"$ref":"#/definitions/x"},"b":{"v":2}}`, string(whole)); diff != "" {
		t.Error(diff)
	}
}

// TestReferencesAreNoSecrets: an object that only says where a secret is holds none.
func TestReferencesAreNoSecrets(t *testing.T) {
	t.Parallel()
	fields := jsontext.Value(`{"secret_fields":["value","more.*"]}`)
	for data, want := range map[string]bool{
		`{"value":{"$vault":"secret/db#password"}}`: false, `{"value":{"$env":"NAME"},"more":{"a":{"$file":"f"}}}`: false,
		`{"value":"secret"}`: true, `{"value":{"$vault":"a","b":"c"}}`: true, `{"value":{"$vault":{"a":"b"}}}`: true, `{"more":{"a":"secret"}}`: true,
	} {
		if got, err := blockschema.HoldsSecrets(jsontext.Value(data), fields); err != nil || got != want {
			t.Errorf("%s: %v %v", data, got, err)
		}
	}
}
