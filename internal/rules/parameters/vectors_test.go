package parameters_test

import (
	"compress/gzip"
	"errors"
	"os"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/usherhq/usher/internal/rules/parameters"
)

// vectors are what testdata/record.py got from the reference.
type vectors struct {
	Schemas      []jsontext.Value          `json:"schemas"`
	Cases        [][5]jsontext.Value       `json:"cases"` // schema, values, ignore required, sentence, sentence where null goes with a default
	Problems     [][2]jsontext.Value       `json:"problems"`
	Variables    map[string]jsontext.Value `json:"variables"`
	Placeholders [][2]jsontext.Value       `json:"placeholders"`
}

func recorded(t *testing.T) (v vectors) {
	t.Helper()
	file, err := os.Open("testdata/vectors.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close() //nolint:errcheck // it is only read
	plain, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.UnmarshalRead(plain, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// text is a recorded sentence, "" for none.
func text(t *testing.T, raw jsontext.Value) (s string) {
	t.Helper()
	if raw.Kind() == 'n' {
		return ""
	}
	if err := json.Unmarshal(raw, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func sentence(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, parameters.ErrCircular):
		return "circular"
	}
	return err.Error()
}

func TestMismatchesAreWordedAsByTheReference(t *testing.T) {
	t.Parallel()
	v := recorded(t)
	wrong := 0
	for _, c := range v.Cases {
		var n int
		if err := json.Unmarshal(c[0], &n); err != nil {
			t.Fatal(err)
		}
		for i, nullWithDefault := range []bool{false, true} {
			want := text(t, c[3+i])
			if hasOwnWords(want) {
				continue
			}
			rule := parameters.Rule{IgnoreRequired: string(c[2]) == "true", NullWithDefault: nullWithDefault}
			got := sentence(parameters.Validate(c[1], v.Schemas[n], rule))
			if got != want {
				if wrong++; wrong > 20 {
					t.Fatal("and so on")
				}
				t.Errorf("%s against %s (%+v):\n got %s\nwant %s", c[1], v.Schemas[n], rule, got, want)
			}
		}
	}
	t.Logf("%d values were checked", 2*len(v.Cases))
}

// hasOwnWords says that the reference fails, or shows the insides of its libraries.
func hasOwnWords(want string) bool {
	const nowhere = "Validation failed. Failure reason: Pointer"
	return len(want) > 8 && (want[:8] == "failed: " || len(want) > len(nowhere) && want[:len(nowhere)] == nowhere)
}

func TestBrokenSchemasAreWordedAsByTheReference(t *testing.T) {
	t.Parallel()
	for _, p := range recorded(t).Problems {
		if got, want := sentence(parameters.CheckSchema(p[0])), text(t, p[1]); got != want {
			t.Errorf("%s:\n got %s\nwant %s", p[0], got, want)
		}
	}
}

func TestPlaceholdersAreFilledAsByTheReference(t *testing.T) {
	t.Parallel()
	v := recorded(t)
	for _, p := range v.Placeholders {
		var want struct {
			Values jsontext.Value `json:"values"`
			Error  string         `json:"error"`
		}
		if err := json.Unmarshal(p[1], &want); err != nil {
			t.Fatal(err)
		}
		got, err := parameters.Hydrate(p[0], parameters.Filling{Variables: v.Variables})
		if sentence(err) != want.Error {
			t.Errorf("%s:\n got %v\nwant %s", p[0], err, want.Error)
			continue
		}
		if diff := cmp.Diff(decoded(t, want.Values), decoded(t, got)); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", p[0], diff)
		}
	}
}

func decoded(t *testing.T, raw jsontext.Value) (v any) {
	t.Helper()
	if len(raw) == 0 {
		return nil
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return v
}
