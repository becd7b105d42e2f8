package profile

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

const original = `# top
active = "a" # who
[profiles.a] # the first
X = """
many
[not.a.table]
lines""" # after
"quoted key" = 'v'

# about b
[ profiles . "b c" ]
Y="1"

[other]
z = [
  1, # one
  2,
]`

func edited(t *testing.T, text string, change func(*document) error) string {
	t.Helper()
	d := &document{[]byte(text)}
	if err := change(d); err != nil {
		t.Fatal(err)
	}
	var any map[string]any
	if err := d.decode(&any); err != nil {
		t.Fatalf("%v\n%s", err, d.text)
	}
	return string(d.text)
}

func TestEditsTouchNothingElse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, old, new string
		change         func(*document) error
	}{
		{"value at the top", `active = "a" # who`, `active = "b\"" # who`, func(d *document) error { return d.set(nil, "active", `b"`) }},
		{"value over lines", "X = \"\"\"\nmany\n[not.a.table]\nlines\"\"\" # after", `X = "one" # after`, func(d *document) error { return d.set(table("a"), "X", "one") }},
		{"quoted key", `'v'`, `"w"`, func(d *document) error { return d.set(table("a"), "quoted key", "w") }},
		{"new key in a table", `Y="1"`, "Y=\"1\"\nZ = \"tab\\t\"", func(d *document) error { return d.set(table("b c"), "Z", "tab\t") }},
		{"new key at the top", `# who`, "# who\nignored = [\"x\", \"y\"]", func(d *document) error { return d.setList("ignored", []string{"x", "y"}) }},
		{"new table", "  2,\n]", "  2,\n]\n\n[profiles.new]\nK = \"v\"\n", func(d *document) error { return d.set(table("new"), "K", "v") }},
		{"removed key", "\"quoted key\" = 'v'\n", "", func(d *document) error { return d.unset(table("a"), "quoted key") }},
		{"renamed table", `[ profiles . "b c" ]`, `[profiles.d]`, func(d *document) error { return d.rename(table("b c"), "d") }},
		{"renamed table, comment kept", `[profiles.a] # the first`, `[profiles."x]y"] # the first`, func(d *document) error { return d.rename(table("a"), "x]y") }},
		{"removed table with its comment", "# about b\n[ profiles . \"b c\" ]\nY=\"1\"\n\n", "", func(d *document) error { return d.remove(table("b c")) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if strings.Count(original, c.old) != 1 {
				t.Fatalf("%q is not in the text once", c.old)
			}
			want := strings.TrimRight(strings.Replace(original, c.old, c.new, 1), "\n")
			got := strings.TrimRight(edited(t, original, c.change), "\n")
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestAnyValueComesBack: what is set is what is read, whatever it is made of.
func TestAnyValueComesBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		d := &document{}
		want := map[string]map[string]string{}
		for range rapid.IntRange(1, 12).Draw(r, "steps") {
			name := rapid.SampledFrom([]string{"a", "b c", `q"u`, "d.e", "[x]", "é"}).Draw(r, "name")
			key := rapid.SampledFrom([]string{"K", "L M", "N"}).Draw(r, "key")
			value := rapid.String().Draw(r, "value")
			switch rapid.IntRange(0, 3).Draw(r, "action") {
			case 0:
				if err := d.remove(table(name)); err != nil {
					r.Fatal(err)
				}
				delete(want, name)
			case 1:
				if err := d.unset(table(name), key); err != nil {
					r.Fatal(err)
				}
				delete(want[name], key)
			default:
				if err := d.set(table(name), key, value); err != nil {
					r.Fatal(err)
				}
				if want[name] == nil {
					want[name] = map[string]string{}
				}
				want[name][key] = strings.ToValidUTF8(value, "\uFFFD")
			}
			var got struct {
				Profiles map[string]map[string]string `toml:"profiles"`
			}
			if err := d.decode(&got); err != nil {
				r.Fatalf("%v\n%s", err, d.text)
			}
			for name, keys := range want {
				if diff := cmp.Diff(keys, got.Profiles[name], cmp.Transformer("len", func(m map[string]string) string { return fmt.Sprint(m) })); diff != "" {
					r.Fatalf("%s (-want +got):\n%s\n%s", name, diff, d.text)
				}
			}
			if len(got.Profiles) != len(want) {
				r.Fatalf("%d tables, want %d:\n%s", len(got.Profiles), len(want), d.text)
			}
		}
	})
}
