package auth

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/rogpeppe/go-internal/lockedfile"

	"github.com/usherhq/usher/internal/api"
)

// Accounts are those who are logged in, and who of them is meant at each server.
type Accounts struct {
	All    []Account         `json:"accounts"`
	Active map[string]string `json:"active"` // actor by origin
}

// At returns the accounts of the server that an address belongs to.
func (a Accounts) At(address string) []Account {
	origin := Origin(address)
	var found []Account
	for _, account := range a.All {
		if account.Origin() == origin {
			found = append(found, account)
		}
	}
	return found
}

// Find returns the account of a server by its name or actor; "" means the active one.
func (a Accounts) Find(address, name string) (Account, bool) {
	for _, account := range a.At(address) {
		switch {
		case name == "" && account.Actor == a.Active[account.Origin()],
			name != "" && (strings.EqualFold(account.Name, name) || account.Actor == name):
			return account, true
		}
	}
	return Account{}, false
}

// put adds an account or replaces it, and makes it the active one.
func (a *Accounts) put(account Account) {
	a.drop(account)
	a.All = append(a.All, account)
	a.activate(account)
}

func (a *Accounts) activate(account Account) {
	if a.Active == nil {
		a.Active = map[string]string{}
	}
	a.Active[account.Origin()] = account.Actor
}

// drop removes an account; another one of its server becomes active.
func (a *Accounts) drop(account Account) {
	a.All = slices.DeleteFunc(a.All, account.same)
	if a.Active[account.Origin()] != account.Actor {
		return
	}
	delete(a.Active, account.Origin())
	if rest := a.At(account.Server); len(rest) > 0 {
		a.activate(rest[0])
	}
}

// Origins lists the servers, sorted.
func (a Accounts) Origins() []string {
	origins := map[string]bool{}
	for _, account := range a.All {
		origins[account.Origin()] = true
	}
	return slices.Sorted(maps.Keys(origins))
}

func (s *Store) indexPath() string { return filepath.Join(s.dir, "accounts.json") }

// Accounts reads who is logged in. It costs one small file and touches no secret.
func (s *Store) Accounts() (accounts Accounts, err error) {
	return accounts, readJSON(s.indexPath(), &accounts)
}

// Activate makes an account the one that is meant at its server.
func (s *Store) Activate(account Account) error {
	return s.edit(func(a *Accounts) error {
		if !slices.ContainsFunc(a.All, account.same) {
			return api.Errorf(api.CodeNotFound, "nobody called %q is logged in at %s", account.Name, account.Origin())
		}
		a.activate(account)
		return nil
	})
}

// edit changes the list while other programs wait.
func (s *Store) edit(change func(*Accounts) error) error {
	unlock, err := s.lock("accounts")
	if err != nil {
		return err
	}
	defer unlock()
	accounts, err := s.Accounts()
	if err != nil {
		return err
	}
	if err := change(&accounts); err != nil {
		return err
	}
	return writeJSON(s.indexPath(), accounts)
}

// lock makes other programs wait until unlock.
func (s *Store) lock(name string) (unlock func(), err error) {
	if err := s.makeDir(); err != nil {
		return nil, err
	}
	unlock, err = lockedfile.MutexAt(filepath.Join(s.dir, name+".lock")).Lock()
	if err != nil {
		return nil, fmt.Errorf("lock the credentials: %w", err)
	}
	return unlock, nil
}

// makeDir makes the directory for the user alone; one that others can read is refused.
func (s *Store) makeDir() error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return fmt.Errorf("keep the credentials: %w", err)
	}
	return private(s.dir)
}

// readJSON reads a file; one that is not there leaves value as it is.
func readJSON(path string, value any) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the credentials: %w", err)
	}
	if err := json.Unmarshal(text, value); err != nil {
		return api.Errorf(api.CodeInvalid, "%s is damaged: %w\nremove it and log in again", path, err)
	}
	return nil
}

// writeJSON replaces a file that is for the user alone.
func writeJSON(path string, value any) error {
	text, err := json.Marshal(value, json.Deterministic(true), jsontext.WithIndent("  "))
	if err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(path), ".tmp-*") // mode 0600
	if err != nil {
		return fmt.Errorf("keep the credentials: %w", err)
	}
	defer os.Remove(temp.Name()) //nolint:errcheck // gone already when all went well
	_, err = temp.Write(append(text, '\n'))
	if err = errors.Join(err, temp.Sync(), temp.Close()); err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("keep the credentials: %w", err)
	}
	return nil
}
