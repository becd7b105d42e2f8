// Package profile is the user's configuration: the settings that exist, the
// places they come from and which of those wins, and the named profiles that
// keep them. It reads what a Prefect user has configured already and writes
// only usher's own file; docs/adr/0005-profiles.md says how the two relate.
package profile

import (
	"strings"
)

const (
	ownPrefix     = "USHER_"
	prefectPrefix = "PREFECT_"
)

// Kind is the type of a setting's value.
type Kind int

// The kinds. List and Set are written with commas or as a JSON array, Map as a
// JSON object, Duration in seconds, as ISO 8601 or as [D days, ]H:MM:SS.
const (
	Text Kind = iota
	Secret
	Path
	Bool
	Int
	Float
	Duration
	Choice
	List
	Set
	StatusSet
	Map
	Numbers
)

// Setting is one thing that can be configured.
type Setting struct {
	// Path is the place in the settings tree, as in prefect.toml: api.url.
	Path string
	// Ours marks a setting that only usher has.
	Ours     bool
	Kind     Kind
	Default  string
	Optional bool     // may be without a value
	Choices  []string // what a Choice may be
	Aliases  []string // environment variables of earlier releases
}

// Name is the environment variable of the setting, which also names it in a
// profile: PREFECT_API_URL.
func (s Setting) Name() string {
	prefix := prefectPrefix
	if s.Ours {
		prefix = ownPrefix
	}
	return prefix + strings.ToUpper(strings.ReplaceAll(s.Path, ".", "_"))
}

// OwnName is the variable that beats Name: USHER_API_URL. The two settings that
// say where a program keeps its files are different things in usher and in
// Prefect, so they have none.
func (s Setting) OwnName() string {
	if s.Ours || s.Path == "home" || s.Path == "profiles_path" {
		return s.Name()
	}
	return ownPrefix + strings.TrimPrefix(s.Name(), prefectPrefix)
}

// Names lists every variable that sets the setting, the strongest first.
func (s Setting) Names() []string {
	names := []string{s.OwnName()}
	if s.Name() != s.OwnName() {
		names = append(names, s.Name())
	}
	return append(names, s.Aliases...)
}

// mayBeEmpty reports whether an empty variable means something: an empty
// PREFECT_API_URL takes back what the profile says.
func (s Setting) mayBeEmpty() bool { return s.Kind == Text || s.Kind == Secret }

// All returns every setting.
func All() []Setting {
	all := make([]Setting, 0, len(clientSettings)+len(serverSettings))
	all = append(all, clientSettings[:]...)
	return append(all, serverSettings[:]...)
}

// Find returns the setting that a variable name means, be it the current name,
// usher's spelling or one of an earlier release.
func Find(name string) (Setting, bool) {
	for _, table := range [][]Setting{clientSettings[:], serverSettings[:]} {
		for _, s := range table {
			if s.answers(name) {
				return s, true
			}
		}
	}
	return Setting{}, false
}

func (s Setting) answers(name string) bool {
	if s.named(strings.TrimPrefix(name, prefectPrefix), name, prefectPrefix) {
		return !s.Ours
	}
	if s.named(strings.TrimPrefix(name, ownPrefix), name, ownPrefix) {
		return s.OwnName() == name
	}
	for _, alias := range s.Aliases {
		if alias == name {
			return true
		}
	}
	return false
}

// named compares without building the variable's name, which Find would do
// hundreds of times at every start.
func (s Setting) named(rest, name, prefix string) bool {
	if len(rest) != len(s.Path) || len(name) != len(prefix)+len(rest) {
		return false
	}
	for i := range len(rest) {
		if upper(s.Path[i]) != rest[i] {
			return false
		}
	}
	return true
}

func upper(c byte) byte {
	switch {
	case c == '.':
		return '_'
	case 'a' <= c && c <= 'z':
		return c - 'a' + 'A'
	}
	return c
}
