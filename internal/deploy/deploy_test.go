package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/testkit"
)

const patience = time.Minute

// site is a server with what the project's files refer to, and the project.
type site struct {
	t      *testing.T
	server *testkit.Server
	client *client.Client
	python testkit.Python
	dir    string
}

func newSite(t *testing.T, server *testkit.Server) *site {
	t.Helper()
	c, err := client.New(client.Options{BaseURL: server.APIURL()})
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, server: server, client: c, python: testkit.Reference(t), dir: t.TempDir()}
	if err := os.CopyFS(s.dir, os.DirFS("testdata/project")); err != nil {
		t.Fatal(err)
	}
	s.must(func() error {
		_, err := c.CreateWorkPool(t.Context(), &api.WorkPoolCreate{Name: "pool", Type: api.Some("process")})
		return err
	})
	for name, value := range map[string]string{"subdir": `"sub"`, "number": "42", "enabled": "false"} {
		s.must(func() error {
			_, err := c.CreateVariable(t.Context(), &api.VariableCreate{Name: name, Value: jsontext.Value(value)})
			return err
		})
	}
	s.secret("token", "s3cret")
	return s
}

// secret makes a Secret block, whose type every server brings along.
func (s *site) secret(name, value string) {
	s.t.Helper()
	s.must(func() error {
		blockType, err := s.client.ReadBlockTypeBySlug(s.t.Context(), "secret")
		if err != nil {
			return err
		}
		schemas, err := s.client.ReadBlockSchemas(s.t.Context(), &api.ReadBlockSchemasRequest{
			BlockSchemas: &api.BlockSchemaFilter{BlockTypeID: &api.Match[uuid.UUID]{Any: []uuid.UUID{blockType.ID}}},
		})
		if err != nil || len(schemas) == 0 {
			return err
		}
		data, err := json.Marshal(map[string]string{"value": value})
		if err != nil {
			return err
		}
		_, err = s.client.CreateBlockDocument(s.t.Context(), &api.BlockDocumentCreate{
			Name: api.Some(name), Data: api.Some(jsontext.Value(data)), BlockSchemaID: schemas[0].ID, BlockTypeID: blockType.ID,
		})
		return err
	})
}

func (s *site) must(f func() error) {
	s.t.Helper()
	testkit.Eventually(s.t, patience, func() error {
		err := f()
		if err != nil && api.CodeOf(err) != api.CodeUnavailable {
			return testkit.Final(err)
		}
		return err
	})
}

// run runs a command line in the project.
func (s *site) run(program string, args ...string) (string, error) {
	cmd := exec.CommandContext(s.t.Context(), program, args...)
	cmd.Dir = s.dir
	home := s.t.TempDir()
	cmd.Env = testkit.WithPath(s.server.Env(home, "USHER_HOME="+home, "PROJECT_DIR=work", "LEVEL=7"), s.python.Bin)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// all reads every deployment and removes it again.
func (s *site) all() map[string]any {
	s.t.Helper()
	list, err := s.client.ReadDeployments(s.t.Context(), &api.ReadDeploymentsRequest{})
	if err != nil {
		s.t.Fatal(err)
	}
	out := map[string]any{}
	for _, d := range list {
		data, err := json.Marshal(d)
		if err != nil {
			s.t.Fatal(err)
		}
		var tree map[string]any
		if err := json.Unmarshal(data, &tree); err != nil {
			s.t.Fatal(err)
		}
		automations, err := s.client.ReadAutomationsRelatedToResource(s.t.Context(), "prefect.deployment."+d.ID.String())
		if err != nil && api.CodeOf(err) != api.CodeUnsupported {
			s.t.Fatal(err)
		}
		encoded, err := json.Marshal(automations)
		if err != nil {
			s.t.Fatal(err)
		}
		var related any
		if err := json.Unmarshal(encoded, &related); err != nil {
			s.t.Fatal(err)
		}
		tree["automations"] = related
		out[d.Name] = normal(tree)
		s.must(func() error { return s.client.DeleteDeployment(s.t.Context(), d.ID) })
	}
	return out
}

var idPattern = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

// normal takes out what can't be equal: ids, times of the making.
func normal(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for _, key := range []string{"id", "created", "updated", "flow_id", "work_queue_id", "deployment_id", "status", "last_polled", "created_by", "updated_by", "version_id"} {
			delete(v, key)
		}
		if v["description"] == "None" { // the reference writes the word for a flow without a docstring
			v["description"] = nil
		}
		for key := range v {
			v[key] = normal(v[key])
		}
	case []any:
		for i := range v {
			v[i] = normal(v[i])
		}
	case string:
		return idPattern.ReplaceAllString(v, "<id>")
	}
	return v
}

