package deploy_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/testkit"
)

// newSampleSite is a site of our server with what the samples refer to.
func newSampleSite(t *testing.T) *site {
	t.Helper()
	s := newSite(t, testkit.UsherServer(t))
	for name, value := range map[string]string{"taglist": `["x", "y"]`, "cron": `"5 4 * * *"`, "object": `{"inner": [1, {"a": null}]}`} {
		s.must(func() error {
			_, err := s.client.CreateVariable(t.Context(), &api.VariableCreate{Name: name, Value: jsontext.Value(value)})
			return err
		})
	}
	s.must(func() error {
		_, err := s.client.CreateWorkPool(t.Context(), &api.WorkPoolCreate{Name: "work-pool", Type: api.Some("process")})
		return err
	})
	return s
}

func samples(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "project", dir, "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no samples in %s: %v", dir, err)
	}
	for i := range files {
		files[i] = filepath.Join(dir, filepath.Base(files[i]))
	}
	return files
}

// TestSamplesDeployAsTheyDoWithTheReference deploys each sample with both programs, anew and
// over what is there, and compares what our server then has.
func TestSamplesDeployAsTheyDoWithTheReference(t *testing.T) {
	t.Parallel()
	for _, file := range samples(t, "samples") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			s := newSampleSite(t)
			deployed := func(program string, args ...string) map[string]any {
				for range 2 {
					if out, err := s.run(program, append(args, "--all", "--prefect-file", file)...); err != nil {
						t.Fatalf("%s: %v\n%s", filepath.Base(program), err, out)
					}
				}
				return s.all()
			}
			want := deployed(s.python.Prefect, "--no-prompt", "deploy")
			got := deployed(testkit.Usher(t), "deploy")
			if len(want) == 0 {
				t.Fatal("the reference deployed nothing")
			}
			withoutVersions(want, got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestBothRefuseTheSame deploys what can't be deployed: neither program may leave anything.
func TestBothRefuseTheSame(t *testing.T) {
	t.Parallel()
	s := newSampleSite(t)
	for _, file := range samples(t, "refused") {
		for program, args := range map[string][]string{s.python.Prefect: {"--no-prompt", "deploy"}, testkit.Usher(t): {"deploy"}} {
			out, err := s.run(program, append(args, "--all", "--prefect-file", file)...)
			if left := s.all(); err == nil || len(left) > 0 {
				t.Errorf("%s deployed %s: %v\n%s", filepath.Base(program), file, left, out)
			}
		}
	}
}

// TestListsKeepWhatStepsFill deploys a list whose elements are nothing but placeholders for
// what steps print; the reference loses those.
func TestListsKeepWhatStepsFill(t *testing.T) {
	t.Parallel()
	s := newSampleSite(t)
	file := "deployments:\n" +
		"  - name: a\n    work_pool: {name: pool}\n    usher: {run: [./a.sh]}\n    tags: [one, '{{ rev.stdout }}']\n" +
		"    build: [{prefect.deployments.steps.run_shell_script: {id: rev, script: echo two}}]\n"
	if err := os.WriteFile(filepath.Join(s.dir, "lists.yaml"), []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := s.run(testkit.Usher(t), "deploy", "--all", "--prefect-file", "lists.yaml"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	deployment, _ := s.all()["a"].(map[string]any)
	if diff := cmp.Diff([]any{"one", "two"}, deployment["tags"]); diff != "" {
		t.Error(diff)
	}
}
