package transfer

import (
	"os"
	"slices"
	"strings"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/profile"
)

// clientOf makes the client of a profile. Here what the profile says is stronger than the
// environment, which can't mean both servers.
func (o *options) clientOf(profiles *profile.Profiles, name string) (*client.Client, error) {
	found, ok := profiles.Find(name)
	if !ok {
		return nil, cli.NotFound("profile", name, profiles.Names())
	}
	where := o.env.Where
	where.Profile = name
	if where.Environ == nil {
		where.Environ = os.Environ()
	}
	where.Environ = without(where.Environ, connection())
	settings, err := profile.Load(where)
	if err != nil {
		return nil, err
	}
	if err := settings.Check(); err != nil {
		return nil, err
	}
	if url := settings.Value("PREFECT_API_URL"); url.IsSet() && url.Source != profile.FromProfile {
		return nil, cli.Usagef("%s sets PREFECT_API_URL, which is stronger than profile %s", url.Source, found.Name).
			WithHint("run the command in another directory")
	}
	return o.env.Connect(settings)
}

// connection are the settings that say which server, and as whom.
func connection() []string {
	var names []string
	for _, name := range []string{"PREFECT_API_URL", cli.KeySetting, cli.KeyFileSetting, cli.AccountSetting, cli.AuthStringSetting} {
		if setting, ok := profile.Find(name); ok {
			names = append(names, setting.Names()...)
		}
	}
	return names
}

func without(environ, names []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		return slices.Contains(names, name)
	})
}
