package login

import (
	"net/url"
	"slices"
	"strings"

	"github.com/usherhq/usher/internal/auth"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/profile"
)

// The settings that a login writes into a profile.
const (
	urlSetting   = "PREFECT_API_URL"
	cloudSetting = "PREFECT_CLOUD_API_URL"
)

// Connection is what a profile is to lead to.
type Connection struct {
	Root    string // of the server's API
	URL     string // the workspace's, or Root
	Account string // who is logged in, "" for nobody
	// Key is written into the profile in the clear, if it is there.
	Key auth.Secret
}

// Settle writes a connection into a profile, which is made if it is new, and says what is
// stronger than it. It returns the profile's name.
func Settle(env *cli.Env, settings *profile.Settings, name string, c Connection) (string, error) {
	set := []profile.Entry{{Name: urlSetting, Value: c.URL}}
	unset := []string{cli.AuthStringSetting, cli.KeyFileSetting}
	known := settings.Value(cloudSetting)
	lasting := known.Source == profile.FromProfile || known.Source == profile.FromDefault
	if c.URL != c.Root && (known.Text != c.Root || !lasting) {
		set = append(set, profile.Entry{Name: cloudSetting, Value: c.Root})
	}
	if c.Account != "" {
		set = append(set, profile.Entry{Name: cli.AccountSetting, Value: c.Account})
	} else {
		unset = append(unset, cli.AccountSetting)
	}
	if c.Key.IsZero() {
		unset = append(unset, cli.KeySetting)
	} else {
		set = append(set, profile.Entry{Name: cli.KeySetting, Value: c.Key.Reveal()})
	}
	return name, Keep(env, settings, name, set, unset)
}

// Keep changes a profile, making it and switching to it if it is not the active one, and says
// what hides the change.
func Keep(env *cli.Env, settings *profile.Settings, name string, set []profile.Entry, unset []string) error {
	err := profile.Edit(settings.Paths, func(p *profile.Profiles) error {
		if name != settings.Active.Name {
			if _, ok := p.Find(name); !ok {
				if err := p.Create(name, ""); err != nil {
					return err
				}
			}
			if err := p.Activate(name); err != nil {
				return err
			}
		}
		return p.Update(name, set, unset)
	})
	if err != nil {
		return err
	}
	for _, name := range []string{cli.KeySetting, urlSetting, cli.AccountSetting} {
		value := settings.Value(name)
		i := slices.IndexFunc(set, func(e profile.Entry) bool { return e.Name == name })
		_, had := settings.Active.Lookup(name)
		changed := i >= 0 && set[i].Value != value.Text || had && slices.Contains(unset, name)
		if changed && value.IsSet() && value.Source != profile.FromProfile && value.Source != profile.FromDefault {
			env.Warn(value.Variable + " (" + string(value.Source) + ") is stronger than the profile and stays in use")
		}
	}
	return nil
}

// profileFor chooses the profile for a server: the active one, unless that leads to another
// server and nobody named it; then the one that leads there, or a new one named after it.
func profileFor(env *cli.Env, settings *profile.Settings, root string) (string, error) {
	active := settings.Active
	if leads(active, root) || env.Where.Profile != "" {
		return active.Name, nil
	}
	profiles, err := profile.Open(settings.Paths)
	if err != nil {
		return "", err
	}
	saved := profiles.Saved()
	for _, p := range saved {
		if where, has := p.Lookup(urlSetting); has && auth.Origin(where) == auth.Origin(root) {
			return p.Name, nil
		}
	}
	u, err := url.Parse(root)
	if err != nil {
		return active.Name, nil //nolint:nilerr // it was parsed before
	}
	name := strings.ReplaceAll(u.Host, ":", "-")
	for slices.ContainsFunc(saved, func(p profile.Profile) bool { return p.Name == name }) {
		name += "-2"
	}
	return name, nil
}

// leads reports whether a profile leads to a server, or nowhere yet.
func leads(p profile.Profile, root string) bool {
	where, has := p.Lookup(urlSetting)
	return !has || where == "" || auth.Origin(where) == auth.Origin(root)
}
