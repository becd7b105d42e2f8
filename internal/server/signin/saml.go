package signin

import (
	"context"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/crewjam/saml"
	"github.com/go-json-experiment/json"
	"github.com/google/uuid"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/identity"
	"github.com/usherhq/usher/internal/store"
)

// The library keeps the tolerance for clocks of others in a variable of its package.
func init() { saml.MaxClockSkew = foreignSkew }

// methodSAML is how somebody has signed in who comes from the provider of an account.
const methodSAML = "saml"

// arrivalLife is how long a browser may take from the provider's answer to its session,
// seenLife longer than any assertion is taken.
const (
	arrivalLife = 5 * time.Minute
	seenLife    = 24 * time.Hour
)

// samlIssuer names the provider of an account as an issuer of identities: another account
// that names the same provider gets other identities.
func samlIssuer(account uuid.UUID, entity string) string {
	return "saml:" + account.String() + ":" + entity
}

// samlAccount is the account whose provider is an issuer; nil for other issuers.
func samlAccount(issuer string) *uuid.UUID {
	rest, ok := strings.CutPrefix(issuer, "saml:")
	text, _, _ := strings.Cut(rest, ":")
	id, err := uuid.Parse(text)
	if !ok || err != nil {
		return nil
	}
	return &id
}

// serviceProvider is this server as an account's provider knows it. All but the provider
// follows from the account's id, so it tells nothing about accounts.
func (s *Service) serviceProvider(account uuid.UUID) *saml.ServiceProvider {
	at := func(part string) url.URL {
		u, err := url.Parse(s.people.SAMLURL(account, part))
		if err != nil {
			return url.URL{}
		}
		return *u
	}
	metadata := at("metadata")
	return &saml.ServiceProvider{
		EntityID: metadata.String(), MetadataURL: metadata, AcsURL: at("acs"), AssertionConsumerServiceBindings: []string{saml.HTTPPostBinding},
		AuthnNameIDFormat: saml.UnspecifiedNameIDFormat, AllowIDPInitiated: s.options.SAMLIdPInitiated, RejectSHA1Signatures: true, MetadataOmitValidUntil: true,
		Clock: dsig.NewFakeClockAt(s.clock()),
	}
}

// SAMLMetadata describes this server to the provider of an account. It is the same whether
// there is such an account or not.
func (s *Service) SAMLMetadata(account uuid.UUID) ([]byte, error) {
	text, err := xml.MarshalIndent(s.serviceProvider(account).Metadata(), "", "  ")
	return append([]byte(xml.Header), text...), err
}

var errNoProvider = &Problem{Code: CodeGone, Text: "Nobody signs in there. Sign in by mail."}

// samlProvider is the provider of an account, ready to be talked to.
func (s *Service) samlProvider(ctx context.Context, account uuid.UUID) (*saml.ServiceProvider, *store.SSOConnection, error) {
	c, err := s.people.SSOConnection(ctx, account)
	if err == nil && c == nil {
		err = errNoProvider
	}
	if err != nil {
		return nil, nil, err
	}
	sp := s.serviceProvider(account)
	sp.IDPMetadata, err = identity.ReadProvider(c.Metadata)
	return sp, c, err
}

// requestID is the id of the request that has a relay state.
func requestID(state string) string { return "id-" + hash("saml " + state)[:40] }

// BeginSAML begins a sign-in at the provider of an account and returns where the browser
// goes.
func (s *Service) BeginSAML(ctx context.Context, account uuid.UUID, browser, next string) (to string, err error) {
	sp, _, err := s.samlProvider(ctx, account)
	if err != nil {
		return "", err
	}
	request, err := sp.MakeAuthenticationRequest(sp.GetSSOBindingLocation(saml.HTTPRedirectBinding), saml.HTTPRedirectBinding, saml.HTTPPostBinding)
	if err != nil {
		return "", err
	}
	state := NewSecret()
	request.ID = requestID(state)
	u, err := request.Redirect(state, sp)
	if err != nil {
		return "", err
	}
	return u.String(), s.write(ctx, func(t *turn) error {
		return t.AddAuthFlow(&store.AuthFlow{
			Hash: hash(state), Provider: samlIssuer(account, ""), BrowserHash: hash(browser), Next: next, Created: t.now, Expires: api.At(t.now.Add(flowLife)),
		})
	})
}

