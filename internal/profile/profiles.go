package profile

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/rogpeppe/go-internal/lockedfile"

	"github.com/usherhq/usher/internal/api"
)

// Origin says where a profile is kept.
type Origin string

// The origins. A profile of Prefect's file is copied into ours when usher
// changes it; a built-in one when usher is told to keep it.
const (
	Own     Origin = "usher"
	Prefect Origin = "prefect"
	BuiltIn Origin = "built-in"
)

// Profile is a named set of settings.
type Profile struct {
	Name    string
	Entries []Entry
	Origin  Origin
}

// put adds a setting. Within a profile the current name of a setting beats those
// of earlier releases, wherever they stand.
func (p *Profile) put(name, value string) {
	current := name
	if s, ok := Find(name); ok {
		current = s.Name()
	}
	i := slices.IndexFunc(p.Entries, func(e Entry) bool { return e.Name == current })
	switch {
	case i < 0:
		p.Entries = append(p.Entries, Entry{current, value})
	case name == current:
		p.Entries[i].Value = value
	}
}

// Lookup returns the text of a setting by its current name.
func (p Profile) Lookup(name string) (string, bool) {
	for _, e := range p.Entries {
		if e.Name == name {
			return e.Value, true
		}
	}
	return "", false
}

// Default is the built-in profile that is active when nothing says otherwise.
const Default = "ephemeral"

// Templates returns the built-in profiles.
func Templates() []Profile {
	return []Profile{
		{Name: Default, Origin: BuiltIn, Entries: []Entry{{"PREFECT_SERVER_EPHEMERAL_ENABLED", "true"}}},
		{Name: "local", Origin: BuiltIn, Entries: []Entry{{"PREFECT_API_URL", "http://127.0.0.1:4200/api"}}},
		{Name: "test", Origin: BuiltIn, Entries: []Entry{
			{"PREFECT_SERVER_EPHEMERAL_ENABLED", "true"},
			{"PREFECT_SERVER_DATABASE_CONNECTION_URL", "sqlite+aiosqlite:///file::memory:?uri=true&cache=shared&check_same_thread=false"},
		}},
		{Name: "cloud", Origin: BuiltIn},
	}
}

// Paths are the two profiles files: ours is read and written, Prefect's only read.
type Paths struct{ Own, Prefect string }

// Profiles are the profiles of both files as one collection. A profile of ours
// hides one of Prefect's with the same name.
type Profiles struct {
	own, prefect *file
}

// Open reads the profiles.
func Open(paths Paths) (*Profiles, error) {
	own, err := readFile(paths.Own)
	if err != nil {
		return nil, err
	}
	prefect := &file{}
	if paths.Prefect != paths.Own {
		if prefect, err = readFile(paths.Prefect); err != nil {
			return nil, err
		}
	}
	return &Profiles{own: own, prefect: prefect}, nil
}

// Edit changes our file: it runs change on the profiles as they are now and
// saves the result, while other programs wait.
func Edit(paths Paths, change func(*Profiles) error) error {
	if err := os.MkdirAll(filepath.Dir(paths.Own), 0o700); err != nil {
		return fmt.Errorf("save the profiles: %w", err)
	}
	unlock, err := lockedfile.MutexAt(paths.Own + ".lock").Lock()
	if err != nil {
		return fmt.Errorf("lock the profiles: %w", err)
	}
	defer unlock()
	profiles, err := Open(paths)
	if err != nil {
		return err
	}
	if err := change(profiles); err != nil {
		return err
	}
	return profiles.own.write()
}

// Saved returns the profiles of both files, ours first.
func (p *Profiles) Saved() []Profile {
	var saved []Profile
	for _, profile := range p.own.profiles {
		profile.Origin = Own
		saved = append(saved, profile)
	}
	for _, profile := range p.prefect.profiles {
		if !p.hidden(profile.Name) {
			profile.Origin = Prefect
			saved = append(saved, profile)
		}
	}
	return saved
}

// hidden reports whether a profile of Prefect's file counts no more.
func (p *Profiles) hidden(name string) bool {
	return slices.Contains(p.own.ignored, name) || named(p.own.profiles, name) >= 0
}

// Find returns a profile by its name, a built-in one if no saved one has it.
func (p *Profiles) Find(name string) (Profile, bool) {
	all := append(p.Saved(), Templates()...)
	if i := named(all, name); i >= 0 {
		return all[i], true
	}
	return Profile{}, false
}

// Names returns the names of all profiles, saved ones first.
func (p *Profiles) Names() []string {
	var names []string
	for _, profile := range append(p.Saved(), Templates()...) {
		if !slices.Contains(names, profile.Name) {
			names = append(names, profile.Name)
		}
	}
	return names
}

// Active is the name that the files choose: ours, else Prefect's, else "".
func (p *Profiles) Active() string {
	if p.own.active != "" {
		return p.own.active
	}
	if p.prefect.active != "" && !slices.Contains(p.own.ignored, p.prefect.active) {
		return p.prefect.active
	}
	return ""
}

// Path is where our file is.
func (p *Profiles) Path() string { return p.own.path }

func named(profiles []Profile, name string) int {
	return slices.IndexFunc(profiles, func(p Profile) bool { return p.Name == name })
}

// notFound is the error of a name that no profile has.
func notFound(name string) error {
	return api.Errorf(api.CodeNotFound, "there is no profile named %q", name)
}
