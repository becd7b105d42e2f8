package identity

import (
	"strings"

	"golang.org/x/net/idna"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/access"
	"github.com/usherhq/usher/internal/rules/credential"
	"github.com/usherhq/usher/internal/store"
)

// NormalEmail is an address as addresses are compared: without blanks around it, in lower
// case, its domain in the form of the DNS.
func NormalEmail(address string) (string, error) {
	address = strings.TrimSpace(address)
	local, domain, ok := cutLast(address, "@")
	bad := api.Errorf(api.CodeInvalid, "%q is no address of mail.", address)
	if !ok || local == "" || len(address) > 254 || strings.ContainsAny(address, " \t\r\n<>,;:\\\"()[]") || strings.Contains(local, "@") {
		return "", bad
	}
	ascii, err := idna.Lookup.ToASCII(strings.TrimSuffix(domain, "."))
	if err != nil || ascii == "" {
		return "", bad
	}
	return strings.ToLower(local) + "@" + strings.ToLower(ascii), nil
}

// DomainOf is the domain of a normal address.
func DomainOf(norm string) string {
	_, domain, _ := cutLast(norm, "@")
	return domain
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// Policy is what an account wants of those who sign in.
type Policy struct {
	RequireSSO, RequireMFA bool
	// Domains are those that an address must have, when there are any.
	Domains []string
	// SessionSeconds bounds the age of a session; 0 is no bound of the account's own.
	SessionSeconds int
}

// PolicyOf reads an account's policy.
func PolicyOf(tx *store.Tx, account *store.Account) (Policy, error) {
	p := Policy{RequireSSO: account.SSOState == "ENABLED", RequireMFA: account.RequireMFA}
	if account.AuthExpirationSeconds != nil {
		p.SessionSeconds = *account.AuthExpirationSeconds
	}
	if !account.RestrictToDomains {
		return p, nil
	}
	domains, err := tx.AccountDomains(account.ID)
	for _, d := range domains {
		if d.Verified != nil {
			p.Domains = append(p.Domains, d.Name)
		}
	}
	return p, err
}

// refusal is why the policy of an account keeps the actor out, "" when it does not. Keys
// count as a factor that the account has approved; service accounts have no address.
func (a *Actor) refusal(tx *store.Tx, account *store.Account, role access.AccountRole) (string, error) {
	if a.Type != store.ActorUser {
		return "", nil
	}
	p, err := PolicyOf(tx, account)
	if err != nil {
		return "", err
	}
	norm, err := NormalEmail(a.Email)
	if err != nil {
		norm = ""
	}
	isKey := a.Credential.Kind == credential.UserKey || a.Credential.Kind == credential.RunToken
	sso := a.Credential.SSOAccount
	switch {
	case account.RestrictToDomains && !isOneOf(DomainOf(norm), p.Domains):
		return "This account admits only addresses of its own domains.", nil
	case p.RequireSSO && !isKey && (sso == nil || *sso != account.ID) && !role.Permissions.Has("bypass:sso"):
		return "This account wants you to sign in with its own provider.", nil
	case p.RequireMFA && !isKey && !a.Credential.MFA && (sso == nil || *sso != account.ID):
		return "This account wants a second factor: set one up or sign in with it.", nil
	}
	return "", nil
}

func isOneOf(domain string, domains []string) bool {
	for _, d := range domains {
		if domain == d {
			return true
		}
	}
	return false
}
