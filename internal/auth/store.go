package auth

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/usherhq/usher/internal/api"
)

// Store is where the accounts and secrets of a user are.
type Store struct {
	dir string
	// Passphrase gives what seals the file of credentials; isNew if one is chosen. Without
	// one, "" and no error, the file is not used.
	Passphrase func(ctx context.Context, isNew bool) (Secret, error)
	// Waiting is told when the keyring lets wait, as it does for a person to unlock it.
	Waiting func()
	// Patience is how long the keyring may take.
	Patience time.Duration
	// Now is the clock.
	Now func() time.Time

	file sealedFile
}

// Open returns the store below usher's home. It reads nothing yet.
func Open(home string) *Store {
	dir := filepath.Join(home, "auth")
	return &Store{
		dir: dir, Patience: 3 * time.Second, Now: time.Now, Waiting: func() {},
		Passphrase: func(context.Context, bool) (Secret, error) { return Secret{}, nil },
		file:       sealedFile{path: filepath.Join(dir, "credentials.json")},
	}
}

// ErrNowhere says that there is no safe place for a secret.
var ErrNowhere = errors.New("there is no safe place for the credentials")

// Save keeps a credential and makes its account the active one of the server. It goes to
// the keyring, or if that can't be used to the file that a passphrase seals; to a plain
// file only for insecure. The account is returned with the place.
func (s *Store) Save(ctx context.Context, a Account, c Credential, insecure bool) (Account, error) {
	place, err := s.keep(ctx, a, c, insecure)
	if err != nil {
		return a, err
	}
	before, err := s.Accounts()
	if err != nil {
		return a, err
	}
	a.Kept = place
	if err := s.edit(func(all *Accounts) error { all.put(a); return nil }); err != nil {
		return a, err
	}
	if old, ok := before.Find(a.Server, a.Actor); ok && old.Kept != place {
		_ = s.remove(ctx, old) // what it was kept as before; the keyring may be out of reach
	}
	return a, nil
}

func (s *Store) keep(ctx context.Context, a Account, c Credential, insecure bool) (Place, error) {
	if insecure {
		return Plain, s.writeFile(ctx, a, c, Plain)
	}
	ringErr := s.ring(func() error { return ringSet(a.key(), encode(c)) })
	if ringErr == nil {
		return Keyring, nil
	}
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	err := s.writeFile(ctx, a, c, Sealed)
	if errors.Is(err, ErrNowhere) {
		return "", &api.Error{Code: api.CodeUnavailable, Cause: ErrNowhere, Message: "the keyring can't be used (" + ringErr.Error() + "), and nothing else may hold the credentials\n" +
			"unlock the keyring, or set USHER_CREDENTIALS_PASSPHRASE to seal a file with it, or say --insecure-storage to keep them in a plain file"}
	}
	return Sealed, err
}

// Load reads the credential of an account.
func (s *Store) Load(ctx context.Context, a Account) (c Credential, err error) {
	if a.Kept != Keyring {
		return s.readFile(ctx, a)
	}
	var text string
	if err := s.ring(func() (err error) { text, err = ringGet(a.key()); return err }); err != nil {
		if errors.Is(err, errNotInRing) {
			return c, gone(a)
		}
		return c, api.Errorf(api.CodeUnavailable, "the keyring, which has the login of %s at %s, can't be used: %w\nunlock it, or log in again with another place for it (`usher login --help`)", a.Name, a.Origin(), err)
	}
	return decode([]byte(text))
}

func gone(a Account) error {
	return api.Errorf(api.CodeUnauthenticated, "the login of %s at %s is not in the %s any more\n`usher login %s` logs in again", a.Name, a.Origin(), a.Kept, a.Origin())
}

// update replaces the credential of an account where it is kept.
func (s *Store) update(ctx context.Context, a Account, c Credential) error {
	if a.Kept == Keyring {
		return s.ring(func() error { return ringSet(a.key(), encode(c)) })
	}
	return s.writeFile(ctx, a, c, a.Kept)
}

// Forget removes an account and its secret. The account is gone from the list even if the
// place of the secret can't be reached, which is the error then.
func (s *Store) Forget(ctx context.Context, a Account) error {
	removal := s.remove(ctx, a)
	return errors.Join(s.edit(func(all *Accounts) error { all.drop(a); return nil }), removal)
}

func (s *Store) remove(ctx context.Context, a Account) error {
	if a.Kept != Keyring {
		return s.removeFromFile(a)
	}
	err := s.ring(func() error { return ringDelete(a.key()) })
	if errors.Is(err, errNotInRing) || err == nil {
		return nil
	}
	return api.Errorf(api.CodeUnavailable, "the secret is still in the keyring, which can't be used: %w", errors.Join(err, ctx.Err()))
}

// ring calls the keyring, which may be locked and ask a person who is not there.
func (s *Store) ring(call func() error) error {
	done := make(chan error, 1)
	go func() { done <- call() }()
	notice := time.After(min(2*time.Second, s.Patience/2))
	end := time.After(s.Patience)
	for {
		select {
		case err := <-done:
			return err
		case <-notice:
			if s.Patience > 5*time.Second {
				s.Waiting()
			}
		case <-end:
			return errors.New("it is locked, and did not answer in time")
		}
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
