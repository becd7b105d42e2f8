package environment

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/pelletier/go-toml/v2"
)

// locked is what a lock of another tool than uv says, as requirements. All that is needed is
// in it, so it is installed without looking for dependencies.
type locked struct {
	indexes []string // besides the one that packages come from anyway
	hashed  []string // each with the hashes of its files
	loose   []string // commits and folders, which have none; installers take the two only apart
	local   []string // paths of this machine
}

// pin is one package of a lock.
type pin struct {
	name, version string
	target        string // URL of what isn't found by its version at an index
	path          string // absolute, of what is on this machine
	marker        string
	hashes        []string // as algorithm:value
}

// strong are the hashes that installers take.
var strong = []string{"sha256:", "sha384:", "sha512:"}

func (l *locked) add(p pin) error {
	line := p.name + "==" + p.version
	switch {
	case p.path != "":
		l.local = append(l.local, p.path)
		line = p.name + " @ " + fileURL(p.path)
	case p.target != "":
		line = p.name + " @ " + p.target
	case p.version == "":
		return fmt.Errorf("%s has neither a version nor a place that it comes from", p.name)
	}
	if p.marker != "" {
		line += " ; " + p.marker
	}
	list := &l.loose
	for _, hash := range p.hashes {
		if slices.ContainsFunc(strong, func(prefix string) bool { return strings.HasPrefix(hash, prefix) }) {
			line, list = line+" --hash="+hash, &l.hashed
		}
	}
	if strings.ContainsAny(line, "\r\n") || !named().MatchString(p.name) {
		return fmt.Errorf("%q is not a package that can be asked for", p.name)
	}
	*list = append(*list, line)
	return nil
}

// from says that a package comes from an index.
func (l *locked) from(index string) {
	index = strings.TrimRight(index, "/")
	if index != "" && index != "https://pypi.org/simple" && !slices.Contains(l.indexes, index) {
		l.indexes = append(l.indexes, index)
	}
}

// write writes requirements files into dir, for one installation after the other.
func (l *locked) write(dir string) (paths []string, err error) {
	for n, lines := range [][]string{l.hashed, l.loose} {
		if len(lines) == 0 {
			continue
		}
		path := filepath.Join(dir, fmt.Sprintf("usher-locked-%d.txt", n))
		var text strings.Builder
		for _, index := range l.indexes {
			fmt.Fprintf(&text, "--extra-index-url %s\n", index)
		}
		text.WriteString(strings.Join(lines, "\n") + "\n")
		if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
			return nil, err
		}
		paths = append(paths, path)
	}
	return paths, nil
}

// poetryLock reads a lock of Poetry: what its main group needs.
func poetryLock(path string) (*locked, error) {
	data, err := os.ReadFile(path) //nolint:gosec // the flow's own project
	if err != nil {
		return nil, err
	}
	var file struct {
		Packages []struct {
			Name     string
			Version  string
			Optional bool
			Groups   []string
			Markers  any // one for all groups, or by group
			Files    []struct{ Hash string }
			Source   struct {
				Type         string
				URL          string
				Resolved     string `toml:"resolved_reference"`
				Subdirectory string
			}
		} `toml:"package"`
		Metadata struct {
			Version string `toml:"lock-version"`
		}
	}
	if err := toml.Unmarshal(data, &file); err != nil {
		return nil, err
	}
	// Before 2.1 a lock tells neither groups nor markers of its packages.
	var major, minor int
	if _, err := fmt.Sscanf(file.Metadata.Version, "%d.%d", &major, &minor); err != nil || major < 2 || major == 2 && minor < 1 {
		return nil, fmt.Errorf("it is a lock of version %q, and 2.1 is needed: run poetry lock with Poetry 2, or name another file", file.Metadata.Version)
	}
	lock := &locked{}
	for _, p := range file.Packages {
		marker, _ := p.Markers.(string)
		if byGroup, ok := p.Markers.(map[string]any); ok {
			marker, _ = byGroup["main"].(string)
		}
		if !slices.Contains(p.Groups, "main") || p.Optional && marker == "" {
			continue
		}
		pin := pin{name: p.Name, version: p.Version, marker: marker}
		for _, f := range p.Files {
			pin.hashes = append(pin.hashes, f.Hash)
		}
		switch p.Source.Type {
		case "", "legacy":
			lock.from(p.Source.URL)
		case "git":
			pin.target = commit(p.Source.URL, p.Source.Resolved, p.Source.Subdirectory)
		case "url":
			pin.target = inside(p.Source.URL, p.Source.Subdirectory)
		case "directory", "file":
			pin.path = at(filepath.Dir(path), p.Source.URL)
		default:
			return nil, fmt.Errorf("%s comes from %q, which is not known", p.Name, p.Source.Type)
		}
		if err := lock.add(pin); err != nil {
			return nil, err
		}
	}
	return lock, nil
}

