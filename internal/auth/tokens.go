package auth

import (
	"context"
	"sync"

	"github.com/usherhq/usher/internal/api"
)

// Tokens give the token of an account for each request and renew it in time. They are safe
// for concurrent use, and several programs renew a token only once between them.
type Tokens struct {
	store   *Store
	account Account
	renew   func(ctx context.Context, refresh Secret) (Credential, error)

	mu  sync.Mutex
	now Credential
}

// Tokens returns the tokens of an account; renew asks the server for new ones.
func (s *Store) Tokens(a Account, renew func(ctx context.Context, refresh Secret) (Credential, error)) *Tokens {
	return &Tokens{store: s, account: a, renew: renew}
}

// Credential returns what lets in now, renewed if it was about to end.
func (t *Tokens) Credential(ctx context.Context) (Credential, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.now.Bearer().IsZero() && t.now.Password.IsZero() {
		c, err := t.store.Load(ctx, t.account)
		if err != nil {
			return Credential{}, err
		}
		t.now = c
	}
	if t.now.fresh(t.store.Now()) {
		return t.now, nil
	}
	err := t.refresh(ctx)
	return t.now, err
}

// refresh renews the token unless another program has done it meanwhile.
func (t *Tokens) refresh(ctx context.Context) error {
	unlock, err := t.store.lock("refresh")
	if err != nil {
		return err
	}
	defer unlock()
	c, err := t.store.Load(ctx, t.account)
	if err != nil {
		return err
	}
	if t.now = c; c.fresh(t.store.Now()) {
		return nil
	}
	if c.Refresh.IsZero() {
		return ended(t.account)
	}
	renewed, err := t.renew(ctx, c.Refresh)
	if api.CodeOf(err) == api.CodeInvalid || api.CodeOf(err) == api.CodeUnauthenticated {
		return ended(t.account)
	}
	if err != nil {
		return err
	}
	if renewed.Refresh.IsZero() {
		renewed.Refresh = c.Refresh
	}
	t.now = renewed
	return t.store.update(ctx, t.account, renewed)
}

func ended(a Account) error {
	return api.Errorf(api.CodeUnauthenticated, "the login of %s at %s has ended\n`usher login %s` logs in again", a.Name, a.Origin(), a.Origin())
}
