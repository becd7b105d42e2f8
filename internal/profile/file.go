package profile

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/usherhq/usher/internal/api"
)

// Entry is one setting of a profile: the current name and the text.
type Entry struct{ Name, Value string }

// file is a profiles.toml: ours or the one that Prefect keeps.
type file struct {
	path     string
	doc      document
	active   string
	profiles []Profile // in the order of the file
	ignored  []string  // names of Prefect's profiles that the user deleted here
}

// readFile reads a profiles file; one that is not there is empty.
func readFile(path string) (*file, error) {
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the profiles: %w", err)
	}
	f := &file{path: path, doc: document{text}}
	if err := f.decode(); err != nil {
		return nil, api.Errorf(api.CodeInvalid, "the profiles file %s is %w", path, err)
	}
	return f, nil
}

// reread takes the profiles from the text after an edit. An edit that left no
// valid file met a spelling that it can't change, such as an inline table.
func (f *file) reread() error {
	if err := f.decode(); err != nil {
		return api.Errorf(api.CodeInvalid, "%s is written in a way that can't be changed for you; edit it by hand: %w", f.path, err)
	}
	return nil
}

// decode takes the profiles from the document's text.
func (f *file) decode() error {
	var content struct {
		Active   string                    `toml:"active"`
		Ignored  []string                  `toml:"ignored"`
		Profiles map[string]map[string]any `toml:"profiles"`
	}
	if err := f.doc.decode(&content); err != nil {
		return err
	}
	parts, err := f.doc.parts()
	if err != nil {
		return err
	}
	f.active, f.ignored, f.profiles = content.Active, content.Ignored, nil
	for _, p := range parts {
		if len(p.path) < 2 || p.path[0] != "profiles" {
			continue
		}
		profile := f.profile(p.path[1])
		if len(p.path) == 3 && !p.header {
			profile.put(p.path[2], plainText(content.Profiles[p.path[1]][p.path[2]]))
		}
	}
	f.addInline(content.Profiles)
	return nil
}

// addInline adds what stands in inline tables, which have no lines of their own;
// what has is there already and stays where it is.
func (f *file) addInline(profiles map[string]map[string]any) {
	for _, name := range slices.Sorted(maps.Keys(profiles)) {
		profile := f.profile(name)
		for _, key := range slices.Sorted(maps.Keys(profiles[name])) {
			profile.put(key, plainText(profiles[name][key]))
		}
	}
}

// profile returns the profile of that name, adding an empty one.
func (f *file) profile(name string) *Profile {
	i := slices.IndexFunc(f.profiles, func(p Profile) bool { return p.Name == name })
	if i < 0 {
		f.profiles = append(f.profiles, Profile{Name: name})
		i = len(f.profiles) - 1
	}
	return &f.profiles[i]
}

// write replaces the file as a whole, so that a reader sees the old or the new
// one and a crash leaves no half. A new file is readable by the user alone; an
// existing one keeps its mode, and a link stays a link.
func (f *file) write() error {
	if err := f.reread(); err != nil {
		return err
	}
	target, mode := f.path, fs.FileMode(0o600)
	if real, err := filepath.EvalSymlinks(target); err == nil {
		target = real
	}
	if info, err := os.Stat(target); err == nil {
		mode = info.Mode().Perm()
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
		return fmt.Errorf("save the profiles: %w", err)
	}
	if err := replaceFile(target, f.doc.text, mode); err != nil {
		return fmt.Errorf("save the profiles: %w", err)
	}
	return nil
}

func replaceFile(path string, content []byte, mode fs.FileMode) error {
	temp, err := os.CreateTemp(filepath.Dir(path), ".profiles-*.toml")
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name()) // gone already when all went well
	_, err = temp.Write(content)
	err = errors.Join(err, temp.Chmod(mode), temp.Sync(), temp.Close())
	if err != nil {
		return err
	}
	return os.Rename(temp.Name(), path)
}
