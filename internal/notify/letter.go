package notify

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/netip"
	"net/textproto"
	"strings"
	"time"
)

// Letter is a mail to one address. HTML may be empty; so may ID, what its Message-ID begins
// with, which is then made up.
type Letter struct{ ID, To, Subject, Text, HTML string }

// write is the mail as it is sent. Line breaks in the subject can't start a header.
func (l Letter) write(from string, at time.Time) ([]byte, error) {
	if _, err := mail.ParseAddress(l.To); err != nil || strings.ContainsAny(l.To, "\r\n") {
		return nil, fmt.Errorf("the receiver of a mail is no address")
	}
	_, domain, _ := strings.Cut(from, "@")
	subject := strings.NewReplacer("\r", " ", "\n", " ").Replace(l.Subject)
	var b bytes.Buffer
	header := func(name, value string) { b.WriteString(name + ": " + value + "\r\n") }
	header("From", from)
	header("To", l.To)
	header("Subject", mime.QEncoding.Encode("utf-8", subject))
	header("Date", at.Format(time.RFC1123Z))
	header("Message-ID", "<"+cmp.Or(l.ID, rand.Text())+"@"+domain+">")
	header("MIME-Version", "1.0")
	if l.HTML == "" {
		header("Content-Type", "text/plain; charset=utf-8")
		header("Content-Transfer-Encoding", "quoted-printable")
		b.WriteString("\r\n")
		w := quotedprintable.NewWriter(&b)
		_, _ = w.Write([]byte(l.Text)) // a buffer takes everything
		err := w.Close()
		return b.Bytes(), err
	}
	parts := multipart.NewWriter(&b)
	header("Content-Type", `multipart/alternative; boundary="`+parts.Boundary()+`"`)
	b.WriteString("\r\n")
	for _, part := range [][2]string{{"text/plain", l.Text}, {"text/html", l.HTML}} {
		to, err := parts.CreatePart(textproto.MIMEHeader{
			"Content-Type": {part[0] + "; charset=utf-8"}, "Content-Transfer-Encoding": {"quoted-printable"},
		})
		if err != nil {
			return nil, err
		}
		w := quotedprintable.NewWriter(to)
		_, _ = w.Write([]byte(part[1])) // a buffer takes everything
		if err := w.Close(); err != nil {
			return nil, err
		}
	}
	err := parts.Close()
	return b.Bytes(), err
}

// SMTP is the server's own way to send mail.
type SMTP struct {
	Host           string // "" when there is none
	Port           int
	Plain          bool // without TLS, which only a loopback address may be
	User, Password string
	From           string
	Client         *Client
}

// Check says what is wrong with the settings.
func (s *SMTP) Check() error {
	if s.Host == "" {
		return nil
	}
	if _, err := mail.ParseAddress(s.From); err != nil || strings.ContainsAny(s.From, "<>\r\n") {
		return fmt.Errorf("%q is no address to send mail from: set USHER_SMTP_FROM to one such as usher@example.com", s.From)
	}
	if s.Plain && !isLoopback(s.Host) {
		return fmt.Errorf("mail with the links that sign people in would go to %s in the clear: USHER_SMTP_TLS=off is for a server on this machine only, leave it at required", s.Host)
	}
	return nil
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && ip.Unmap().IsLoopback()
}

// Send hands a letter to the mail server, under TLS: from the start on port 465, else after
// STARTTLS. A server that offers none gets nothing.
func (s *SMTP) Send(ctx context.Context, l Letter) error {
	if err := s.Check(); err != nil {
		return err
	}
	kind := "STARTTLS"
	switch {
	case s.Plain:
		kind = "INSECURE"
	case s.Port == 465:
		kind = "SSL"
	}
	return s.Client.hand(ctx, mailServer{host: s.Host, port: s.Port, user: s.User, password: s.Password, from: s.From, kind: kind}, false, l)
}
