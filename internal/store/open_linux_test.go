package store_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
	"github.com/usherhq/usher/internal/store/storetest"
)

func TestPlacesThatCannotBeWrittenTo(t *testing.T) {
	t.Parallel()
	closed := t.TempDir()
	if err := os.Chmod(closed, 0o500); err != nil {
		t.Fatal(err)
	}
	readable := storetest.SQLiteURL(t)
	s, err := store.Open(t.Context(), store.Config{URL: readable})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for dir := filepath.Dir(readable); dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(readable, 0o444); err != nil {
		t.Fatal(err)
	}
	withoutPrivileges(t, func() {
		for _, url := range []string{filepath.Join(closed, "usher.db"), readable} {
			_, err := store.Open(t.Context(), store.Config{URL: url})
			if api.CodeOf(err) != api.CodeUnavailable || !strings.Contains(err.Error(), "must be writable for you") {
				t.Errorf("%s: %v", url, err)
			}
		}
	})
	if left, _ := os.ReadDir(closed); len(left) > 0 {
		t.Errorf("something was left: %v", left)
	}
}

// withoutPrivileges runs check as a user whom file modes hold back, which they do not
// do to root.
func withoutPrivileges(t *testing.T, check func()) {
	t.Helper()
	if os.Getuid() != 0 {
		check()
		return
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const nobody = 65534
	if err := syscall.Setfsuid(nobody); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Setfsuid(0); err != nil {
			panic(err)
		}
	}()
	check()
}
