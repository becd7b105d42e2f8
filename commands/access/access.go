// Package access holds the commands about who may do what on a server that has accounts: API
// keys, service accounts, members, invitations, roles, access to workspaces and the audit log.
package access

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
)

// place is what the API URL names.
type place struct {
	root, account, workspace *client.Client // nil where the URL names none
}

// where connects to what the settings name.
func where(env *cli.Env) (p place, err error) {
	settings, err := env.Settings()
	if err != nil {
		return p, err
	}
	url := settings.APIURL()
	root, rest, inAccount := strings.Cut(url, "/accounts/")
	if p.root, err = env.ConnectTo(settings, root); err != nil || !inAccount {
		return p, err
	}
	account, _, inWorkspace := strings.Cut(rest, "/workspaces/")
	if p.account, err = env.ConnectTo(settings, root+"/accounts/"+account); err != nil || !inWorkspace {
		return p, err
	}
	p.workspace, err = env.ConnectTo(settings, url)
	return p, err
}

// inAccount is the client of the account in use.
func inAccount(env *cli.Env) (*client.Client, error) {
	p, err := where(env)
	if err == nil && p.account == nil {
		err = noWorkspace()
	}
	return p.account, err
}

// inWorkspace is the client of the workspace in use, and that of its account.
func inWorkspace(env *cli.Env) (place, error) {
	p, err := where(env)
	if err == nil && p.workspace == nil {
		err = noWorkspace()
	}
	return p, err
}

func noWorkspace() error {
	return cli.Fail(cli.Refused, "the API URL names no account and workspace", "`usher login` chooses one, and so does `usher cloud workspace set`")
}

// page is the most that a list gives at once.
const page = 200

// all reads every page of a filter.
func all[T any](ctx context.Context, c *client.Client, path string) ([]T, error) {
	var list []T
	for {
		got, err := client.Ask[[]T](ctx, c, "POST", path, map[string]any{"limit": page, "offset": len(list)})
		if err != nil {
			return nil, err
		}
		list = append(list, got...)
		if len(got) < page {
			return list, nil
		}
	}
}

// one finds what somebody named, by its id or one of its names.
func one[T any](noun, wanted string, list []T, names func(T) []string) (found T, err error) {
	var known []string
	var hits []T
	for _, item := range list {
		for i, name := range names(item) {
			if i > 0 {
				known = append(known, name) // the first one is the id
			}
			if name != "" && strings.EqualFold(name, wanted) {
				hits = append(hits, item)
				break
			}
		}
	}
	switch len(hits) {
	case 0:
		return found, cli.NotFound(noun, wanted, known)
	case 1:
		return hits[0], nil
	}
	return found, cli.Fail(cli.Refused, strconv.Itoa(len(hits))+" have the name "+wanted, "say the id")
}

// lifetime is --expires: a time from now, a date, or never.
type lifetime struct{ text string }

func (l lifetime) at(now time.Time) (*api.Time, error) {
	if l.text == "never" {
		return nil, nil //nolint:nilnil // no end
	}
	if days, ok := strings.CutSuffix(l.text, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n > 0 {
			return api.AtPtr(now.AddDate(0, 0, n)), nil
		}
	}
	if d, err := time.ParseDuration(l.text); err == nil && d > 0 {
		return api.AtPtr(now.Add(d)), nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, l.text); err == nil {
			if !t.After(now) {
				return nil, cli.Usagef("--expires %s is past", l.text)
			}
			return api.AtPtr(t), nil
		}
	}
	return nil, cli.Usagef("--expires %q is no time; it looks like 90d, 12h, 2027-01-31 or never", l.text)
}

// ended words when something ends.
func ended(t *api.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
