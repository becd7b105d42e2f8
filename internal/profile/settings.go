package profile

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/usherhq/usher/internal/api"
)

// Source says where a value comes from, in the words that config view prints.
type Source string

// The sources, the strongest first.
const (
	FromFlag      Source = "flag"
	FromEnv       Source = "env"
	FromDotenv    Source = ".env file"
	FromProject   Source = "prefect.toml"
	FromPyproject Source = "pyproject.toml"
	FromProfile   Source = "profile"
	FromDefault   Source = "defaults"
)

// Where says what the settings are read from. The zero value of a field means
// the process's own.
type Where struct {
	Profile  string   // chosen on the command line
	Environ  []string // NAME=value
	Dir      string   // the working directory
	UserHome string
}

// Settings are the values in effect and where each comes from.
type Settings struct {
	// Active is the profile in use.
	Active Profile
	// Paths are the profiles files.
	Paths Paths
	// Warnings are what is wrong but stops nothing: say them on stderr.
	Warnings []string

	home    string // of usher
	prefect string // home of Prefect
	values  map[string]Value
	layers  []layer // the strongest first
}

// layer is what one source says, by variable name.
type layer struct {
	source Source
	vars   map[string]string
}

// Load reads all sources. A project file that can't be read is an error; values
// of the wrong type are told by Check, so that they can still be looked at.
func Load(where Where) (*Settings, error) {
	if err := where.complete(); err != nil {
		return nil, err
	}
	layers, err := where.layers()
	if err != nil {
		return nil, err
	}
	s := &Settings{values: map[string]Value{}}
	for _, l := range layers {
		s.take(l)
	}
	s.locate(where)
	if err := s.activate(where); err != nil {
		return nil, err
	}
	s.take(layer{FromProfile, vars(s.Active.Entries)})
	s.warnOfURL()
	return s, nil
}

func (w *Where) complete() error {
	var err error
	if w.Environ == nil {
		w.Environ = os.Environ()
	}
	if w.Dir == "" {
		if w.Dir, err = os.Getwd(); err != nil {
			return fmt.Errorf("find the working directory: %w", err)
		}
	}
	if w.UserHome == "" {
		if w.UserHome, err = os.UserHomeDir(); err != nil {
			return fmt.Errorf("find your home directory (set USHER_HOME): %w", err)
		}
	}
	return nil
}

// layers reads everything above the profile, the strongest first.
func (w *Where) layers() ([]layer, error) {
	dotenv, err := readDotenv(w.Dir)
	if err != nil {
		return nil, fmt.Errorf("read .env: %w", err)
	}
	project, err := readProject(w.Dir, "prefect.toml")
	if err != nil {
		return nil, err
	}
	pyproject, err := readProject(w.Dir, "pyproject.toml", "tool", "prefect")
	if err != nil {
		return nil, err
	}
	return []layer{
		{FromEnv, w.environ()},
		{FromDotenv, dotenv},
		{FromProject, project},
		{FromPyproject, pyproject},
	}, nil
}

// environ returns the variables that can be settings.
func (w *Where) environ() map[string]string {
	vars := map[string]string{}
	for _, kv := range w.Environ {
		name, value, _ := strings.Cut(kv, "=")
		if strings.HasPrefix(name, ownPrefix) || strings.HasPrefix(name, prefectPrefix) {
			vars[name] = value
		}
	}
	return vars
}

// take adds what a layer says about settings that no stronger one has set.
func (s *Settings) take(l layer) {
	s.layers = append(s.layers, l)
	for name := range l.vars {
		setting, ok := Find(name)
		if !ok {
			continue
		}
		if _, taken := s.values[setting.Name()]; taken {
			continue
		}
		if v, ok := l.value(setting); ok {
			s.values[setting.Name()] = v
		}
	}
}

// value is what the layer says about a setting; the order of Setting.Names decides.
func (l layer) value(setting Setting) (Value, bool) {
	for _, spelling := range setting.Names() {
		if text, ok := l.vars[spelling]; ok && (text != "" || setting.mayBeEmpty()) {
			return Value{Setting: setting, Text: text, Source: l.source, Variable: spelling}, true
		}
	}
	return Value{}, false
}

// Sources returns what each source says about a setting, the strongest first; the last is
// the default.
func (s *Settings) Sources(setting Setting) []Value {
	var values []Value
	for _, l := range s.layers {
		if v, ok := l.value(setting); ok {
			values = append(values, v)
		}
	}
	return append(values, s.byDefault(setting))
}

func vars(entries []Entry) map[string]string {
	vars := make(map[string]string, len(entries))
	for _, e := range entries {
		vars[e.Name] = e.Value
	}
	return vars
}