// withoutVersions takes away the versions that the reference leaves empty: where something that
// a file imports is not installed, it reads the file too, and then makes no version of it.
func withoutVersions(want, got map[string]any) {
	for name := range want {
		w, _ := want[name].(map[string]any)
		g, _ := got[name].(map[string]any)
		if w != nil && g != nil && w["version"] == nil {
			g["version"] = nil
			delete(w, "version_info")
			delete(g, "version_info")
		}
	}
}

// TestFilesDeployAsTheyDoWithTheReference deploys a file with both programs to the
// reference's server and compares what the server then has.
func TestFilesDeployAsTheyDoWithTheReference(t *testing.T) {
	t.Parallel()
	s := newSite(t, testkit.ReferenceServer(t))
	for _, args := range [][]string{
		{"--all"},
		{
			"flows.py:many", "-n", "everything", "--pool", "pool", "--cron", "0 1 * * *", "--interval", "600", "--anchor-date", "2024-05-05T00:00:00Z", "--timezone", "Asia/Tokyo",
			"--param", "a=5", "--param", "b=text", "--tag", "x", "--tag", "y", "--version", "9", "--description", "from flags", "--concurrency-limit", "3",
			"--job-variable", "a=1", "--job-variable", `{"env":{"K":"V"}}`, "--work-queue", "slow", "--collision-strategy", "ENQUEUE", "--no-enforce-parameter-schema",
		},
	} {
		if out, err := s.run(s.python.Prefect, append([]string{"--no-prompt", "deploy"}, args...)...); err != nil {
			t.Fatalf("the reference: %v\n%s", err, out)
		}
		want := s.all()
		if out, err := s.run(testkit.Usher(t), append([]string{"deploy"}, args...)...); err != nil {
			t.Fatalf("usher: %v\n%s", err, out)
		}
		got := s.all()
		if len(want) == 0 {
			t.Fatal("the reference deployed nothing")
		}
		withoutVersions(want, got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%v: %s", args, diff)
		}
	}
}

// TestDeployingTwiceChangesNothing deploys over existing deployments.
func TestDeployingTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t, testkit.ReferenceServer(t))
	if out, err := s.run(testkit.Usher(t), "deploy", "--all"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := s.run(testkit.Usher(t), "deploy", "--all", "--json", "name,created")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if strings.Contains(out, `"created":true`) || strings.Contains(out, `"created": true`) {
		t.Errorf("a deployment was made twice:\n%s", out)
	}
	if len(s.all()) != 11 {
		t.Error("not every deployment is there")
	}
}

func TestBrokenFilesSayWhere(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ file, want string }{
		"syntax":         {"deployments:\n  - name: [x\n", "prefect.yaml:"},
		"wrong type":     {"deployments:\n  - name: 5\n", "prefect.yaml:2:11: deployment 5: name must be text"},
		"wrong key":      {"deployments:\n  - name: x\n    schedules:\n      - cron: a\n        crom: b\n", "prefect.yaml:5:9:"},
		"two timings":    {"deployments:\n  - name: x\n    schedules:\n      - {cron: a, interval: 5}\n", "Exactly one of"},
		"bad cron":       {"deployments:\n  - name: x\n    schedules:\n      - cron: 0 0 * * *\n      - cron: 99 * * * *\n", "prefect.yaml:5:9: deployment x: "},
		"unknown anchor": {"deployments: *none\n", "prefect.yaml:1:"},
		"a list":         {"- a\n", "prefect.yaml:1:1:"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "prefect.yaml"), []byte(c.file), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), testkit.Usher(t), "deploy", "--all")
			cmd.Dir, cmd.Env = dir, testkit.Env(t.TempDir())
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), c.want) {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}
