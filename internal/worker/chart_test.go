package worker_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"text/template"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"github.com/usherhq/usher/internal/testkit"
)

// chart renders the Helm chart with its values and others on top. It uses what is common to
// Helm and text/template, and quote.
func chart(t *testing.T, more map[string]any) []map[string]any {
	t.Helper()
	root, err := testkit.Checkout()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(root, "deploy/helm/usher-worker")
	data, err := os.ReadFile(filepath.Join(dir, "values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]any{}
	if err := yaml.Unmarshal(data, &values); err != nil {
		t.Fatal(err)
	}
	for name, value := range more {
		if _, known := values[name]; !known {
			t.Errorf("values.yaml does not have %s", name)
		}
		values[name] = value
	}
	text, err := template.New("worker.yaml").Option("missingkey=error").Funcs(template.FuncMap{"quote": strconv.Quote}).
		ParseFiles(filepath.Join(dir, "templates/worker.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var rendered strings.Builder
	if err := text.Execute(&rendered, map[string]any{"Values": values, "Release": map[string]any{"Name": "usher-worker"}}); err != nil {
		t.Fatal(err)
	}
	return manifests(t, rendered.String())
}

func manifests(t *testing.T, text string) []map[string]any {
	t.Helper()
	var out []map[string]any
	for _, document := range strings.Split(text, "\n---\n") {
		var manifest map[string]any
		if err := yaml.Unmarshal([]byte(document), &manifest); err != nil {
			t.Fatalf("%v in %s", err, document)
		}
		out = append(out, manifest)
	}
	return out
}

func TestTheChartGrantsWhatTheManifestGrants(t *testing.T) {
	t.Parallel()
	root, err := testkit.Checkout()
	if err != nil {
		t.Fatal(err)
	}
	plain, err := os.ReadFile(filepath.Join(root, "deploy/kubernetes/worker.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	rendered := chart(t, map[string]any{"storeEnvAsSecret": true, "apiKeySecret": "key", "limit": 3, "workQueues": []any{"q"}, "env": map[string]any{"A": "b c"}})
	if diff := cmp.Diff(manifests(t, string(plain)), rendered[:3]); diff != "" {
		t.Error(diff)
	}
	worker, err := yaml.Marshal(rendered[3])
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"--limit=3", "--work-queue=q", "--name=$(POD_NAME)", "value: b c", "kind: StatefulSet"} {
		if !strings.Contains(string(worker), want) {
			t.Errorf("%q is not in\n%s", want, worker)
		}
	}
	if bare := chart(t, nil); len(bare[1]["rules"].([]any)) != 4 {
		t.Errorf("without secrets the worker may %v", bare[1]["rules"])
	}
}
