package deploy

import (
	"regexp"
	"slices"
	"strings"

	"github.com/usherhq/usher/internal/api"
)

// Selection says which deployments of a file are meant.
type Selection struct {
	Names []string // names, flow/name, or patterns with *
	All   bool
}

// Chosen is what a selection found.
type Chosen struct {
	Configs []Config
	Names   []string // the names without patterns: one that nothing has names a new deployment
	Missing []string
}

// ErrAmbiguous says that the file has several deployments and none was named.
var ErrAmbiguous = api.Errorf(api.CodeInvalid,
	"Discovered one or more deployment configurations, but no name was given. Please specify the name of at least one deployment to create or update.")

// Choose picks deployments the way the reference does when nobody is asked.
func (f *File) Choose(s Selection) (Chosen, error) {
	if s.All && len(s.Names) > 0 {
		return Chosen{}, api.Errorf(api.CodeInvalid, "Cannot use both `--all` and `--name` at the same time. Use only one.")
	}
	names := f.expand(s.Names)
	switch {
	case len(f.Deployments) == 0:
		return Chosen{Configs: []Config{{}}, Names: names}, nil
	case len(f.Deployments) == 1 && len(names) <= 1:
		return Chosen{Configs: f.Deployments, Names: names}, nil
	case s.All:
		return Chosen{Configs: f.Deployments}, nil
	case len(names) == 0 && len(s.Names) > 0:
		return Chosen{}, api.Errorf(api.CodeNotFound, "no deployment of %s matches %s", f.Path, strings.Join(s.Names, ", "))
	case len(names) == 0:
		return Chosen{}, ErrAmbiguous
	}
	return f.named(names), nil
}

func (f *File) named(names []string) Chosen {
	chosen := Chosen{Names: names}
	for _, name := range names {
		found := f.byName(name)
		chosen.Configs = append(chosen.Configs, found...)
		if len(found) == 0 {
			chosen.Missing = append(chosen.Missing, deploymentPart(name))
		}
	}
	if len(chosen.Configs) == 0 {
		chosen.Configs = []Config{{}}
	}
	return chosen
}

// byName finds a deployment by its name, or by flow/name with the flow's function.
func (f *File) byName(name string) []Config {
	flow, deployment, hasFlow := strings.Cut(name, "/")
	if !hasFlow {
		flow, deployment = "", name
	}
	var found []Config
	for _, c := range f.Deployments {
		function := c.Entrypoint()[strings.LastIndexByte(c.Entrypoint(), ':')+1:]
		if c.Name() == deployment && (!hasFlow || function == strings.ReplaceAll(flow, "-", "_")) {
			found = append(found, c)
		}
	}
	return found
}

func deploymentPart(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }

// expand replaces patterns by the names that they match.
func (f *File) expand(names []string) []string {
	var out []string
	for _, name := range names {
		if !strings.Contains(name, "*") {
			out = append(out, name)
			continue
		}
		for _, c := range f.Deployments {
			if c.Entrypoint() != "" && c.Name() != "" && matches(name, c) && !slices.Contains(out, c.Name()) {
				out = append(out, c.Name())
			}
		}
	}
	return out
}

func matches(pattern string, c Config) bool {
	flow, deployment, hasFlow := strings.Cut(pattern, "/")
	if !hasFlow {
		return wildcard(pattern, c.Name())
	}
	function := c.Entrypoint()[strings.LastIndexByte(c.Entrypoint(), ':')+1:]
	return wildcard(flow, strings.ReplaceAll(function, "_", "-")) && wildcard(deployment, c.Name())
}

func wildcard(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	matched, err := regexp.MatchString("^"+strings.Join(parts, ".*")+"$", text)
	return err == nil && matched
}