// locate finds the homes and the profiles files.
func (s *Settings) locate(where Where) {
	s.home = expand(s.text("USHER_HOME", "~/.usher"), where.UserHome)
	s.prefect = expand(s.text("PREFECT_HOME", "~/.prefect"), where.UserHome)
	s.Paths = Paths{
		Own:     expand(s.text("USHER_PROFILES_PATH", filepath.Join(s.home, "profiles.toml")), where.UserHome),
		Prefect: expand(s.text("PREFECT_PROFILES_PATH", filepath.Join(s.prefect, "profiles.toml")), where.UserHome),
	}
}

func (s *Settings) text(name, otherwise string) string {
	return cmp.Or(s.values[name].Text, otherwise)
}

func expand(path, home string) string {
	if rest, ok := strings.CutPrefix(path, "~"); ok && (rest == "" || os.IsPathSeparator(rest[0])) {
		return filepath.Join(home, rest)
	}
	return path
}

// activate chooses the profile: the command line, then USHER_PROFILE and
// PREFECT_PROFILE, then the files, then the built-in default. A name that is not
// there is an error only on the command line: elsewhere it may be a leftover.
func (s *Settings) activate(where Where) error {
	profiles, err := Open(s.Paths)
	if err != nil {
		s.Warnings = append(s.Warnings, err.Error()+"; no profile is in use until it is mended")
		profiles = &Profiles{own: &file{path: s.Paths.Own}, prefect: &file{}}
	}
	env := where.environ()
	name := cmp.Or(where.Profile, env["USHER_PROFILE"], env["PREFECT_PROFILE"], profiles.Active(), Default)
	found, ok := profiles.Find(name)
	switch {
	case ok:
		s.Active = found
	case where.Profile != "":
		return &UnknownError{Name: name, Known: profiles.Names()}
	default:
		s.Warnings = append(s.Warnings, fmt.Sprintf("there is no profile named %q; using %q", name, Default))
		s.Active, _ = profiles.Find(Default)
	}
	s.Active.Entries = slices.DeleteFunc(slices.Clone(s.Active.Entries), func(e Entry) bool {
		_, known := Find(e.Name)
		if !known {
			s.Warnings = append(s.Warnings, fmt.Sprintf("profile %q sets %s, which is not a setting", s.Active.Name, e.Name))
		}
		return !known
	})
	return nil
}

// UnknownError says that no profile has the name that the user typed.
type UnknownError struct {
	Name  string
	Known []string
}

// Error names the profile.
func (e *UnknownError) Error() string { return notFound(e.Name).Error() }

// Unwrap makes the error one of an object that is not there.
func (e *UnknownError) Unwrap() error { return notFound(e.Name) }

// Home is the directory of everything that usher keeps.
func (s *Settings) Home() string { return s.home }

// Override gives a setting the value that a flag of the command line says.
func (s *Settings) Override(name, text string) {
	setting, _ := Find(name)
	s.values[setting.Name()] = Value{Setting: setting, Text: text, Source: FromFlag}
}

// Set returns the values that some source sets, sorted by name.
func (s *Settings) Set() []Value {
	values := make([]Value, 0, len(s.values))
	for _, v := range s.values {
		values = append(values, v)
	}
	sortByName(values)
	return values
}

// All returns the value of every setting, sorted by name.
func (s *Settings) All() []Value {
	var values []Value
	for _, setting := range All() {
		values = append(values, s.Value(setting.Name()))
	}
	sortByName(values)
	return values
}

func sortByName(values []Value) {
	slices.SortFunc(values, func(a, b Value) int { return cmp.Compare(a.Setting.Name(), b.Setting.Name()) })
}

// Value returns the value of a setting by its current name, its default if
// nothing sets it.
func (s *Settings) Value(name string) Value {
	if v, ok := s.values[name]; ok {
		return v
	}
	setting, _ := Find(name)
	return s.byDefault(setting)
}

func (s *Settings) byDefault(setting Setting) Value {
	text := strings.ReplaceAll(setting.Default, "$PREFECT_HOME", s.prefect)
	return Value{Setting: setting, Text: strings.ReplaceAll(text, "$USHER_HOME", s.home), Source: FromDefault}
}

// Check returns the first value that is not of its setting's type.
func (s *Settings) Check() error {
	for _, v := range s.Set() {
		if err := v.Setting.Check(v.Text); err != nil {
			return api.Errorf(api.CodeInvalid, "%s (from %s): %w", v.Setting.Name(), v.Source, err)
		}
	}
	return nil
}
