package testkit

import (
	"archive/zip"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Wheel writes a Python package that installs without a build, and returns its path: files
// by their path in site-packages.
func Wheel(t testing.TB, dir, name, version string, files map[string]string) string {
	t.Helper()
	path := filepath.Join(dir, fmt.Sprintf("%s-%s-py3-none-any.whl", name, version))
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	info := fmt.Sprintf("%s-%s.dist-info/", name, version)
	all := map[string]string{
		info + "METADATA": fmt.Sprintf("Metadata-Version: 2.1\nName: %s\nVersion: %s\n", name, version),
		info + "WHEEL":    "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
	}
	for path, content := range files {
		all[path] = content
	}
	var record []string
	for path := range all {
		record = append(record, path+",,")
	}
	slices.Sort(record)
	all[info+"RECORD"] = strings.Join(append(record, info+"RECORD,,"), "\n") + "\n"
	archive := zip.NewWriter(file)
	for path, content := range all {
		w, err := archive.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// ReferenceWheel writes a package that is the reference as far as installers can tell: the
// environment it is installed in uses the installed reference, without the network.
func ReferenceWheel(t testing.TB, dir string) {
	t.Helper()
	python := Reference(t)
	packages, err := filepath.Glob(filepath.Join(python.Dir, "lib", "python3*", "site-packages"))
	if err != nil || len(packages) != 1 {
		t.Fatalf("the reference's packages: %v %v", packages, err)
	}
	out, err := run(t.Context(), python.Python, "-c", "import importlib.metadata as m; print(m.version('prefect'), end='')")
	if err != nil {
		t.Fatal(err)
	}
	Wheel(t, dir, "prefect", string(out), map[string]string{"usher-reference.pth": packages[0] + "\n"})
}
