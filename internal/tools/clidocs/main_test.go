package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDocsAreCurrent compares docs/cli and docs/man with the tree of commands.
func TestDocsAreCurrent(t *testing.T) {
	t.Parallel()
	docs := filepath.Join("..", "..", "..", "docs")
	want := pages(tree())
	for path, text := range want {
		got, err := os.ReadFile(filepath.Join(docs, path))
		if err != nil || string(got) != text {
			t.Errorf("docs/%s is not what the commands say; run `make generate`\n%s", path, cmp.Diff(text, string(got)))
		}
	}
	for _, folder := range []string{"cli", "man"} {
		err := filepath.WalkDir(filepath.Join(docs, folder), func(path string, entry fs.DirEntry, err error) error {
			name := folder + "/" + filepath.Base(path)
			if _, ok := want[name]; err == nil && !entry.IsDir() && !ok {
				t.Errorf("docs/%s is of no command; run `make generate`", name)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// TestManSaysAll looks for the verbs and flags of a noun in its page, and for what roff would eat.
func TestManSaysAll(t *testing.T) {
	t.Parallel()
	all := pages(tree())
	page := all["man/usher-flow-run.1"]
	for _, text := range []string{`.SH USHER FLOW\-RUN CANCEL`, `\fB\-\-older\-than duration\fR`, `usher flow\-run ls \-\-state Failed`} {
		if !strings.Contains(page, text) {
			t.Errorf("the page of flow-run has no %q", text)
		}
	}
	for path, text := range all {
		for line := range strings.Lines(text) {
			if strings.HasSuffix(path, ".1") && (strings.HasPrefix(line, "'") || strings.HasPrefix(line, ".") && !strings.ContainsAny(line[1:2], "TSPbnf")) {
				t.Errorf("%s: %q is a request that was not meant", path, line)
			}
		}
	}
}
