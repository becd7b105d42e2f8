package notify

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func newClient() *Client { return &Client{Clock: time.Now} }

func TestMessagesArrive(t *testing.T) {
	t.Parallel()
	got := make(chan string, 1)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- r.Method + " " + r.URL.String() + " " + r.Header.Get("X-Token") + " " + r.Header.Get("Idempotency-Key") + " " + r.UserAgent() + " " + string(body)
	}))
	defer receiver.Close()
	data := map[string]any{
		"name": "hook", "url": receiver.URL + "/{{name}}", "json_data": map[string]any{"text": "{{subject}}: {{body}}"},
		"headers": map[string]any{"X-Token": "{{tok}}"}, "secrets": map[string]any{"tok": "s3cret"},
	}
	if err := newClient().Notify(t.Context(), "once", "custom-webhook", data, "Hi", "there"); err != nil {
		t.Fatal(err)
	}
	if want, text := `POST /hook s3cret once Prefect Notifications {"text":"Hi: there"}`, <-got; text != want {
		t.Errorf("got %s, want %s", text, want)
	}
}

func TestWhatIsRefusedIsSaidWithoutTheSecretAddress(t *testing.T) {
	t.Parallel()
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "no such channel", http.StatusNotFound)
	}))
	data := map[string]any{"name": "x", "url": receiver.URL + "/secret-path"}
	err := newClient().Notify(t.Context(), "once", "custom-webhook", data, "", "x")
	if err == nil || !strings.Contains(err.Error(), "status 404: no such channel") || strings.Contains(err.Error(), "secret") {
		t.Errorf("refused: %v", err)
	}
	receiver.Close()
	err = newClient().Notify(t.Context(), "once", "custom-webhook", data, "", "x")
	if err == nil || !strings.Contains(err.Error(), "cannot reach 127.0.0.1") || strings.Contains(err.Error(), "secret") {
		t.Errorf("gone: %v", err)
	}
}

func TestWebhooksAnswer(t *testing.T) {
	t.Parallel()
	receiver := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/away" {
			http.Redirect(w, r, "/", http.StatusFound)
			return
		}
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, r.Method+" "+string(body))
	}))
	defer receiver.Close()
	data := map[string]any{"url": receiver.URL, "method": "PUT"}
	if _, err := newClient().CallWebhook(t.Context(), "once", data, "x"); err == nil {
		t.Error("a certificate that nobody vouches for is trusted")
	}
	data["verify"] = false
	answer, err := newClient().CallWebhook(t.Context(), "once", data, "payload")
	if err != nil || answer.Status != http.StatusTeapot || answer.Body != "PUT payload" {
		t.Errorf("%+v, %v", answer, err)
	}
	data["url"] = receiver.URL + "/away"
	if answer, err = newClient().CallWebhook(t.Context(), "once", data, ""); err != nil || answer.Status != http.StatusFound {
		t.Errorf("a redirect: %+v, %v", answer, err)
	}
}

func TestPrivateAddressesAreRefusedWhenAsked(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
	defer receiver.Close()
	data := map[string]any{"url": receiver.URL, "allow_private_urls": false}
	if _, err := newClient().CallWebhook(t.Context(), "once", data, ""); !errors.Is(err, errPrivate) {
		t.Errorf("allow_private_urls false: %v", err)
	}
	delete(data, "allow_private_urls")
	forced := newClient()
	forced.OnlyPublic = true
	if _, err := forced.CallWebhook(t.Context(), "once", data, ""); !errors.Is(err, errPrivate) {
		t.Errorf("the server's own switch: %v", err)
	}
	for _, url := range []string{"file:///etc/passwd", "gopher://x", "", "http://"} {
		if _, err := newClient().CallWebhook(t.Context(), "once", map[string]any{"url": url}, ""); err == nil {
			t.Errorf("%q is called", url)
		}
	}
	if calls.Load() != 0 {
		t.Errorf("%d calls arrived", calls.Load())
	}
}

// Where hosts are listed, messages go to those alone: by name, or by the address that a name
// has; an address that is listed may be private.
func TestOnlyListedHostsAreReached(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
	defer receiver.Close()
	_, port, err := net.SplitHostPort(receiver.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	call := func(onlyPublic bool, url string, list ...string) error {
		reach, err := ParseReach(list)
		if err != nil {
			t.Fatal(err)
		}
		c := newClient()
		c.Allow, c.OnlyPublic = reach, onlyPublic
		_, err = c.CallWebhook(t.Context(), "once", map[string]any{"url": url}, "")
		return err
	}
	byName, byAddress := "http://localhost:"+port, receiver.URL
	for _, err := range []error{
		call(false, byAddress, "example.com"), call(false, byName, "*.localhost", "10.0.0.0/8"), call(false, "http://169.254.169.254/latest", "example.com"),
		call(false, byAddress, "localhost"),
	} {
		if !errors.Is(err, errUnlisted) {
			t.Errorf("what is not listed: %v", err)
		}
	}
	if err := call(true, byName, "localhost"); !errors.Is(err, errPrivate) {
		t.Errorf("a listed name that leads inside: %v", err)
	}
	if n := calls.Load(); n != 0 {
		t.Errorf("%d calls arrived", n)
	}
	for _, err := range []error{
		call(false, byName, "LOCALHOST."), call(false, byName, "127.0.0.0/8", "::1"), call(true, byName, "127.0.0.1", "::1"), call(true, byAddress, "127.0.0.1"), call(false, byAddress),
	} {
		if err != nil {
			t.Errorf("what is listed: %v", err)
		}
	}
	if n := calls.Load(); n != 5 {
		t.Errorf("%d calls arrived", n)
	}
	for _, text := range []string{"https://example.com", "exa mple", "", "*", "x*y", "10.0.0.0/40", "example.com:443"} {
		if _, err := ParseReach([]string{text}); err == nil {
			t.Errorf("%q is listed", text)
		}
	}
}

// TestANameThatChangesItsMindGainsNothing is CVE-2026-7724: a name that is public when it is
// checked and private when it is connected to.
func TestANameThatChangesItsMindGainsNothing(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
	defer receiver.Close()
	_, port, err := net.SplitHostPort(receiver.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	client := newClient()
	client.Resolver = rebinding(t)
	data := map[string]any{"url": "http://rebind.example:" + port, "allow_private_urls": false}
	for range 3 {
		if _, err := client.CallWebhook(t.Context(), "once", data, ""); !errors.Is(err, errPrivate) {
			t.Errorf("rebound: %v", err)
		}
	}
	data["allow_private_urls"] = true
	if _, err := client.CallWebhook(t.Context(), "once", data, ""); err != nil || calls.Load() != 1 {
		t.Errorf("the same name where it is allowed: %v, %d calls", err, calls.Load())
	}
}

// rebinding is a resolver that answers every question with this machine.
func rebinding(t *testing.T) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	go answerQuestions(conn)
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", conn.LocalAddr().String())
	}
	return &net.Resolver{PreferGo: true, Dial: dial}
}

