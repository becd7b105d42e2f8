//go:build unix

package cli

import (
	"os"
	"path/filepath"
	"testing"
)

func TestOpenWith(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	show, seen := filepath.Join(dir, "show"), filepath.Join(dir, "seen")
	if err := os.WriteFile(show, []byte("#!/bin/sh\nprintf '%s,' \"$@\" > "+seen+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for list, want := range map[string]string{
		show:                          "http://x/?a=%s&b,",
		"nothing-like-it:" + show:     "http://x/?a=%s&b,",
		"false:" + show + " -n %s -":  "-n,http://x/?a=%s&b,-,",
		" : " + show + " --new-tab &": "--new-tab,http://x/?a=%s&b,",
		"false":                       "",
		" ":                           "",
	} {
		_ = os.Remove(seen)
		err := openWith(list, "http://x/?a=%s&b")
		got, _ := os.ReadFile(seen)
		if string(got) != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q (%v), want %q", list, got, err, want)
		}
	}
}