// artifact is a file of a package.
type artifact struct {
	URL          string
	Path         string
	Subdirectory string
	Hashes       map[string]string
}

func (a artifact) hashes() (list []string) {
	for algorithm, value := range a.Hashes {
		list = append(list, algorithm+":"+value)
	}
	slices.Sort(list)
	return list
}

// pyLock reads a lock of the standard format: what is needed without extras, with the groups
// that the lock names as its defaults.
func pyLock(path string) (*locked, error) {
	data, err := os.ReadFile(path) //nolint:gosec // the flow's own project
	if err != nil {
		return nil, err
	}
	var file struct {
		Version  string   `toml:"lock-version"`
		Groups   []string `toml:"default-groups"`
		Packages []struct {
			Name    string
			Version string
			Marker  string
			Index   string
			VCS     *struct {
				Type         string
				URL          string
				Path         string
				Commit       string `toml:"commit-id"`
				Subdirectory string
			}
			Directory *artifact
			Archive   *artifact
			Sdist     *artifact
			Wheels    []artifact
		}
	}
	if err := toml.Unmarshal(data, &file); err != nil {
		return nil, err
	}
	if !strings.HasPrefix(file.Version, "1.") {
		return nil, fmt.Errorf("it is a lock of version %q, and 1.0 is what is read", file.Version)
	}
	dir, lock := filepath.Dir(path), &locked{}
	for _, p := range file.Packages {
		pin := pin{name: p.Name, version: p.Version, marker: withoutExtras(p.Marker, file.Groups)}
		switch {
		case p.VCS != nil:
			if p.VCS.Type != "git" {
				return nil, fmt.Errorf("%s comes from %s, and only git is read", p.Name, p.VCS.Type)
			}
			from := p.VCS.URL
			if from == "" {
				from = fileURL(at(dir, p.VCS.Path))
			}
			pin.target = commit(from, p.VCS.Commit, p.VCS.Subdirectory)
		case p.Directory != nil:
			pin.path = filepath.Join(at(dir, p.Directory.Path), p.Directory.Subdirectory)
		case p.Archive != nil && p.Archive.URL == "":
			pin.path, pin.hashes = at(dir, p.Archive.Path), p.Archive.hashes()
		case p.Archive != nil:
			pin.target, pin.hashes = inside(p.Archive.URL, p.Archive.Subdirectory), p.Archive.hashes()
		default:
			lock.from(p.Index)
			files := p.Wheels
			if p.Sdist != nil {
				files = append(files, *p.Sdist)
			}
			for _, f := range files {
				pin.hashes = append(pin.hashes, f.hashes()...)
			}
			if len(pin.hashes) == 0 {
				return nil, fmt.Errorf("%s has no files with hashes", p.Name)
			}
		}
		if err := lock.add(pin); err != nil {
			return nil, err
		}
	}
	if len(file.Packages) == 0 {
		return nil, errors.New("it has no packages")
	}
	return lock, nil
}

// ofGroups are the parts of a marker that only locks have.
var ofGroups = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?:"([^"]*)"|'([^']*)')\s+(not\s+)?in\s+(extras|dependency_groups)\b`)
})

// withoutExtras decides those parts of a marker, which installers don't know in requirements.
func withoutExtras(marker string, groups []string) string {
	return ofGroups().ReplaceAllStringFunc(marker, func(part string) string {
		m := ofGroups().FindStringSubmatch(part)
		holds := m[4] == "dependency_groups" && slices.Contains(groups, m[1]+m[2])
		if holds != (m[3] != "") {
			return `python_version >= "3"`
		}
		return `python_version < "3"`
	})
}

func fileURL(path string) string {
	return (&url.URL{Scheme: "file", Path: "/" + strings.TrimPrefix(filepath.ToSlash(path), "/")}).String()
}

// commit is a requirement's address of a commit.
func commit(address, hash, subdirectory string) string {
	return inside("git+"+address+"@"+hash, subdirectory)
}

func inside(address, subdirectory string) string {
	if subdirectory == "" {
		return address
	}
	return address + "#subdirectory=" + subdirectory
}
