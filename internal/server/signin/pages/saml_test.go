package pages_test

import (
	"bytes"
	"compress/flate"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/xml"
	"html"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/signin"
	"github.com/usherhq/usher/internal/store"
	"github.com/usherhq/usher/internal/store/storetest"
	"github.com/usherhq/usher/internal/testkit"
)

const grace = "grace@acme.example"

// proven gives an account a domain that is verified.
func (s *site) proven(account uuid.UUID, domain string) {
	s.t.Helper()
	now := api.At(s.now())
	storetest.Write(s.t, s.db, func(tx *store.Tx) error {
		return tx.InsertAccountDomain(&store.AccountDomain{AccountID: account, ID: uuid.New(), Created: now, Updated: now, Name: domain, DNSToken: "t", Verified: &now})
	})
}

// connect gives an account the provider with some metadata, as one who may do it.
func (s *site) connect(account uuid.UUID, metadata string) {
	s.t.Helper()
	now := api.At(s.now())
	storetest.Write(s.t, s.db, func(tx *store.Tx) error {
		var d saml.EntityDescriptor
		if err := xml.Unmarshal([]byte(metadata), &d); err != nil {
			return err
		}
		return tx.PutSSOConnection(&store.SSOConnection{AccountID: account, ID: uuid.New(), Created: now, Updated: now, Name: "corp", EntityID: d.EntityID, Metadata: metadata, Attributes: "{}"})
	})
}

func (s *site) fetch(to string) string {
	s.t.Helper()
	res, err := http.Get(to) //nolint:noctx // a test
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		s.t.Fatal(res.Status, err)
	}
	return string(text)
}

// TestSAMLWithPysaml2InABrowser: an owner gives the account its provider on the page for it,
// and people come in through it with Chromium.
func TestSAMLWithPysaml2InABrowser(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	account := s.owner.AccountID
	s.proven(account, "acme.example")
	metadata := s.fetch(testkit.StartSAMLProvider(t, "testdata/saml_idp.py", s.url+"/auth/saml/"+account.String()+"/metadata"))

	b := testkit.StartBrowser(t, 1280, false)
	b.Open(s.url + "/auth/login?next=" + url.QueryEscape("/auth/organization/"+account.String()+"/settings"))
	b.Type("E-mail address", ada)
	b.Press("Send")
	b.Open(s.mail.Await(t, ada, 1).Link())
	b.Press("Sign in")
	b.See("Identity provider")
	b.Type("Metadata of the provider", "<not metadata/>")
	b.Press("Use this provider")
	b.See("That is no metadata of an identity provider")
	b.Type("Metadata of the provider", metadata)
	b.Press("Use this provider")
	b.See("Remove the provider")
	b.Screenshot("organization-light")
	b.Open(s.url + "/auth/account")
	b.Press("Sign out")

	b.Follow("Single sign-on")
	b.Type("E-mail address at your organization", grace)
	b.Screenshot("sso-light")
	b.Press("Continue")
	b.See("The provider")
	b.Type("User", grace)
	b.Press("Sign in there")
	b.See("Where you are signed in")
	b.See(grace)
	s.wantAudit("account-membership.created", 2)
	b.Press("Sign out")
	b.See("Single sign-on of your organization") // else the page that follows replaces the next
	b.Open(s.url + "/auth/saml/" + account.String() + "/start")
	b.Type("User", grace)
	b.Press("Sign in there")
	b.See(grace)
	s.wantAudit("user-identity.linked", 1)
	if n := s.mail.Count(grace); n != 0 {
		t.Errorf("%d mails to somebody whom the provider of a proven domain vouches for", n)
	}
}

// idp is the identity provider of crewjam/saml, which says what a test wants.
type idp struct {
	*saml.IdentityProvider
	site    *site
	account uuid.UUID
}

// startIDP starts one for an account; its clock is the site's.
func (s *site) startIDP(account uuid.UUID, entity string) *idp {
	s.t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		s.t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: entity}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(48 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		s.t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		s.t.Fatal(err)
	}
	at := func(path string) url.URL { return *mustURL(s.t, "https://"+entity+path) }
	p := &idp{&saml.IdentityProvider{Key: crypto.PrivateKey(key), Certificate: certificate, MetadataURL: at("/metadata"), SSOURL: at("/sso")}, s, account}
	text, err := xml.Marshal(p.Metadata())
	if err != nil {
		s.t.Fatal(err)
	}
	s.connect(account, string(text))
	return p
}

