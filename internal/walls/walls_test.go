package walls

import (
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/usherhq/usher/"

// wall says what the packages below a folder may import of ours. A package may always
// import others of its own folder.
type wall struct {
	folder string
	allow  []string
}

var wallsOfTheHouse = []wall{
	{"internal/api", nil},
	{"internal/rules/", []string{"internal/api"}},
	{"internal/store", []string{"internal/api", "internal/rules/asset", "internal/rules/claim", "internal/rules/cleanup", "internal/rules/filter", "internal/rules/heartbeat", "internal/rules/limits", "internal/rules/metric", "internal/rules/states", "internal/rules/trigger"}},
	{"internal/client", []string{"internal/api"}},
	{"internal/auth", []string{"internal/api", "internal/client"}},
	{"internal/term", nil},
	{"internal/build", nil},
	{"internal/output", []string{"internal/api", "internal/term"}},
	{"internal/profile", []string{"internal/api"}},
	{"internal/document", []string{"internal/api"}},
	{"internal/declare", []string{"internal/api", "internal/client", "internal/document", "internal/find"}},
	{"internal/cli", []string{"internal/api", "internal/auth", "internal/build", "internal/client", "internal/output", "internal/profile", "internal/secrets", "internal/term"}},
	{"internal/sdk", []string{"internal/api", "internal/cli", "internal/python"}},
	{"internal/steps", []string{"internal/api", "internal/docker", "internal/rules/"}},
	{"internal/lockfile", nil},
	{"internal/python", []string{"internal/api", "internal/lockfile"}},
	{"internal/secrets", []string{"internal/api", "internal/rules/secretref"}},
	{"internal/references", []string{"internal/api", "internal/client", "internal/rules/", "internal/secrets"}},
	{"internal/docker", []string{"internal/api"}},
	{"internal/kubernetes", []string{"internal/api"}},
	{"internal/worker", []string{"internal/api", "internal/aws", "internal/docker", "internal/kubernetes", "internal/client", "internal/build", "internal/lockfile", "internal/rules/", "internal/steps", "internal/python", "internal/references", "internal/secrets"}},
	{"internal/aws", []string{"internal/api"}},
	{"internal/deploy", []string{"internal/api", "internal/docker", "internal/document", "internal/client", "internal/rules/", "internal/steps", "internal/python", "internal/references"}},
	{"internal/notify", []string{"internal/rules/"}},
	{"internal/server/bus", nil},
	{"internal/server/meter", nil},
	{"internal/frugal", nil},
	{"internal/server/origin", nil},
	{"internal/server/certs", nil},
	{"internal/server/trace", nil},
	{"internal/server/logs", nil},
	{"internal/server/core", []string{"internal/api", "internal/rules/", "internal/store", "internal/server/bus", "internal/server/meter", "internal/server/trace", "internal/crypt", "internal/notify"}},
	{"internal/server/identity", []string{"internal/api", "internal/rules/", "internal/store"}},
	{"internal/server/intake", []string{"internal/api", "internal/crypt", "internal/server/core", "internal/store"}},
	{"internal/server/rest", []string{"internal/api", "internal/server/core", "internal/server/meter", "internal/server/trace", "internal/server/logs", "internal/server/origin", "internal/build", "internal/server/identity", "internal/rules/access", "internal/rules/assurance", "internal/rules/otlp"}},
	{"internal/server/signin", []string{"internal/api", "internal/rules/access", "internal/rules/credential", "internal/rules/password", "internal/store", "internal/crypt", "internal/notify", "internal/server/identity"}},
	{"internal/server/scim", []string{"internal/api", "internal/store", "internal/server/identity"}},
	{"internal/server/web", []string{"internal/api", "internal/build", "internal/server/core", "internal/server/origin"}},
	{"internal/server/ws", []string{"internal/api", "internal/rules/cleanup", "internal/rules/filter", "internal/server/core", "internal/server/bus", "internal/server/meter", "internal/server/logs"}},
	{"internal/server/replica", []string{"internal/api", "internal/store", "internal/server/core", "internal/server/bus"}},
	{"internal/server/services", []string{"internal/api", "internal/server/core", "internal/server/bus", "internal/server/meter", "internal/server/trace", "internal/rules/"}},
}

// testParts are packages that only tests import.
var testParts = []string{"internal/store/storetest"}

// pure packages decide; they neither look at the world nor change it.
var impure = []string{"os", "net", "net/http", "database/sql", "os/exec"}

func TestImportsStayInsideTheWalls(t *testing.T) {
	t.Parallel()
	for _, line := range list(t, "{{.ImportPath}}:{{join .Imports \" \"}}", "./...") {
		path, imports, _ := strings.Cut(line, ":")
		checkPackage(t, strings.TrimPrefix(path, module), strings.Fields(imports))
	}
}

func checkPackage(t *testing.T, pkg string, imports []string) {
	t.Helper()
	for _, imp := range imports {
		ours, isOurs := strings.CutPrefix(imp, module)
		switch {
		case contains(testParts, ours):
			t.Errorf("%s imports %s outside a test", pkg, ours)
		case contains(testParts, pkg):
		case !isOurs && strings.HasPrefix(pkg, "internal/rules/") && contains(impure, imp):
			t.Errorf("%s is a rule and imports %s: rules are pure", pkg, imp)
		case !isOurs:
		case ours == "internal/testkit" && !below(pkg, "internal/tools") && pkg != "internal/testkit":
			t.Errorf("%s imports testkit outside a test", pkg)
		case ours == "internal/server" && pkg != "commands/server":
			t.Errorf("%s imports the server: only commands/server may", pkg)
		case strings.HasPrefix(pkg, "commands") && ours == "internal/store" && pkg != "commands/server":
			t.Errorf("%s imports the store: commands talk to the API", pkg)
		default:
			checkWall(t, pkg, ours)
		}
	}
}

func checkWall(t *testing.T, pkg, imp string) {
	t.Helper()
	for _, w := range wallsOfTheHouse {
		if !below(pkg, w.folder) || below(imp, w.folder) {
			continue
		}
		for _, allowed := range w.allow {
			if below(imp, allowed) {
				return
			}
		}
		t.Errorf("%s must not import %s (it may import %v)", pkg, imp, w.allow)
	}
}

// TestOnlyTheServerCommandCarriesTheDatabase keeps client commands small and quick to start.
func TestOnlyTheServerCommandCarriesTheDatabase(t *testing.T) {
	t.Parallel()
	for _, pkg := range list(t, "{{.ImportPath}}", "./commands/...") {
		name := strings.TrimPrefix(pkg, module)
		if name == "commands" || name == "commands/server" {
			continue
		}
		for _, dep := range list(t, "{{join .Deps \"\\n\"}}", pkg) {
			if strings.HasPrefix(dep, "modernc.org/sqlite") {
				t.Errorf("%s pulls in the database engine", name)
			}
		}
	}
}

func below(pkg, folder string) bool {
	folder = strings.TrimSuffix(folder, "/")
	return pkg == folder || strings.HasPrefix(pkg, folder+"/")
}

func contains(list []string, s string) bool {
	for _, v := range list {
		if v == s {
			return true
		}
	}
	return false
}

func list(t *testing.T, format string, patterns ...string) []string {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-f", format}, patterns...)...)
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}
