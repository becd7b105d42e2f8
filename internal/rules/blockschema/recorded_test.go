package blockschema_test

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"errors"
	"io"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/rules/blockschema"
)

// obscured.json has drawn data and secret fields, and what the reference showed of them.
// Left out are paths that lead to an object with members: the reference shows those.
//
//go:embed testdata/obscured.json
var recorded []byte

func TestSecretsAreObscuredAsTheReferenceDoes(t *testing.T) {
	t.Parallel()
	var cases []struct {
		Data   jsontext.Value `json:"data"`
		Fields []string       `json:"secret_fields"`
		Hidden jsontext.Value `json:"hidden"`
	}
	if err := json.Unmarshal(recorded, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		fields, err := json.Marshal(map[string]any{"secret_fields": c.Fields})
		if err != nil {
			t.Fatal(err)
		}
		got, err := blockschema.Obscure(c.Data, fields)
		if err != nil {
			t.Fatal(err)
		}
		if err := got.Canonicalize(); err != nil {
			t.Fatal(err)
		}
		if err := c.Hidden.Canonicalize(); err != nil {
			t.Fatal(err)
		}
		if string(got) != string(c.Hidden) {
			t.Errorf("%s with %v: got %s, the reference shows %s", c.Data, c.Fields, got, c.Hidden)
		}
	}
}

// checksums.jsonl.gz has the schemas of the reference's collections and core blocks as its
// client makes them, before a server rearranges them, with their checksums.
//
//go:embed testdata/checksums.jsonl.gz
var checksums []byte

func TestChecksumsOfTheReferencesBlocks(t *testing.T) {
	t.Parallel()
	text, err := gzip.NewReader(bytes.NewReader(checksums))
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for in := jsontext.NewDecoder(text); ; seen++ {
		var c struct {
			Slug     string         `json:"slug"`
			Fields   jsontext.Value `json:"fields"`
			Checksum string         `json:"checksum"`
		}
		err := json.UnmarshalDecode(in, &c)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if got, err := blockschema.Checksum(c.Fields); err != nil || got != c.Checksum {
			t.Errorf("%s: got %s, %v, want %s", c.Slug, got, err, c.Checksum)
		}
	}
	if seen < 50 {
		t.Errorf("only %d schemas were checked", seen)
	}
}