// begun is a sign-in that a browser has begun at the provider of an account.
type begun struct{ relay, request string }

func (b *browser) beginSAML(account uuid.UUID, next string) begun {
	b.t.Helper()
	got := b.get("/auth/saml/" + account.String() + "/start?next=" + url.QueryEscape(next)).want(http.StatusSeeOther)
	q := mustURL(b.t, got.header.Get("Location")).Query()
	raw, err := base64.StdEncoding.DecodeString(q.Get("SAMLRequest"))
	if err != nil {
		b.t.Fatal(err)
	}
	id := regexp.MustCompile(`ID="([^"]+)"`).FindSubmatch(inflate(b.t, raw))
	return begun{q.Get("RelayState"), string(id[1])}
}

// answer is what the provider says to a request about somebody, after change; sign says
// which parts are signed.
func (p *idp) answer(request, email string, change func(*saml.Assertion), sign string) *etree.Element {
	t := p.site.t
	t.Helper()
	sp := &saml.EntityDescriptor{}
	if err := xml.Unmarshal([]byte(p.site.fetch(p.site.url+"/auth/saml/"+p.account.String()+"/metadata")), sp); err != nil {
		t.Fatal(err)
	}
	acs := sp.SPSSODescriptors[0].AssertionConsumerServices[0]
	r := &saml.IdpAuthnRequest{
		IDP: p.IdentityProvider, Now: p.site.now(), HTTPRequest: &http.Request{RemoteAddr: "127.0.0.1:1", URL: &url.URL{}},
		Request: saml.AuthnRequest{ID: request, Issuer: &saml.Issuer{Value: sp.EntityID}, IssueInstant: p.site.now()}, ServiceProviderMetadata: sp, SPSSODescriptor: &sp.SPSSODescriptors[0], ACSEndpoint: &acs,
	}
	session := &saml.Session{ID: "s", Index: "1", CreateTime: p.site.now(), ExpireTime: p.site.now().Add(time.Hour), NameID: "id-of-" + email, NameIDFormat: string(saml.PersistentNameIDFormat), UserEmail: email, UserGivenName: "Grace", UserSurname: "Hopper"}
	if err := (saml.DefaultAssertionMaker{}).MakeAssertion(r, session); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(r.Assertion)
	}
	if sign == "" || sign == "response" {
		r.AssertionEl = r.Assertion.Element()
	}
	if err := r.MakeResponse(); err != nil {
		t.Fatal(err)
	}
	if sign == "" || sign == "assertion" {
		for _, e := range r.ResponseEl.SelectElements("Signature") {
			r.ResponseEl.RemoveChild(e)
		}
	}
	return r.ResponseEl
}

const signed = "assertion"