// ReceiveSAML takes what the provider of an account says through a browser, and returns a
// code that only the browser can use that has begun. The request itself brings no cookie: it
// comes from another site.
func (s *Service) ReceiveSAML(ctx context.Context, account uuid.UUID, response, state string, from From) (code string, err error) {
	sp, connection, err := s.samlProvider(ctx, account)
	if err != nil {
		return "", err
	}
	code = NewSecret()
	var refused error
	err = s.write(ctx, func(t *turn) error {
		refused = nil
		arrival, err := t.arrive(sp, connection, response, state)
		if err == nil {
			arrival.Hash = hash(code)
			return t.AddAuthArrival(arrival)
		}
		refused = &Problem{Code: "access_denied", Text: errProvider.Text}
		if CodeOf(err) != "" {
			refused = err
		}
		s.log.WarnContext(ctx, "a sign-in at the provider of an account was refused", "account", account, "error", privateReason(err))
		return t.auditAt(account, "refused", from, "method", methodSAML, "reason", short(privateReason(err)))
	})
	if err == nil {
		err = refused
	}
	return code, err
}

// auditAt writes down what happened to a session of nobody known at an account.
func (t *turn) auditAt(account uuid.UUID, action string, from From, detail ...string) error {
	e := identity.Entry{Account: account, Type: kindSession, Action: action, ID: newID(), Details: map[string]any{}}
	for i := 0; i+1 < len(detail); i += 2 {
		e.Details[detail[i]] = detail[i+1]
	}
	return t.s.people.Audit(t.Tx, identity.By{IP: from.IP, UserAgent: short(from.Agent), RequestID: from.Request}, e)
}

// privateReason is why an answer was refused, for the log and not for who has sent it.
func privateReason(err error) string {
	var invalid *saml.InvalidResponseError
	if errors.As(err, &invalid) && invalid.PrivateErr != nil {
		err = invalid.PrivateErr
	}
	return err.Error()
}

// arrive believes an answer if it is of the account's provider, signed, for this server, for
// a sign-in that was begun, of now, new, and about an address that the account has proven to
// be its own.
func (t *turn) arrive(sp *saml.ServiceProvider, connection *store.SSOConnection, response, state string) (*store.AuthArrival, error) {
	account := connection.AccountID
	flow, err := none(t.AuthFlow(hash(state)))
	if err != nil {
		return nil, err
	}
	a := &store.AuthArrival{AccountID: account, Created: t.now, Expires: api.At(t.now.Add(arrivalLife))}
	var requests []string
	if flow != nil && flow.Provider == samlIssuer(account, "") {
		taken, err := t.UseAuthFlow(flow.Hash, t.now)
		if err != nil {
			return nil, err
		}
		if !taken {
			return nil, errors.New("the sign-in is over or was answered already")
		}
		requests, a.Next, a.BrowserHash = []string{requestID(state)}, flow.Next, &flow.BrowserHash
	}
	assertion, err := readAssertion(sp, response, requests)
	if err != nil {
		return nil, err
	}
	if isNew, err := t.See(hash("saml "+account.String()+" "+assertion.ID), api.At(t.now.Add(seenLife))); err != nil || !isNew {
		return nil, cmpErr(err, errors.New("the assertion was used already"))
	}
	if err := describe(a, connection, assertion); err != nil {
		return nil, err
	}
	norm, err := Address(a.Email)
	if err != nil {
		return nil, errors.New("the provider names no address of mail: " + short(a.Email))
	}
	vouched, err := t.s.people.VouchesFor(t.Tx, account, norm)
	if err == nil && !vouched {
		err = problem("access_denied", "Your organization's provider may not vouch for this address: its domain is not one that the organization has proven to be its own.")
	}
	return a, err
}

