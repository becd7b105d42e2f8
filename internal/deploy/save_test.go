package deploy_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/usherhq/usher/internal/deploy"
)

// TestSavingAddsLinesAndChangesNone saves into files of every shape: what stands there stays,
// to the character.
func TestSavingAddsLinesAndChangesNone(t *testing.T) {
	t.Parallel()
	flags := deploy.Options{Name: "new", Entrypoint: "f.py:f", WorkPool: "pool"}
	const added = "- name: new\n  entrypoint: f.py:f\n  work_pool:\n    name: pool\n"
	in := func(by string) string {
		return by + strings.ReplaceAll(strings.TrimSuffix(added, "\n"), "\n", "\n"+by) + "\n"
	}
	for name, c := range map[string]struct{ before, want string }{
		"no file":        {"", "deployments:\n" + in("  ")},
		"no list":        {"# mine\nname:  x   # odd spaces\n", "# mine\nname:  x   # odd spaces\ndeployments:\n" + in("  ")},
		"no last line":   {"name: x", "name: x\ndeployments:\n" + in("  ")},
		"nothing listed": {"deployments:   # none yet\npull: []\n", "deployments:   # none yet\n" + in("  ") + "pull: []\n"},
		"empty list":     {"deployments: []   # none yet\npull: []\n", "deployments:   # none yet\n" + in("  ") + "pull: []\n"},
		"in the middle": {
			"x: &a {b: 'c'}\ndeployments:\n\n# the first\n-   name: \"one\"   # here\n    entrypoint: g.py:g\n    description: |\n      long\n\n        text\n    # its end\n\n# not of it\npull:   [ ]\n",
			"x: &a {b: 'c'}\ndeployments:\n\n# the first\n-   name: \"one\"   # here\n    entrypoint: g.py:g\n    description: |\n      long\n\n        text\n    # its end\n" + added + "\n# not of it\npull:   [ ]\n",
		},
		"deep":     {"deployments:\n    - name: one\n      tags: [a,\n        b]", "deployments:\n    - name: one\n      tags: [a,\n        b]\n" + in("    ")},
		"windows":  {"deployments:\r\n- name: one\r\n", "deployments:\r\n- name: one\r\n" + strings.ReplaceAll(added, "\n", "\r\n")},
		"its flow": {"deployments:\n- {name: one, work_pool: {name: p}}\n", "deployments:\n- {name: one, work_pool: {name: p}}\n" + added},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "prefect.yaml")
			if c.before != "" {
				write(t, path, c.before)
			}
			file, err := deploy.Load(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := file.Save(deploy.Config{}, flags); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, read(t, path)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestSavingCompletesWhatStandsThere adds the keys that a deployment lacks, and only those.
func TestSavingCompletesWhatStandsThere(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "prefect.yaml")
	write(t, path, "deployments:\n  - name: one   # first\n    tags: [x]\n\n  # second\n  - name: two\n    entrypoint: g.py:g\n")
	file, err := deploy.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := file.Save(file.Deployments[0], deploy.Options{Entrypoint: "f.py:f", WorkPool: "pool", Cron: []string{"0 3 * * *"}}); err != nil {
		t.Fatal(err)
	}
	want := "deployments:\n  - name: one   # first\n    tags: [x]\n    entrypoint: f.py:f\n    schedules:\n      - cron: 0 3 * * *\n    work_pool:\n      name: pool\n\n  # second\n  - name: two\n    entrypoint: g.py:g\n"
	if diff := cmp.Diff(want, read(t, path)); diff != "" {
		t.Error(diff)
	}
}

// TestFilesThatCantBeAddedToStay tries files that no line can be added to.
func TestFilesThatCantBeAddedToStay(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]string{
		"flow list":   "deployments: [{name: one}]\n",
		"flow file":   "{deployments: [{name: one}]}\n",
		"an alias":    "x: &x [{name: one}]\ndeployments: *x\n",
		"no more":     "deployments:\n- name: one\n...\n",
		"loose lines": "deployments:\n- name: 'one\ntwo'\n",
	} {
		path := filepath.Join(t.TempDir(), "prefect.yaml")
		write(t, path, before)
		file, err := deploy.Load(path)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		err = file.Save(deploy.Config{}, deploy.Options{Name: "new", Entrypoint: "f.py:f", WorkPool: "pool"})
		after := read(t, path)
		if err == nil {
			if again, bad := deploy.Load(path); bad != nil || len(again.Deployments) != 2 || !strings.HasPrefix(after, "deployments:\n- name: one\n") {
				t.Errorf("%s: saved as\n%s", name, after)
			}
			continue
		}
		if after != before || !strings.Contains(err.Error(), "is left as it is") || !strings.Contains(err.Error(), "- name: new\n") {
			t.Errorf("%s: %v\n%s", name, err, after)
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
