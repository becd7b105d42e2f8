package environment

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/pelletier/go-toml/v2"

	"github.com/usherhq/usher/internal/api"
)

// The files that are looked for, the most exact first.
const (
	lockName         = "uv.lock"
	pyLockName       = "pylock.toml"
	requirementsName = "requirements.txt"
	poetryName       = "poetry.lock"
	projectName      = "pyproject.toml"
)

// looked is the order in which they are looked for. A list of requirements beside a lock of
// Poetry is what was exported from it for others.
var looked = []string{lockName, pyLockName, requirementsName, poetryName, projectName}

// pyLockNames are those that the standard lets a lock have.
var pyLockNames = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^pylock\.([^.]+\.)?toml$`) })

// Declaration is what a directory says its code needs.
type Declaration struct {
	dir       string
	kind      string   // one of the names above
	file      string   // absolute path
	needs     []string // of a project: its dependencies
	locked    *locked  // of a lock that becomes requirements
	names     []string // of packages that are asked for by name
	variables []string // of the environment that the file speaks of
	digest    string
}

// errNothing says that the directory has no file that says what its code needs.
var errNothing = api.Errorf(api.CodeNotFound, "there is no %s", strings.Join(looked, ", "))

// Declared reads what dir says: in the file of that name, or without one in the first that is
// there. IsNothing tells an error of a directory that says nothing. A lock of uv counts only
// where there is a uv.
func Declared(dir, name string, hasUV bool) (*Declaration, error) {
	if name == "" {
		for _, candidate := range looked {
			if _, err := os.Stat(filepath.Join(dir, candidate)); err == nil && (candidate != lockName || hasUV) {
				return read(dir, candidate)
			}
		}
		return nil, fmt.Errorf("%s: %w", dir, errNothing)
	}
	if filepath.Base(name) == lockName && !hasUV {
		return nil, api.Errorf(api.CodeInvalid, "%s needs uv: install it on the worker's machine (pip install uv)", name)
	}
	return read(dir, name)
}

// IsNothing says that the error is about a directory that says nothing.
func IsNothing(err error) bool { return errors.Is(err, errNothing) }

// Name is the path of the file, as it was named.
func (d *Declaration) Name() string {
	if name, err := filepath.Rel(d.dir, d.file); err == nil {
		return name
	}
	return d.file
}

// Source is the directory where the project keeps its modules, if that is not its root; the
// project itself is not installed.
func (d *Declaration) Source() string {
	source := filepath.Join(filepath.Dir(d.file), "src")
	if info, err := os.Stat(source); d.kind == requirementsName || err != nil || !info.IsDir() {
		return ""
	}
	return source
}

func read(dir, name string) (*Declaration, error) {
	file := name
	if !filepath.IsAbs(file) {
		file = filepath.Join(dir, name)
	}
	d := &Declaration{dir: dir, kind: requirementsName, file: file}
	content := &content{hash: sha256.New(), seen: map[string]bool{}}
	var err error
	switch {
	case filepath.Base(name) == lockName:
		d.kind = lockName
		if err = content.whole(file); err == nil {
			err = content.whole(filepath.Join(filepath.Dir(file), projectName))
		}
	case pyLockNames().MatchString(filepath.Base(name)):
		d.kind = pyLockName
		d.locked, err = pyLock(file)
	case filepath.Base(name) == poetryName:
		d.kind = poetryName
		d.locked, err = poetryLock(file)
	case filepath.Ext(name) == ".toml":
		d.kind = projectName
		d.needs, err = dependencies(file)
		content.lines(filepath.Dir(file), d.needs)
	default:
		err = content.requirements(file)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, api.Errorf(api.CodeNotFound, "%s is not there: %w", name, err)
	}
	if err != nil {
		return nil, api.Errorf(api.CodeInvalid, "%s: %w", name, err)
	}
	if d.locked != nil {
		content.add(d.locked.indexes...)
		content.lines(filepath.Dir(file), slices.Concat(d.locked.hashed, d.locked.loose))
		for _, path := range d.locked.local {
			content.local("", path)
		}
	}
	d.digest = d.kind + hex.EncodeToString(content.hash.Sum(nil))
	d.names, d.variables = content.names, content.variables
	return d, nil
}

// dependencies are those of a project, which must stand in its file.
func dependencies(path string) ([]string, error) {
	data, err := os.ReadFile(path) //nolint:gosec // the flow's own project
	if err != nil {
		return nil, err
	}
	var file struct {
		Project *struct {
			Dependencies []string `toml:"dependencies"`
			Dynamic      []string `toml:"dynamic"`
		} `toml:"project"`
	}
	if err := toml.Unmarshal(data, &file); err != nil {
		return nil, err
	}
	switch {
	case file.Project == nil:
		return nil, errors.New("it has no [project]; write the packages that the code needs into " + requirementsName)
	case slices.Contains(file.Project.Dynamic, "dependencies"):
		return nil, errors.New("its dependencies are computed when it is built; write them into " + requirementsName + " or " + lockName)
	}
	return file.Project.Dependencies, nil
}

// content collects what decides about an environment.
type content struct {
	hash      hash.Hash
	seen      map[string]bool // files that were read
	names     []string
	variables []string
}

var (
	include = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(?:-r|-c|--requirement|--constraint)(?:\s*=\s*|\s*)(\S.*)$`)
	})
	editable = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(?:-e|--editable)(?:\s*=\s*|\s*)(\S.*)$`) })
	variable = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\$\{([A-Z0-9_]+)\}`) })
	named    = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^([A-Za-z0-9][A-Za-z0-9._-]*)`) })
	comment  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(^|\s)#.*$`) })
)

