package signin

import (
	"context"
	"errors"
	"net"
	"slices"
	"time"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/identity"
	"github.com/usherhq/usher/internal/store"
)

// Resolver asks the DNS for texts; *net.Resolver is one.
type Resolver interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
}

// How often the DNS is asked whether a domain is an account's: soon after it was named, and
// every day once that is known. Three times without an answer are worth a warning, and no
// more: a domain that is proven stays so until the account gives it up.
const (
	proveEvery  = time.Minute
	proveFor    = 7 * 24 * time.Hour
	reproveEach = 24 * time.Hour
	proofsMost  = 20 // at once
	failuresBad = 3
)

// ProveDomains asks the DNS about domains whose time has come.
func (s *Service) ProveDomains(ctx context.Context) error {
	var due []store.AccountDomain
	err := s.read(ctx, func(t *turn) (err error) {
		due, err = t.DomainsToProve(api.At(t.now.Add(-proveEvery)), api.At(t.now.Add(-proveFor)), api.At(t.now.Add(-reproveEach)), proofsMost)
		return err
	})
	for i := 0; err == nil && i < len(due); i++ {
		err = s.proveDomain(ctx, &due[i])
	}
	return err
}

// proveDomain asks the DNS about one domain and keeps the answer.
func (s *Service) proveDomain(ctx context.Context, d *store.AccountDomain) error {
	asking, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	texts, err := s.options.DNS.LookupTXT(asking, d.Name)
	if missing := (*net.DNSError)(nil); err != nil && !errors.As(err, &missing) {
		return err
	}
	isProven := slices.Contains(texts, identity.ProofOf(d))
	return s.write(ctx, func(t *turn) error {
		if !isProven {
			failures, err := t.DomainUnproven(d.AccountID, d.ID, t.now)
			if err == nil && d.Verified != nil && failures == failuresBad {
				s.log.Warn("the DNS of a domain does not prove any more that it is the account's", "domain", d.Name, "account", d.AccountID)
				err = t.auditDomain(d, "unproven")
			}
			return err
		}
		changed, err := t.DomainProven(d.AccountID, d.ID, t.now)
		if err != nil || !changed {
			return err
		}
		t.revoked = true // the account's policy may admit others now
		return t.auditDomain(d, "verified")
	})
}

func (t *turn) auditDomain(d *store.AccountDomain, action string) error {
	return t.s.people.Audit(t.Tx, identity.By{}, identity.Entry{Account: d.AccountID, Type: "account-domain", Action: action, ID: d.ID, Name: d.Name})
}