func encode(t testing.TB, e *etree.Element) string {
	t.Helper()
	d := etree.NewDocument()
	d.SetRoot(e.Copy())
	var b bytes.Buffer
	if _, err := d.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

// deliver brings an answer to the server as the provider's page does: from another site,
// without cookies; then the browser follows.
func (b *browser) deliver(account uuid.UUID, response, relay string) *shown {
	b.t.Helper()
	other := b.site.browser()
	r := other.request(http.MethodPost, "/auth/saml/"+account.String()+"/acs", strings.NewReader(url.Values{"SAMLResponse": {response}, "RelayState": {relay}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "https://idp.example")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	got := other.do(r)
	if got.status != http.StatusSeeOther {
		return got
	}
	return b.get(got.header.Get("Location"))
}

// corp is a site whose account has the domain acme.example and a provider.
func corp(t *testing.T, change ...func(*signin.Options)) (*site, *idp) {
	t.Helper()
	s := onSQLite(t, change...)
	s.proven(s.owner.AccountID, "acme.example")
	return s, s.startIDP(s.owner.AccountID, "idp.example")
}

// TestSAMLSignsIn: somebody new of the account's domain becomes a member at once and a
// member of the team that the provider names; somebody who is known proves first by mail
// that the provider speaks of them.
func TestSAMLSignsIn(t *testing.T) {
	t.Parallel()
	s, p := corp(t)
	group, now := "g-flows", api.At(s.now())
	storetest.Write(t, s.db, func(tx *store.Tx) error {
		return tx.InsertTeam(&store.Team{AccountID: p.account, ID: uuid.New(), Created: now, Updated: now, Name: "flows", DirectoryGroupID: &group})
	})
	inGroup := func(a *saml.Assertion) {
		a.AttributeStatements[0].Attributes = append(a.AttributeStatements[0].Attributes, saml.Attribute{Name: "groups", Values: []saml.AttributeValue{{Value: group}}})
	}
	b := s.browser()
	at := b.beginSAML(p.account, "/device")
	got := b.deliver(p.account, encode(t, p.answer(at.request, grace, inGroup, signed)), at.relay).want(http.StatusSeeOther)
	if to := got.header.Get("Location"); to != "/device" {
		t.Errorf("on to %q", to)
	}
	if who := b.who(); who != grace {
		t.Errorf("signed in as %q", who)
	}
	members := func() (n int) {
		storetest.Read(t, s.db, func(tx *store.Tx) error {
			list, err := tx.TeamMembers(p.account)
			n = len(list)
			return err
		})
		return n
	}
	if n := members(); n != 1 {
		t.Errorf("%d members of the team, not 1", n)
	}
	noGroup := func(a *saml.Assertion) {
		inGroup(a)
		a.AttributeStatements[0].Attributes[len(a.AttributeStatements[0].Attributes)-1].Values[0].Value = "another"
	}
	at = b.beginSAML(p.account, "")
	b.deliver(p.account, encode(t, p.answer(at.request, grace, noGroup, signed)), at.relay).want(http.StatusSeeOther)
	if n := members(); n != 0 {
		t.Errorf("%d members of the team, not none", n)
	}

	s.proven(p.account, "example.com") // ada's
	other := s.browser()
	at = other.beginSAML(p.account, "")
	other.deliver(p.account, encode(t, p.answer(at.request, ada, nil, signed)), at.relay).follow().want(http.StatusOK, "a message is on its way")
	if who := other.who(); who != "" {
		t.Errorf("signed in as %q without proof of the address", who)
	}
	other.get(s.mail.Await(t, ada, 1).Link()).press("Sign in").want(http.StatusSeeOther)
	storetest.Read(t, s.db, func(tx *store.Tx) error {
		list, err := tx.SessionsOf(s.owner.UserID, api.At(s.now()))
		if err == nil && (len(list) != 1 || list[0].SSOAccount == nil || *list[0].SSOAccount != p.account || list[0].Method != "saml") {
			t.Errorf("%+v", list)
		}
		return err
	})
	at = other.beginSAML(p.account, "")
	other.deliver(p.account, encode(t, p.answer(at.request, ada, nil, signed)), at.relay).want(http.StatusSeeOther)
	if n := s.mail.Count(ada); n != 1 {
		t.Errorf("%d mails, not 1", n)
	}
}

// TestSAMLRequired: an account that wants its provider keeps out who has come by mail, and
// not an owner, who may set it right again.
func TestSAMLRequired(t *testing.T) {
	t.Parallel()
	s, p := corp(t)
	b := s.browser()
	b.signIn(grace, "") // the domain is proven
	storetest.Write(t, s.db, func(tx *store.Tx) error {
		return tx.UpdateAccount(p.account, store.Set{Column: "sso_state", Value: "ENABLED"})
	})
	b.get("/auth/account").want(http.StatusOK, "its own provider", "/auth/saml/"+p.account.String()+"/start")
	b.get("/auth/organization/" + p.account.String() + "/settings").want(http.StatusForbidden)
	owner := s.browser()
	owner.signIn(ada, "")
	owner.get("/auth/organization/"+p.account.String()+"/settings").want(http.StatusOK, "corp", "acme.example", "usher-verify=t")
	at := b.beginSAML(p.account, "")
	b.deliver(p.account, encode(t, p.answer(at.request, grace, nil, signed)), at.relay).follow().want(http.StatusOK, "a message is on its way")
	b.get(s.mail.Await(t, grace, 2).Link()).press("Sign in").want(http.StatusSeeOther)
	if page := b.get("/auth/account"); strings.Contains(page.body, "its own provider") {
		t.Error("the provider's word does not count")
	}
	owner.get("/auth/organization/" + p.account.String() + "/settings").press("Remove the provider").want(http.StatusSeeOther)
	b.get("/auth/saml/" + p.account.String() + "/start").want(http.StatusGone)
}

// TestSAMLAbuse: none of these signs anybody in, and each is in the account's audit log.
func TestSAMLAbuse(t *testing.T) {
	t.Parallel()
	s, p := corp(t)
	evil := s.rival("evil.example")
	stranger := (&idp{IdentityProvider: p.IdentityProvider, site: s, account: evil})
	foreign := s.startIDP(evil, "idp.example") // with the same name and another key
	victim := func(a *saml.Assertion) { a.Subject.NameID.Value = "id-of-victim" }

	for name, try := range map[string]func(b *browser, at begun) (response, relay string){
		"unsigned": func(_ *browser, at begun) (string, string) {
			return encode(t, p.answer(at.request, grace, nil, "")), at.relay
		},
		"signature around the response only": func(_ *browser, at begun) (string, string) {
			return encode(t, p.answer(at.request, grace, nil, "response")), at.relay
		},
		"signed by another key": func(_ *browser, at begun) (string, string) {
			other := &idp{foreign.IdentityProvider, s, p.account}
			return encode(t, other.answer(at.request, grace, nil, signed)), at.relay
		},
		"changed after it was signed": func(_ *browser, at begun) (string, string) {
			e := p.answer(at.request, grace, nil, signed)
			e.FindElement(".//NameID").SetText("id-of-victim")
			return encode(t, e), at.relay
		},
		"wrong audience": func(_ *browser, at begun) (string, string) {
			return encode(t, p.answer(at.request, grace, func(a *saml.Assertion) {
				a.Conditions.AudienceRestrictions = []saml.AudienceRestriction{{Audience: saml.Audience{Value: "https://other.example"}}}
			}, signed)), at.relay
		},
		"no audience": func(_ *browser, at begun) (string, string) {
			return encode(t, p.answer(at.request, grace, func(a *saml.Assertion) { a.Conditions.AudienceRestrictions = nil }, signed)), at.relay
		},
		"for the provider of another account": func(_ *browser, at begun) (string, string) {
			return encode(t, stranger.answer(at.request, grace, nil, signed)), at.relay
		},
		"wrong recipient": func(_ *browser, at begun) (string, string) {
			return encode(t, p.answer(at.request, grace, func(a *saml.Assertion) {
				a.Subject.SubjectConfirmations[0].SubjectConfirmationData.Recipient = "https://other.example/acs"
			}, signed)), at.relay
		},
		"expired": func(_ *browser, at begun) (string, string) {
			return encode(t, p.answer(at.request, grace, func(a *saml.Assertion) {
				past := s.now().Add(-2 * time.Minute)
				a.Conditions.NotOnOrAfter, a.Subject.SubjectConfirmations[0].SubjectConfirmationData.NotOnOrAfter = past, past
			}, signed)), at.relay
		},
		"not valid yet": func(_ *browser, at begun) (string, string) {
			return encode(t, p.answer(at.request, grace, func(a *saml.Assertion) { a.Conditions.NotBefore = s.now().Add(3 * time.Minute) }, signed)), at.relay
		},
		"wrong InResponseTo": func(_ *browser, at begun) (string, string) {
			return encode(t, p.answer("id-of-another-request", grace, nil, signed)), at.relay
		},
		"not asked for": func(_ *browser, _ begun) (string, string) {
			return encode(t, p.answer("", grace, nil, signed)), ""
		},
		"of another browser's sign-in": func(_ *browser, _ begun) (string, string) {
			at := s.browser().beginSAML(p.account, "")
			return encode(t, p.answer(at.request, grace, nil, signed)), at.relay
		},
		"signature wrapping: a second assertion before": func(_ *browser, at begun) (string, string) {
			e := p.answer(at.request, grace, nil, signed)
			original := e.FindElement("./Assertion")
			copied := original.Copy()
			copied.CreateAttr("ID", "id-evil")
			copied.RemoveChild(copied.FindElement("./Signature"))
			copied.FindElement(".//NameID").SetText("id-of-victim")
			e.InsertChildAt(original.Index(), copied)
			return encode(t, e), at.relay
		},
		"signature wrapping: the original inside the signature": func(_ *browser, at begun) (string, string) {
			e := p.answer(at.request, grace, nil, signed)
			original := e.FindElement("./Assertion")
			copied := original.Copy()
			copied.CreateAttr("ID", "id-evil")
			copied.FindElement(".//NameID").SetText("id-of-victim")
			object := copied.FindElement("./Signature").CreateElement("ds:Object")
			e.RemoveChild(original)
			object.AddChild(original)
			e.AddChild(copied)
			return encode(t, e), at.relay
		},
		"signature wrapping: the original in an extension": func(_ *browser, at begun) (string, string) {
			e := p.answer(at.request, grace, nil, signed)
			original := e.FindElement("./Assertion")
			copied := original.Copy()
			copied.FindElement(".//NameID").SetText("id-of-victim")
			e.RemoveChild(original)
			e.CreateElement("samlp:Extensions").AddChild(original)
			e.AddChild(copied)
			return encode(t, e), at.relay
		},
		"external entity": func(_ *browser, at begun) (string, string) {
			raw, err := base64.StdEncoding.DecodeString(encode(t, p.answer(at.request, grace, nil, signed)))
			if err != nil {
				t.Fatal(err)
			}
			text := `<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>` + strings.Replace(string(raw), "id-of-"+grace, "&x;", 1)
			return base64.StdEncoding.EncodeToString([]byte(text)), at.relay
		},
		"an address of a domain that is not the account's": func(_ *browser, at begun) (string, string) {
			return encode(t, p.answer(at.request, "boss@evil.example", victim, signed)), at.relay
		},
		"not even XML": func(_ *browser, at begun) (string, string) {
			return base64.StdEncoding.EncodeToString([]byte("<samlp:Response")), at.relay
		},
	} {
		b := s.browser()
		at := b.beginSAML(p.account, "")
		response, relay := try(b, at)
		got := b.deliver(p.account, response, relay)
		if who := b.who(); who != "" || got.status != http.StatusForbidden {
			t.Errorf("%s: status %d, signed in as %q", name, got.status, who)
		}
		for _, told := range []string{"signature", "audience", "digest", "InResponseTo", "Recipient", "root:"} {
			if strings.Contains(got.body, told) {
				t.Errorf("%s: an attacker is told of %s", name, told)
			}
		}
	}
	if s.audited("account-membership.created") != 1 {
		t.Error("somebody came in")
	}
	if n := s.audited("session.refused"); n < 19 {
		t.Errorf("%d refusals in the audit log", n)
	}
}

// TestSAMLReplayed: the same assertion signs in once, also for a sign-in that was begun anew.
func TestSAMLReplayed(t *testing.T) {
	t.Parallel()
	s, p := corp(t, func(o *signin.Options) { o.SAMLIdPInitiated = true })
	b := s.browser()
	at := b.beginSAML(p.account, "")
	response := encode(t, p.answer(at.request, grace, nil, signed))
	b.deliver(p.account, response, at.relay).want(http.StatusSeeOther)
	b.deliver(p.account, response, at.relay).want(http.StatusForbidden)
	again := b.beginSAML(p.account, "")
	b.deliver(p.account, response, again.relay).want(http.StatusForbidden)

	// The provider may begin here: somebody says that they want it, and it works once.
	free := encode(t, p.answer("", grace, nil, signed))
	other := s.browser()
	page := other.deliver(p.account, free, "").want(http.StatusOK, grace, "wants to sign you in")
	if who := other.who(); who != "" {
		t.Errorf("signed in as %q without being asked", who)
	}
	page.press("Sign in").want(http.StatusSeeOther)
	if who := other.who(); who != grace {
		t.Errorf("signed in as %q", who)
	}
	page.press("Sign in").want(http.StatusForbidden)
	s.browser().deliver(p.account, free, "").want(http.StatusForbidden)
}

// TestSAMLCommentTruncation: a comment in a name does not cut it short.
func TestSAMLCommentTruncation(t *testing.T) {
	t.Parallel()
	s, p := corp(t)
	b := s.browser()
	at := b.beginSAML(p.account, "")
	b.deliver(p.account, encode(t, p.answer(at.request, grace, nil, signed)), at.relay).want(http.StatusSeeOther)
	// Who may name themselves at the provider signs up as grace's name with something after it
	// and puts a comment between the two: the signature of exclusive canonical XML leaves
	// comments out.
	const long = "id-of-" + grace + ".evil.example"
	evil := s.browser()
	at = evil.beginSAML(p.account, "")
	e := p.answer(at.request, "mallory@acme.example", func(a *saml.Assertion) { a.Subject.NameID.Value = long }, signed)
	name := e.FindElement(".//NameID")
	name.SetText("")
	name.CreateText("id-of-" + grace)
	name.CreateComment("x")
	name.CreateText(".evil.example")
	evil.deliver(p.account, encode(t, e), at.relay)
	if who := evil.who(); who == grace {
		t.Error("a comment makes mallory grace")
	}
}

// TestSAMLIdentitiesBelongToTheAccount: a provider of another account that has the same name
// gets no identity of ours.
func TestSAMLIdentitiesBelongToTheAccount(t *testing.T) {
	t.Parallel()
	s, p := corp(t)
	b := s.browser()
	at := b.beginSAML(p.account, "")
	b.deliver(p.account, encode(t, p.answer(at.request, grace, nil, signed)), at.relay).want(http.StatusSeeOther)
	rival := s.rival("evil.example")
	foreign := s.startIDP(rival, "idp.example")
	evil := s.browser()
	at = evil.beginSAML(rival, "")
	evil.deliver(rival, encode(t, foreign.answer(at.request, "mallory@evil.example", func(a *saml.Assertion) { a.Subject.NameID.Value = "id-of-" + grace }, signed)), at.relay).want(http.StatusSeeOther)
	if who := evil.who(); who != "mallory@evil.example" {
		t.Errorf("signed in as %q", who)
	}
}

// TestSAMLTellsNothing: whoever asks learns neither which accounts there are nor which have
// a provider.
func TestSAMLTellsNothing(t *testing.T) {
	t.Parallel()
	s, p := corp(t)
	b := s.browser()
	nobody := uuid.New()
	known := b.get("/auth/saml/" + p.account.String() + "/metadata").want(http.StatusOK)
	unknown := b.get("/auth/saml/" + nobody.String() + "/metadata").want(http.StatusOK)
	if strings.ReplaceAll(known.body, p.account.String(), "") != strings.ReplaceAll(unknown.body, nobody.String(), "") {
		t.Error("metadata tells whether there is an account")
	}
	rival := s.rival("none.example")
	without, none := b.get("/auth/saml/"+rival.String()+"/start"), b.get("/auth/saml/"+nobody.String()+"/start")
	if without.status != none.status || without.body != none.body {
		t.Error("an account without a provider looks unlike none")
	}
	got := b.get("/auth/sso").press("Continue", "email", "somebody@unknown.example").want(http.StatusSeeOther)
	if to := got.header.Get("Location"); !strings.HasPrefix(to, "/auth/sent") {
		t.Errorf("sent to %q", to)
	}
	if to := html.UnescapeString(b.get("/auth/sso").press("Continue", "email", "anybody@acme.example").want(http.StatusOK).header.Get("Refresh")); !strings.Contains(to, "/auth/saml/"+p.account.String()+"/start") {
		t.Errorf("sent to %q", to)
	}
}

// rival makes another account with a domain.
func (s *site) rival(domain string) uuid.UUID {
	s.t.Helper()
	now := api.At(s.now())
	a := &store.Account{ID: uuid.New(), Created: now, Updated: now, Name: domain, Handle: domain, Settings: jsontext.Value("{}"), SSOState: "DISABLED"}
	storetest.Write(s.t, s.db, func(tx *store.Tx) error { return tx.InsertAccount(a) })
	s.proven(a.ID, domain)
	return a.ID
}

func inflate(t testing.TB, raw []byte) []byte {
	t.Helper()
	text, err := io.ReadAll(flate.NewReader(bytes.NewReader(raw)))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestOrganizationPageMakesDirectories: the token is shown once and ends when it is revoked;
// who has not signed in just now decides nothing.
func TestOrganizationPageMakesDirectories(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	b := s.browser()
	b.signIn(ada, "")
	at := "/auth/organization/" + s.owner.AccountID.String() + "/settings"
	page := b.get(at).press("Create a token", "name", "okta").want(http.StatusOK, "/scim/v2/"+s.owner.AccountID.String())
	token := regexp.MustCompile(`psc_[0-9A-Za-z]{36}`).FindString(page.body)
	if found, err := s.people.Directory(t.Context(), s.owner.AccountID, token); err != nil || found == nil || found.Name != "okta" {
		t.Fatalf("%v %v", found, err)
	}
	if page := b.get(at); strings.Contains(page.body, token) {
		t.Error("the token is shown again")
	}
	s.wait(16 * time.Minute)
	b.get(at).press("Revoke").want(http.StatusUnauthorized, "Sign in again")
	b.signIn(ada, at)
	b.get(at).press("Revoke").want(http.StatusSeeOther)
	if found, err := s.people.Directory(t.Context(), s.owner.AccountID, token); err != nil || found != nil {
		t.Errorf("%v %v", found, err)
	}
	b.get(at).press("Save the domains", "domains", "acme.example\nexample.org\n").want(http.StatusSeeOther)
	b.get(at).want(http.StatusOK, "usher-verify=", "waiting for the record", "example.org")
	s.browser().get(at).want(http.StatusSeeOther)
}