func answerQuestions(conn net.PacketConn) {
	packet := make([]byte, 512)
	for {
		n, from, err := conn.ReadFrom(packet)
		if err != nil {
			return
		}
		question := packet[12:n]
		end := strings.IndexByte(string(question), 0) + 5
		isA := question[end-3] == 1
		answer := append([]byte{packet[0], packet[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, question[:end]...)
		if isA {
			answer[7] = 1
			answer = append(answer, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, 1)
		}
		_, _ = conn.WriteTo(answer, from)
	}
}

func TestWhatIsPublic(t *testing.T) {
	t.Parallel()
	for _, ip := range []string{"127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1", "::1", "::", "fe80::1", "fc00::1",
		"::ffff:127.0.0.1", "::ffff:10.0.0.1", "224.0.0.1", "255.255.255.255", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:db8::1"} {
		if public(netip.MustParseAddr(ip)) {
			t.Errorf("%s is public", ip)
		}
	}
	for _, ip := range []string{"8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8"} {
		if !public(netip.MustParseAddr(ip)) {
			t.Errorf("%s is not public", ip)
		}
	}
}

// TestMailIsSentUnderTLS holds a whole conversation with a mail server, both ways.
func TestMailIsSentUnderTLS(t *testing.T) {
	t.Parallel()
	certified := httptest.NewUnstartedServer(nil)
	certified.StartTLS()
	defer certified.Close()
	roots := x509.NewCertPool()
	roots.AddCert(certified.Certificate())
	for _, kind := range []string{"SSL", "STARTTLS"} {
		t.Run(kind, func(t *testing.T) {
			address, got := mailReceiver(t, certified.TLS, kind == "SSL")
			data := map[string]any{
				"smtp_server": "127.0.0.1", "smtp_port": float64(address.Port), "smtp_type": kind, "username": "me@example.com", "password": "s3cret",
			}
			client := newClient()
			if err := client.Notify(t.Context(), "once", MailBlock, data, "x", "x"); err == nil || !strings.Contains(err.Error(), "certificate") {
				t.Errorf("a certificate that nobody vouches for: %v", err)
			}
			client.Roots = roots
			if err := client.Notify(t.Context(), "once", MailBlock, data, "Ünï\r\nBcc: evil@example.com", "line one\nline Ü"); err != nil {
				t.Fatal(err)
			}
			text := <-got
			for _, want := range []string{"AUTH PLAIN AG1lQGV4YW1wbGUuY29tAHMzY3JldA==", "MAIL FROM:<me@example.com>", "RCPT TO:<me@example.com>", "Subject: =?utf-8?q?", "line one\r\nline =C3=9C"} {
				if !strings.Contains(text, want) {
					t.Errorf("no %q in\n%s", want, text)
				}
			}
			if strings.Contains(text, "\nBcc:") {
				t.Errorf("the subject starts a header:\n%s", text)
			}
		})
	}
}

// mailReceiver is a mail server that takes everything; got has each whole conversation.
func mailReceiver(t *testing.T, config *tls.Config, tlsFirst bool) (*net.TCPAddr, <-chan string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	got := make(chan string, 4)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			if tlsFirst {
				conn = tls.Server(conn, config)
			}
			if text := converse(conn, config); strings.Contains(text, "DATA") {
				got <- text
			}
		}
	}()
	return listener.Addr().(*net.TCPAddr), got
}

func converse(conn net.Conn, config *tls.Config) (heard string) {
	defer func() { _ = conn.Close() }()
	say := func(line string) { _, _ = io.WriteString(conn, line+"\r\n") }
	say("220 ready")
	lines := bufio.NewScanner(conn)
	inData := false
	for lines.Scan() {
		line := lines.Text()
		heard += line + "\r\n"
		switch word, _, _ := strings.Cut(line, " "); {
		case inData && line == ".":
			inData = false
			say("250 taken")
		case inData:
		case word == "EHLO":
			say("250-here\r\n250-STARTTLS\r\n250 AUTH PLAIN")
		case word == "STARTTLS":
			say("220 go")
			conn = tls.Server(conn, config)
			lines = bufio.NewScanner(conn)
		case word == "AUTH":
			say("235 known")
		case word == "DATA":
			inData = true
			say("354 go on")
		case word == "QUIT":
			say("221 bye")
			return heard
		default:
			say("250 fine")
		}
	}
	return heard
}