func cmpErr(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// readAssertion reads the one assertion of an answer, which must be signed itself: a
// signature around it is not enough.
func readAssertion(sp *saml.ServiceProvider, response string, requests []string) (*saml.Assertion, error) {
	raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(response), ""))
	if err != nil {
		return nil, fmt.Errorf("the answer is no base64: %w", err)
	}
	if text := string(raw); strings.Contains(text, "<!DOCTYPE") || strings.Contains(text, "<!ENTITY") {
		return nil, errors.New("the answer declares a document type")
	}
	assertion, err := sp.ParseXMLResponse(raw, requests, sp.AcsURL)
	switch {
	case err != nil:
		return nil, err
	case assertion.Signature == nil:
		return nil, errors.New("the assertion is not signed")
	case assertion.ID == "":
		return nil, errors.New("the assertion has no ID")
	case assertion.Subject == nil || assertion.Subject.NameID == nil || assertion.Subject.NameID.Value == "":
		return nil, errors.New("the assertion names nobody")
	}
	return assertion, nil
}

// The usual names of attributes, by what they say.
var (
	emailAttributes = []string{
		"email", "mail", "emailaddress", "urn:oid:0.9.2342.19200300.100.1.3", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
		"http://schemas.xmlsoap.org/claims/EmailAddress",
	}
	firstAttributes = []string{"givenname", "firstname", "first_name", "urn:oid:2.5.4.42", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname"}
	lastAttributes  = []string{"sn", "surname", "lastname", "last_name", "urn:oid:2.5.4.4", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname"}
	groupAttributes = []string{
		"groups", "group", "memberof", "urn:oid:1.3.6.1.4.1.5923.1.5.1.1", "http://schemas.microsoft.com/ws/2008/06/identity/claims/groups",
		"http://schemas.xmlsoap.org/claims/Group",
	}
)

// valuesOf are the values of an attribute: the one that the account has named, or one of the
// usual names.
func valuesOf(assertion *saml.Assertion, named string, usual []string) (values []string, isThere bool) {
	for _, statement := range assertion.AttributeStatements {
		for _, attribute := range statement.Attributes {
			is := func(name string) bool {
				return strings.EqualFold(attribute.Name, name) || strings.EqualFold(attribute.FriendlyName, name)
			}
			if named != "" && !is(named) || named == "" && !slices.ContainsFunc(usual, is) {
				continue
			}
			isThere = true
			for _, v := range attribute.Values {
				if text := strings.TrimSpace(v.Value); text != "" {
					values = append(values, text)
				}
			}
		}
	}
	return values, isThere
}

// describe notes whom an assertion is about.
func describe(a *store.AuthArrival, connection *store.SSOConnection, assertion *saml.Assertion) error {
	var names api.SSOAttributes
	if err := json.Unmarshal([]byte(connection.Attributes), &names); err != nil {
		return err
	}
	first := func(named string, usual []string) string {
		if values, _ := valuesOf(assertion, named, usual); len(values) > 0 {
			return values[0]
		}
		return ""
	}
	id := assertion.Subject.NameID
	a.Issuer, a.Subject = samlIssuer(connection.AccountID, connection.EntityID), id.Value
	a.Email = first(names.Email, emailAttributes)
	if a.Email == "" {
		a.Email = id.Value
	}
	if id.Format == string(saml.TransientNameIDFormat) { // another one the next time
		norm, err := Address(a.Email)
		if err != nil {
			return errors.New("the provider gives a transient name and no address of mail")
		}
		a.Subject = "mail:" + norm
	}
	a.FirstName, a.LastName = short(first(names.FirstName, firstAttributes)), short(first(names.LastName, lastAttributes))
	if groups, isThere := valuesOf(assertion, names.Groups, groupAttributes); isThere {
		text, err := json.Marshal(groups)
		if err != nil {
			return err
		}
		a.Groups = string(text)
	}
	return nil
}

// LookAtArrival says who would be signed in by a code that no browser of ours has asked for:
// the provider has begun. It is "" when the browser has.
func (s *Service) LookAtArrival(ctx context.Context, code string) (email string, err error) {
	err = s.read(ctx, func(t *turn) error {
		email = ""
		a, err := none(t.AuthArrival(hash(code)))
		if err == nil && a != nil && a.BrowserHash == nil && a.Used == nil {
			email = a.Email
		}
		return err
	})
	return email, err
}

// FetchArrival signs in the browser that has a code of ReceiveSAML.
func (s *Service) FetchArrival(ctx context.Context, code, browser string, from From) (*Arrived, error) {
	out := &Arrived{}
	var refused error
	var ask *LinkRequest
	err := s.write(ctx, func(t *turn) error {
		out.Opened, refused, ask = nil, nil, nil
		a, err := t.takeArrival(code, browser)
		if err == nil {
			out.Opened, ask, err = t.openArrival(a, from)
		}
		if CodeOf(err) != "" {
			refused = err
			account := uuid.UUID{}
			if a != nil {
				account = a.AccountID
			}
			return t.auditAt(account, "refused", from, "method", methodSAML, "reason", CodeOf(err))
		}
		return err
	})
	if err == nil {
		err = refused
	}
	if err != nil || ask == nil {
		return out, err
	}
	ask.Browser, ask.From, out.Email = browser, from, ask.Email
	_, err = s.RequestLink(ctx, *ask)
	return out, err
}

// takeArrival takes who has come back, once, in the browser that has begun.
func (t *turn) takeArrival(code, browser string) (*store.AuthArrival, error) {
	a, err := none(t.AuthArrival(hash(code)))
	if err != nil {
		return nil, err
	}
	over := problem("access_denied", "This sign-in was not begun in this browser, or it is over. Begin again.")
	if a == nil || a.BrowserHash != nil && (browser == "" || !same(*a.BrowserHash, hash(browser))) {
		return a, over
	}
	taken, err := t.UseAuthArrival(a.Hash, t.now)
	if err == nil && !taken {
		err = over
	}
	return a, err
}

// openArrival opens a session of who has come from an account's provider. A person who is
// known here already must prove first, by mail, that the provider speaks of them; then the
// provider is enough.
func (t *turn) openArrival(a *store.AuthArrival, from From) (*Opened, *LinkRequest, error) {
	by := identity.By{IP: from.IP, UserAgent: short(from.Agent), RequestID: from.Request}
	known, err := none(t.UserIdentity(a.Issuer, a.Subject))
	if err != nil {
		return nil, nil, err
	}
	var user uuid.UUID
	if known != nil {
		user = known.User
		if err := t.TouchUserIdentity(known.ID, t.now); err != nil {
			return nil, nil, err
		}
	} else {
		here, err := t.s.people.UserByEmail(t.Tx, a.Email)
		if err != nil {
			return nil, nil, err
		}
		if here != nil {
			return nil, &LinkRequest{Email: a.Email, Next: a.Next, provider: methodSAML, identity: &somebody{a.Issuer, a.Subject, a.Email, true}}, nil
		}
		added, err := t.s.people.AdmitTo(t.Tx, by, a.AccountID, a.Email, a.FirstName, a.LastName)
		if err != nil {
			return nil, nil, err
		}
		if added == nil {
			return nil, nil, errNotLetIn
		}
		user = added.ID
		if err := t.linkIdentity(&store.MagicLink{Email: a.Email, Provider: ref(methodSAML), Issuer: &a.Issuer, Subject: &a.Subject}, user, from); err != nil {
			return nil, nil, err
		}
	}
	opened, err := t.openAt(a.AccountID, user, by, from)
	if err == nil && a.Groups != "" {
		var groups []string
		if err = json.Unmarshal([]byte(a.Groups), &groups); err == nil {
			err = t.s.people.SetDirectoryTeams(t.Tx, by, a.AccountID, user, groups)
		}
	}
	if err == nil {
		opened.Next = a.Next
	}
	return opened, nil, err
}

// openAt opens a session for whom the provider of an account has vouched: a member of it.
func (t *turn) openAt(account, user uuid.UUID, by identity.By, from From) (*Opened, error) {
	ok, err := t.s.people.IsMember(t.Tx, account, user)
	if err == nil && !ok {
		err = errNotLetIn
	}
	if err != nil {
		return nil, err
	}
	return t.open(proof{actor: user, method: methodSAML, sso: &account}, from)
}

func ref[T any](v T) *T { return &v }
