package deploy

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/usherhq/usher/internal/rules/pyflow"
)

// Bounds of what is looked through for flows: a person waits.
const (
	mostFiles   = 5000
	largestFile = 1 << 20 // bytes
)

// FindFlows lists the entrypoints of the Python flows in a directory and those below it,
// relative to it and in the order of their paths, without running any of the code. Hidden
// folders, virtual environments and installed packages are passed over, as is what can't be
// read.
func FindFlows(dir string) []string {
	var found []string
	files := 0
	filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error { //nolint:errcheck // see above
		switch {
		case err != nil:
			return nil //nolint:nilerr // see above
		case entry.IsDir():
			if path != dir && isForeign(path, entry.Name()) {
				return fs.SkipDir
			}
			return nil
		case filepath.Ext(path) != ".py" || !entry.Type().IsRegular():
			return nil
		}
		if files++; files > mostFiles {
			return fs.SkipAll
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return nil //nolint:nilerr // see above
		}
		for _, function := range flowsIn(path, entry) {
			found = append(found, filepath.ToSlash(name)+":"+function)
		}
		return nil
	})
	return found
}

func flowsIn(path string, entry fs.DirEntry) []string {
	info, err := entry.Info()
	if err != nil || info.Size() > largestFile {
		return nil
	}
	source, err := os.ReadFile(path) //nolint:gosec // the project of who deploys
	if err != nil || !bytes.Contains(source, []byte("prefect")) {
		return nil
	}
	return pyflow.Functions(source)
}

// isForeign says that a folder holds what others wrote.
func isForeign(path, name string) bool {
	if strings.HasPrefix(name, ".") || name == "site-packages" || name == "node_modules" || name == "__pycache__" {
		return true
	}
	_, err := os.Stat(filepath.Join(path, "pyvenv.cfg"))
	return err == nil
}
