package pages_test

import (
	"bytes"
	"context"
	"encoding/json"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/usherhq/usher/internal/crypt"
	"github.com/usherhq/usher/internal/notify"
	"github.com/usherhq/usher/internal/server/identity"
	"github.com/usherhq/usher/internal/server/signin"
	"github.com/usherhq/usher/internal/server/signin/pages"
	"github.com/usherhq/usher/internal/store"
	"github.com/usherhq/usher/internal/store/storetest"
	"github.com/usherhq/usher/internal/testkit"
)

const ada = "ada@example.com"

// site is a server where people sign in, with a mail server and an owner.
type site struct {
	t       *testing.T
	url     string
	db      *store.Store
	people  *identity.Service
	service *signin.Service
	pages   *pages.Handler
	mail    *testkit.MailServer
	owner   *identity.Bootstrapped
	log     *syncBuffer
	ahead   atomic.Int64 // how far its clock is ahead
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func (s *site) now() time.Time { return time.Now().Add(time.Duration(s.ahead.Load())) }

// wait lets time pass on the server.
func (s *site) wait(d time.Duration) { s.ahead.Add(int64(d)) }

// onSQLite is a site on a database file.
func onSQLite(t *testing.T, change ...func(*signin.Options)) *site {
	t.Helper()
	return newSite(t, storetest.Open(t, storetest.SQLiteURL(t)), change...)
}

func newSite(t *testing.T, db *store.Store, change ...func(*signin.Options)) *site {
	t.Helper()
	s := &site{t: t, db: db, mail: testkit.StartMailServer(t, false), log: &syncBuffer{}}
	log := slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s.people = identity.New(db, s.now, log)
	var err error
	if s.owner, err = s.people.Bootstrap(t.Context(), ada, "acme", "main"); err != nil {
		t.Fatal(err)
	}
	var handler atomic.Pointer[pages.Handler]
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.Load().ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	s.url = server.URL
	key := crypt.NewKey()
	o := signin.Options{PublicURL: server.URL, Key: func(context.Context) (crypt.Key, error) { return key, nil }}
	for _, f := range change {
		f(&o)
	}
	mailer := &notify.SMTP{Host: s.mail.Host, Port: s.mail.Port, From: "usher@example.com", Client: &notify.Client{Clock: s.now, Roots: s.mail.Roots}}
	s.service = signin.New(o, db, s.people, mailer, s.now, log)
	h := pages.New(s.service, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, log)
	h.Floor = 0
	s.pages = h
	handler.Store(h)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.service.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s
}

// browser is one with cookies that follows no redirects by itself.
type browser struct {
	*site
	client *http.Client
	ip     string
}

func (s *site) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &browser{site: s, client: &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// shown is an answer.
type shown struct {
	*browser
	status int
	header http.Header
	body   string
	at     *url.URL
}

func (b *browser) do(r *http.Request) *shown {
	b.t.Helper()
	if b.ip != "" {
		r.Header.Set("X-Forwarded-For", b.ip)
	}
	res, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return &shown{b, res.StatusCode, res.Header, styleTag.ReplaceAllString(string(body), ""), r.URL}
}

func (b *browser) request(method, to string, body io.Reader) *http.Request {
	b.t.Helper()
	if strings.HasPrefix(to, "/") {
		to = b.url + to
	}
	r, err := http.NewRequestWithContext(b.t.Context(), method, to, body)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

func (b *browser) get(to string) *shown {
	b.t.Helper()
	return b.do(b.request(http.MethodGet, to, nil))
}

// post sends a form as a page of the server would.
func (b *browser) post(to string, form url.Values) *shown {
	b.t.Helper()
	r := b.request(http.MethodPost, to, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return b.do(r)
}

// json sends a body and reads the answer.
func (b *browser) json(to string, body any) (status int, answer map[string]any) {
	b.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		b.t.Fatal(err)
	}
	r := b.request(http.MethodPost, to, bytes.NewReader(text))
	r.Header.Set("Content-Type", "application/json")
	got := b.do(r)
	return got.status, got.json()
}

func (g *shown) json() (answer map[string]any) {
	g.t.Helper()
	if err := json.Unmarshal([]byte(g.body), &answer); err != nil {
		g.t.Fatalf("%d %s: %v", g.status, g.body, err)
	}
	return answer
}

func (g *shown) text(key string) string {
	g.t.Helper()
	text, _ := g.json()[key].(string)
	return text
}

var (
	formTag   = regexp.MustCompile(`(?s)<form method="post" action="([^"]*)".*?</form>`)
	inputTag  = regexp.MustCompile(`<input[^>]*type="hidden"[^>]*name="([^"]*)" value="([^"]*)"`)
	styleTag  = regexp.MustCompile(`(?s)<style>.*</style>`)
	buttonTag = regexp.MustCompile(`<button[^>]*>([^<]*)</button>`)
	actionOf  = regexp.MustCompile(`name="action" value="([^"]*)"`)
)

// press presses the button with a label; typed are the fields that a person fills in.
func (g *shown) press(label string, typed ...string) *shown {
	g.t.Helper()
	for _, form := range formTag.FindAllStringSubmatch(g.body, -1) {
		for _, button := range buttonTag.FindAllStringSubmatch(form[0], -1) {
			if button[1] != label {
				continue
			}
			values := url.Values{}
			for _, input := range inputTag.FindAllStringSubmatch(form[0], -1) {
				values.Set(input[1], html.UnescapeString(input[2]))
			}
			if action := actionOf.FindStringSubmatch(button[0]); action != nil {
				values.Set("action", action[1])
			}
			for i := 0; i+1 < len(typed); i += 2 {
				values.Set(typed[i], typed[i+1])
			}
			return g.post(form[1], values)
		}
	}
	g.t.Fatalf("there is no button %q:\n%s", label, g.body)
	return nil
}

// follow goes where an answer leads.
func (g *shown) follow() *shown {
	g.t.Helper()
	to := g.header.Get("Location")
	if g.status != http.StatusSeeOther || to == "" {
		g.t.Fatalf("%d leads nowhere:\n%s", g.status, g.body)
	}
	return g.get(to)
}

func (g *shown) want(status int, parts ...string) *shown {
	g.t.Helper()
	if g.status != status {
		g.t.Fatalf("status %d, not %d:\n%s", g.status, status, g.body)
	}
	text := html.UnescapeString(g.body)
	for _, part := range parts {
		if !strings.Contains(text, part) {
			g.t.Fatalf("no %q in\n%s", part, g.body)
		}
	}
	return g
}

const sendLink = "Send a sign-in link"

// ask asks for a link and returns where the mail leads.
func (b *browser) ask(email, next string) string {
	b.t.Helper()
	to, err := identity.NormalEmail(email)
	if err != nil {
		b.t.Fatal(err)
	}
	n := b.mail.Count(to)
	b.get("/auth/login?next="+url.QueryEscape(next)).want(http.StatusOK).press(sendLink, "email", email).follow().want(http.StatusOK, "a message is on its way")
	return b.mail.Await(b.t, to, n+1).Link()
}

// signIn signs a browser in.
func (b *browser) signIn(email, next string) *shown {
	b.t.Helper()
	return b.get(b.ask(email, next)).want(http.StatusOK, "<strong>"+email).press("Sign in").want(http.StatusSeeOther)
}

// who is who the browser is signed in as, "" for nobody.
func (b *browser) who() string {
	b.t.Helper()
	got := b.get("/auth/account")
	if got.status != http.StatusOK {
		return ""
	}
	return regexp.MustCompile(`<span class="who soft">([^<]*)`).FindStringSubmatch(got.body)[1]
}

// audited says how often something is in the logs of audit.
func (s *site) audited(event string) (n int) {
	s.t.Helper()
	storetest.Across(s.t, s.db, func(tx *store.Tx) error {
		return tx.QueryRow("select count(*) from audit_entry where event = ?", []any{"prefect-cloud." + event}, &n)
	})
	return n
}

func (s *site) wantAudit(event string, n int) {
	s.t.Helper()
	if got := s.audited(event); got != n {
		s.t.Errorf("%d entries of %s, not %d", got, event, n)
	}
}
