package deploy_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/usherhq/usher/internal/deploy"
)

func TestFlowsAreFoundWithoutRunningThem(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	plain := "from prefect import flow\n\n@flow\ndef etl():\n    pass\n"
	for name, source := range map[string]string{
		"a.py": "import os\nimport prefect as p\nfrom prefect.flows import (\n    flow as f,\n)\nfrom prefect import task\nos._exit(1)\nexec('')\n\n" +
			"@f(name='x',\n   retries=2)\n@other\nasync def one(a: int = 1): pass\n\n@p.flow\ndef two():\n    @p.flow\n    def within(): pass\n\n@task\ndef three(): pass\n\ndef four(): pass\n",
		"z/deep/b.py":                  plain,
		"own.py":                       "# prefect\ndef flow(f): return f\n\n@flow\ndef mine(): pass\n",
		"broken.py":                    "from prefect import flow\n@flow\ndef x('''\n",
		"notes.txt":                    plain,
		".hidden/h.py":                 plain,
		"env/pyvenv.cfg":               "",
		"env/lib/x.py":                 plain,
		"lib/site-packages/prefect.py": plain,
		"text.py":                      "'''\nfrom prefect import flow\n@flow\ndef quoted(): pass\n'''\n",
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(source), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := deploy.FindFlows(dir), []string{"a.py:one", "a.py:two", "z/deep/b.py:etl"}; !slices.Equal(got, want) {
		t.Errorf("found %v, want %v", got, want)
	}
	if got := deploy.FindFlows(filepath.Join(dir, "missing")); len(got) > 0 {
		t.Errorf("found %v where nothing is", got)
	}
}
