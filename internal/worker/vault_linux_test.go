package worker_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/testkit"
)

// TestRunsGetWhatTheVaultHas: a block only says where a secret is; the run has it in its
// environment, and neither the server, its database, what goes to and from it, nor the logs
// ever hold it. What the worker may not read crashes the run with a reason that tells no secret.
func TestRunsGetWhatTheVaultHas(t *testing.T) {
	t.Parallel()
	canary := "sesame-" + uuid.NewString()
	vault := testkit.StartVault(t)
	vault.Put("flows/db", map[string]any{"password": canary, "user": "ada"})
	vault.Put("others", map[string]any{"password": canary})
	roleID, secretID := vault.AppRole("flows/db")
	secretFile := filepath.Join(t.TempDir(), "secret-id")
	if err := os.WriteFile(secretFile, []byte(secretID), 0o600); err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	server := testkit.UsherServerIn(t, home, "PREFECT_SERVER_LOGGING_LEVEL=DEBUG", "USHER_BLOCKS_ALLOW_CREDENTIALS=false")
	s := newScene(t, server)
	tap, at := newTap(t, server)
	s.env = []string{
		"PREFECT_API_URL=" + at + "/api", "USHER_API_URL=" + at + "/api", "PREFECT_LOGGING_LEVEL=DEBUG", "USHER_SECRETS_VAULT_ADDRESS=" + vault.URL, "USHER_SECRETS_VAULT_AUTH=approle",
		"USHER_SECRETS_VAULT_ROLE_ID=" + roleID, "USHER_SECRETS_VAULT_SECRET_ID_FILE=" + secretFile,
	}
	s.block("secret", "db", map[string]any{"value": map[string]any{"$vault": "secret/flows/db#password"}})
	s.block("secret", "others", map[string]any{"value": map[string]any{"$vault": "secret/others#password"}})
	sum := sha256.Sum256([]byte(canary))
	source := fmt.Sprintf("import hashlib, os\nfrom prefect import flow\n\n@flow(log_prints=True)\ndef f():\n    assert hashlib.sha256(os.environ['DB'].encode()).hexdigest() == '%s'\n    print('it is there')\n",
		hex.EncodeToString(sum[:]))
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "f.py"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	deployment := func(block string) uuid.UUID {
		return s.deploy(&api.DeploymentCreate{
			Name: "python-" + block, FlowID: s.flow, WorkPoolName: api.Some(s.pool), Entrypoint: api.Some("f.py:f"), Path: api.Some(dir),
			JobVariables: api.Some(value(t, map[string]any{"env": map[string]string{"DB": "{{ prefect.blocks.secret." + block + " }}"}})),
		})
	}
	w := s.worker("w")
	run := s.run(deployment("db"), nil)
	s.ends(run, api.StateTypeCompleted)
	s.logged(run, "it is there")
	native := s.run(s.deploy(&api.DeploymentCreate{
		Name: "native", FlowID: s.flow, WorkPoolName: api.Some(s.pool),
		JobVariables: api.Some(value(t, map[string]any{"command": `usher exec -- sh -c 'test "$DB" = "$(cat want)"'`, "working_dir": wantIn(t, canary), "env": map[string]string{"DB": "{{ prefect.blocks.secret.db }}"}})),
	}), nil)
	s.ends(native, api.StateTypeCompleted)
	refused := s.run(deployment("others"), nil)
	state := s.ends(refused, api.StateTypeCrashed)
	if m := state.State.Message; m == nil || !strings.Contains(*m, "this worker may not read") || !strings.Contains(*m, "secret/others#password") {
		t.Errorf("the run crashed with %v", m)
	}
	for what, text := range map[string]string{
		"the worker's log": w.Log(), "the server's log": server.Log(), "the run's log": s.logs(run), "what was said": tap.said(t), "what was told": tap.told(), "the state": s.states(refused),
	} {
		if text == "" || strings.Contains(text, canary) || strings.Contains(text, secretID) {
			t.Errorf("the secret is in %s, or nothing is", what)
		}
	}
	if !strings.Contains(tap.told(), "secret/flows/db#password") {
		t.Error("the tap does not see the reference")
	}
	if err := filepath.WalkDir(home, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if strings.Contains(string(text), canary) {
			t.Errorf("the secret is in %s", path)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// wantIn is a folder with a file that has a text.
func wantIn(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "want"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}
