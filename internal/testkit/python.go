package testkit

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// PythonWith returns an interpreter that has packages installed, once for all tests that
// want the same ones: each is a pin such as pysaml2==7.5.5.
func PythonWith(t testing.TB, pins ...string) (python string) {
	t.Helper()
	installs.Lock()
	defer installs.Unlock()
	base, version, err := basePython(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cache, err := CacheDir("python")
	if err != nil {
		t.Fatal(err)
	}
	key := sha256.Sum256([]byte(version + strings.Join(pins, "\n")))
	dir := filepath.Join(cache, hex.EncodeToString(key[:8]))
	python = pythonAt(dir).Python
	err = once(dir, func() error {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
		if _, err := run(t.Context(), base, "-m", "venv", dir); err != nil {
			return err
		}
		_, err := run(t.Context(), python, append([]string{"-m", "pip", "install", "--quiet", "--disable-pip-version-check"}, pins...)...)
		return err
	})
	if err != nil {
		t.Fatalf("Python with %v is needed for this test: %v", pins, err)
	}
	return python
}

// Program makes sure that a program is there which a package of Debian has.
func Program(t testing.TB, name, pkg string) {
	t.Helper()
	if err := aptInstall(name, pkg); err != nil {
		t.Fatalf("%s is needed for this test: %v", name, err)
	}
}
