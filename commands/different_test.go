package commands

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write docs/compatibility-cli.md anew")

// different are the words of the reference that usher knowingly does not take, with the
// reason; a * stands for what begins so. docs/compatibility-cli.md is made of it.
var different = map[string]string{
	"automation inspect --no-json": "`--json` may name fields here, so it is no switch; without it no JSON is printed anyway",
	"dev *":                        "works on a checkout of Prefect's own source code; `usher dev` says so",
	"server services manager":      "the process behind `server services start --background`, never typed; `usher server services start` is its own",
}

// behaves are the commands whose words are the same and whose doing is knowingly not.
var behaves = [][2]string{
	{"every command", "exit codes tell kinds of failure apart (`usher help exit-codes`) where the reference has 1 for all; what failed with the reference fails with usher"},
	{"every command", "errors go to stderr; the reference prints most of them on stdout, among the data"},
	{"every list", "all pages are read; the reference stops at 200 without a word. A pipe gets whole tab-separated rows instead of a table of 80 columns"},
	{"-p NAME, --profile NAME", "the environment beats the profile in both spellings; with the reference it depends on the spelling"},
	{"block ls -o json", "secrets are masked; the reference prints them in the clear"},
	{"cloud login", "the key goes to the keyring of the system and never into the profile, unless `--write-profile` says so; without a keyring a script says where it may go. Other profiles with the same key are not looked for, so nothing is asked of a script"},
	{"cloud webhook rotate, cloud ip-allowlist enable", "a script has to say `--yes`; the reference asks, and crashes where nobody answers"},
	{"config set, profile inspect", "keys and passwords are masked when they are shown"},
	{"deploy", "a file with a mistake stops it and says where; the reference leaves the whole file out and goes on"},
	{"deploy", "a flow without a docstring gets no description; the reference writes the word None"},
	{"deployment schedule ls -o json", "the text of a cron schedule has its time zone, that of an interval its seconds (the reference: 1 day, 0:00:00s)"},
	{"gcl update --no-enable", "switches the limit off, as `--disable` does; the reference finds nothing to change"},
	{"init --recipe", "inputs that are missing are a usage error where nobody can be asked; the reference asks all the same"},
	{"server database *", "revisions are usher's own migrations, not Alembic's"},
	{"server start", "changes no profile; the reference may switch the active one"},
	{"server start --host", "beyond loopback callers have to say who they are, with a password that can not be guessed easily, unless `--insecure-no-auth` is given; the reference is open to everybody"},
	{"transfer", "all pages are copied and `--dry-run` shows the plan; what a deployment made for itself (its own limit, a pool's default queue) comes with it"},
	{"variable set --overwrite", "keeps the tags where no `--tag` is given; the reference drops them"},
	{"work-pool create, work-pool get-default-base-job-template", "the template is the one that the server knows; the reference prefers that of the SDK it runs in, whose texts may be null too"},
	{"work-pool ls", "sorted by name, as the server sends them, so that each page is shown when it is there; the reference's table has the newest first"},
	{"work-pool update", "with nothing to change is a usage error, and an empty `--description` empties it; the reference says it updated and changes nothing"},
	{"work-pool storage configure", "a work pool that is not there is noticed before a block is made for it"},
	{"work-pool provision-infrastructure", "refuses, and says what makes the infrastructure: it belongs to the tools of the cloud that it is made in"},
	{"work-queue ls", "in the order of the server, each page when it is there; the reference has the newest first"},
	{"work-queue read-runs", "only looks; the reference's request counts as a worker's poll"},
}

// TestWhatIsDifferentIsWrittenDown compares docs/compatibility-cli.md with what it is made
// of; -update writes it.
func TestWhatIsDifferentIsWrittenDown(t *testing.T) {
	t.Parallel()
	path := filepath.Join("..", "docs", "compatibility-cli.md")
	want := compatibilityPage()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil { //nolint:gosec // a page to be read
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("go test ./commands -run WrittenDown -update\n-want +got:\n%s", diff)
	}
}

const compatibilityHead = `# The command line of Prefect, with usher

usher takes every command, alias, argument and option of Prefect 3.8.3 but those below, so that "alias prefect=usher"
does. A test walks the reference's commands; this page is made from its list of exceptions.

## Not taken

| words | why |
|---|---|
`

func compatibilityPage() string {
	page := &strings.Builder{}
	page.WriteString(compatibilityHead)
	for _, words := range slices.Sorted(maps.Keys(different)) {
		fmt.Fprintf(page, "| `%s` | %s |\n", words, different[words])
	}
	page.WriteString("\n## Taken, and done in another way\n\n| words | difference |\n|---|---|\n")
	for _, row := range behaves {
		fmt.Fprintf(page, "| `%s` | %s |\n", row[0], row[1])
	}
	return page.String()
}
