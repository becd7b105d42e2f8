package testkit

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// The pins are part of the tests: a newer reference is a reviewed change.
//
//go:embed requirements.txt
var requirements []byte

// Python is a virtual environment that has the reference installed.
type Python struct {
	// Dir is the root of the environment, Bin the folder with its programs.
	Dir, Bin string
	// Python and Prefect are the interpreter and the reference's CLI.
	Python, Prefect string
}

// Reference returns the environment with the reference, and fails the test if
// it is neither there nor can be installed.
func Reference(t testing.TB) Python {
	t.Helper()
	py, err := InstallReference(t.Context())
	if err != nil {
		t.Fatalf("the reference is needed for this test: %v", err)
	}
	return py
}

var installs sync.Mutex

// InstallReference returns the environment with the reference. The first call
// on a machine downloads it (about half a minute); later ones find it in the
// cache, in whatever process they are made.
func InstallReference(ctx context.Context) (Python, error) {
	installs.Lock()
	defer installs.Unlock()
	base, version, err := basePython(ctx)
	if err != nil {
		return Python{}, err
	}
	cache, err := CacheDir("reference")
	if err != nil {
		return Python{}, err
	}
	key := sha256.Sum256(append([]byte(version+"\n"), requirements...))
	dir := filepath.Join(cache, hex.EncodeToString(key[:8]))
	py := pythonAt(dir)
	err = once(dir, func() error { return install(ctx, base, dir, py.Python) })
	return py, err
}

func pythonAt(dir string) Python {
	bin := filepath.Join(dir, venvBin)
	return Python{
		Dir:     dir,
		Bin:     bin,
		Python:  filepath.Join(bin, "python"),
		Prefect: filepath.Join(bin, "prefect"),
	}
}

// basePython finds the interpreter that the environment is made with, and its
// version, on which the installed files depend.
func basePython(ctx context.Context) (path, version string, err error) {
	path = os.Getenv("USHER_TEST_PYTHON")
	if path == "" {
		path = "python3"
	}
	const ask = `import sys; assert sys.version_info >= (3, 10), sys.version; print(sys.version, sys.base_prefix)`
	out, err := run(ctx, path, "-c", ask)
	if err != nil {
		return "", "", fmt.Errorf("find Python 3.10 or newer (USHER_TEST_PYTHON names another one): %w", err)
	}
	return path, string(out), nil
}

// install makes the environment in place: scripts in it carry its path, so it
// can't be moved there when done.
func install(ctx context.Context, base, dir, python string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	pins, err := os.CreateTemp("", "requirements-*.txt")
	if err != nil {
		return err
	}
	defer os.Remove(pins.Name())
	if _, err := pins.Write(requirements); err != nil {
		return err
	}
	if err := pins.Close(); err != nil {
		return err
	}
	for _, step := range installSteps(base, dir, python, pins.Name()) {
		if _, err := run(ctx, step[0], step[1:]...); err != nil {
			return fmt.Errorf("install the reference: %w", err)
		}
	}
	return nil
}

// installSteps prefers uv, which is several times faster, and needs no more
// than the interpreter's own venv and pip.
func installSteps(base, dir, python, pins string) [][]string {
	if uv, err := exec.LookPath("uv"); err == nil {
		return [][]string{
			{uv, "venv", "--quiet", "--python", base, dir},
			{uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", python, "-r", pins},
		}
	}
	return [][]string{
		{base, "-m", "venv", dir},
		{python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", pins},
	}
}

// run returns what the program printed, or an error that holds it.
func run(ctx context.Context, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	var out, talk bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &talk
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s %q: %w\n%s%s", name, args, err, talk.Bytes(), out.Bytes())
	}
	return out.Bytes(), nil
}