func (c *content) add(parts ...string) {
	for _, part := range parts {
		fmt.Fprintf(c.hash, "%d:%s\n", len(part), part)
	}
}

func (c *content) whole(path string) error {
	file, err := os.Open(path) //nolint:gosec // the flow's own project
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // it was only read
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return err
	}
	c.add(filepath.Base(path), hex.EncodeToString(sum.Sum(nil)))
	return nil
}

// requirements adds a requirements file, and the files that it includes.
func (c *content) requirements(path string) error {
	if c.seen[path] {
		return nil
	}
	c.seen[path] = true
	data, err := os.ReadFile(path) //nolint:gosec // the flow's own project
	if err != nil {
		return err
	}
	var lines []string
	scanner := bufio.NewScanner(bytes.NewReader(data))
	for scanner.Scan() {
		line := strings.TrimSpace(comment().ReplaceAllString(scanner.Text(), ""))
		if line == "" {
			continue
		}
		lines = append(lines, line)
		if m := include().FindStringSubmatch(line); m != nil && !strings.Contains(m[1], "://") {
			if err := c.requirements(at(filepath.Dir(path), m[1])); err != nil {
				return err
			}
		}
	}
	c.lines(filepath.Dir(path), lines)
	return scanner.Err()
}

// lines adds requirements, and the files of those that are on this machine.
func (c *content) lines(dir string, lines []string) {
	for _, line := range lines {
		c.add(line)
		for _, m := range variable().FindAllStringSubmatch(line, -1) {
			c.variables = append(c.variables, m[1])
		}
		target, isEditable := line, editable().FindStringSubmatch(line)
		if isEditable != nil {
			target = isEditable[1]
			c.add(at(dir, target)) // it stays where it is
		}
		c.local(dir, target)
		if m := named().FindStringSubmatch(line); m != nil {
			c.names = append(c.names, strings.ToLower(strings.NewReplacer("_", "-", ".", "-").Replace(m[1])))
		}
	}
}

// local adds the files of a requirement that is a path.
func (c *content) local(dir, target string) {
	if _, url, ok := strings.Cut(target, "@ "); ok {
		target = url
	}
	target = strings.TrimPrefix(strings.TrimSpace(target), "file://")
	target, _, _ = strings.Cut(target, "[")
	path := at(dir, target)
	info, err := os.Stat(path)
	switch {
	case err != nil || target == "":
	case info.IsDir():
		c.tree(path)
	default:
		c.whole(path) //nolint:errcheck // what can't be read the installer can't read either, and says so
	}
}

// passedOver are folders that say nothing about a package.
var passedOver = []string{".git", ".hg", ".venv", "venv", "__pycache__", "build", "dist", ".mypy_cache", ".pytest_cache", ".ruff_cache"}

func (c *content) tree(root string) {
	filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error { //nolint:errcheck // see local
		switch {
		case err != nil:
			return nil //nolint:nilerr // see local
		case entry.IsDir() && path != root && slices.Contains(passedOver, entry.Name()):
			return fs.SkipDir
		case entry.Type().IsRegular():
			name, _ := filepath.Rel(root, path)
			c.add(name)
			c.whole(path) //nolint:errcheck // see local
		}
		return nil
	})
}

func at(dir, path string) string {
	path = strings.Trim(path, `"'`)
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// asksFor says that a package is asked for by name, or one that comes with it.
func (d *Declaration) asksFor(name string) bool {
	return slices.ContainsFunc(d.names, func(n string) bool { return n == name || strings.HasPrefix(n, name+"-") })
}
