package pages_test

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/identity"
	"github.com/usherhq/usher/internal/server/signin"
	"github.com/usherhq/usher/internal/store"
	"github.com/usherhq/usher/internal/store/storetest"
)

// nameServer is a real DNS server for texts.
type nameServer struct {
	mu    sync.Mutex
	texts map[string][]string
}

func (n *nameServer) set(name string, texts ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.texts[name+"."] = texts
}

func startNameServer(t *testing.T) (*nameServer, *net.Resolver) {
	t.Helper()
	n := &nameServer{texts: map[string][]string{}}
	conn, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	go func() {
		for buffer := make([]byte, 1500); ; {
			size, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			if answer := n.answer(buffer[:size]); answer != nil {
				_, _ = conn.WriteTo(answer, from)
			}
		}
	}()
	address := conn.LocalAddr().String()
	return n, &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", address)
	}}
}

func (n *nameServer) answer(question []byte) []byte {
	n.mu.Lock()
	defer n.mu.Unlock()
	var m dnsmessage.Message
	if m.Unpack(question) != nil || len(m.Questions) != 1 {
		return nil
	}
	m.Response, m.Authoritative, m.Additionals = true, true, nil
	name := m.Questions[0].Name
	if texts := n.texts[strings.ToLower(name.String())]; texts != nil && m.Questions[0].Type == dnsmessage.TypeTXT {
		for _, text := range texts {
			m.Answers = append(m.Answers, dnsmessage.Resource{
				Header: dnsmessage.ResourceHeader{Name: name, Class: dnsmessage.ClassINET, TTL: 1}, Body: &dnsmessage.TXTResource{TXT: []string{text}},
			})
		}
	} else {
		m.RCode = dnsmessage.RCodeNameError
	}
	out, err := m.Pack()
	if err != nil {
		return nil
	}
	return out
}

// TestDomainsAreProvenByTheDNS: before that an address of the domain is a stranger's, after
// it whoever has one becomes a member; a text of another account proves nothing.
func TestDomainsAreProvenByTheDNS(t *testing.T) {
	t.Parallel()
	names, resolver := startNameServer(t)
	s := onSQLite(t, func(o *signin.Options) { o.DNS = resolver })
	d := &store.AccountDomain{AccountID: s.owner.AccountID, ID: uuid.New(), Created: api.At(s.now()), Updated: api.At(s.now()), Name: "acme.example", DNSToken: "token-of-acme"}
	storetest.Write(t, s.db, func(tx *store.Tx) error { return tx.InsertAccountDomain(d) })
	const bob = "bob@acme.example"
	prove := func() {
		t.Helper()
		s.wait(time.Minute + time.Second)
		if err := s.service.ProveDomains(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	prove() // there is no such name
	names.set("acme.example", "v=spf1 -all", "usher-verify=another", "token-of-acme")
	prove()
	s.terminal(bob)
	s.wantAudit("account-domain.verified", 0)
	names.set("acme.example", "v=spf1 -all", identity.ProofOf(d))
	prove()
	s.wantAudit("account-domain.verified", 1)
	b := s.browser()
	b.signIn(bob, "").follow().want(200, bob)
	if s.mail.Count(bob) != 1 {
		t.Error("a stranger got mail")
	}
	for _, near := range []string{"bob@sub.acme.example", "bob@acme.example.evil.example", "bob@acme.exampl", "bob@evil-acme.example"} {
		s.browser().get("/auth/login").press(sendLink, "email", near).want(303)
	}
	names.set("acme.example")
	for range 3 {
		s.wait(25 * time.Hour)
		prove()
	}
	s.wantAudit("account-domain.unproven", 1)
	s.terminal("carol@acme.example") // it is not taken away in silence
	s.mail.Await(t, "carol@acme.example", 1)
	if n := s.mail.Count("bob@sub.acme.example") + s.mail.Count("bob@evil-acme.example"); n != 0 {
		t.Error("a domain that only looks alike gets mail")
	}
}
