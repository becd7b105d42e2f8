package rest_test

import (
	"bytes"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/testkit"
)

// decision is a behaviour of the reference that its users suffer from, and what is done
// instead; docs/compatibility.md lists them. Either requests show it, or a test elsewhere.
type decision struct {
	About string   `json:"about"`
	Test  string   `json:"test"`
	Play  []played `json:"play"`
}

// played is a request with what its answer must have.
type played struct {
	Do      string            `json:"do"`
	Send    jsontext.Value    `json:"send"`
	Status  int               `json:"status"`
	Keep    map[string]string `json:"keep"`
	Is      map[string]string `json:"is"` // members of the answer
	Headers map[string]string `json:"headers"`
}

func TestDefectsOfTheReferenceAreDecided(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/decisions.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []decision
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	for _, d := range list {
		t.Run(d.About, func(t *testing.T) {
			t.Parallel()
			switch {
			case (d.Test == "") == (len(d.Play) == 0):
				t.Error("it is shown by a test, or by requests")
			case d.Test != "":
				mustBeATest(t, d.Test)
			default:
				onBothDatabases(t, func(t *testing.T, url string) { playAll(t, url, d.Play) })
			}
		})
	}
}

func playAll(t *testing.T, url string, steps []played) {
	t.Helper()
	kept := map[string]string{}
	for _, s := range steps {
		do := fill(s.Do, kept)
		method, path, _ := strings.Cut(do, " ")
		status, body, header := call(t, method, url+path, fill(string(s.Send), kept), "Content-Type", "application/json")
		if status != s.Status {
			t.Fatalf("%s %s: %d %s, want %d", do, s.Send, status, body, s.Status)
		}
		for path, want := range s.Is {
			if got := pickOrAll(t, jsontext.Value(body), path); got != want {
				t.Errorf("%s %s: %q is %q, want %q", do, s.Send, path, got, want)
			}
		}
		for name, want := range s.Headers {
			if got := header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", do, http.CanonicalHeaderKey(name), got, want)
			}
		}
		for name, path := range s.Keep {
			kept[name] = pick(t, jsontext.Value(body), path)
		}
	}
}

func pickOrAll(t *testing.T, answer jsontext.Value, path string) string {
	t.Helper()
	if path == "" {
		return string(answer)
	}
	return pick(t, answer, path)
}

// mustBeATest looks for a test of this name anywhere.
func mustBeATest(t *testing.T, name string) {
	t.Helper()
	root, err := testkit.Checkout()
	if err != nil {
		t.Fatal(err)
	}
	found := false
	err = filepath.WalkDir(filepath.Join(root, "internal"), func(path string, _ fs.DirEntry, err error) error {
		if err != nil || found || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		found = bytes.Contains(text, []byte("\nfunc "+name+"("))
		return err
	})
	if err != nil || !found {
		t.Errorf("there is no test %s, %v", name, err)
	}
}
