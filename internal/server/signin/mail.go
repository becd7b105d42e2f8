package signin

import (
	"bytes"
	"context"
	_ "embed"
	htmltemplate "html/template"
	"net/url"
	"sync"
	"text/template"
	"time"

	"github.com/usherhq/usher/internal/notify"
	"github.com/usherhq/usher/internal/store"
)

// Mailer delivers letters.
type Mailer interface {
	Send(ctx context.Context, l notify.Letter) error
}

// letter is a mail that waits to be sent.
type letter struct {
	link  store.MagicLink
	token string
}

// post lets a letter go out. When too many wait it is dropped: who waits for it asks again.
func (s *Service) post(l letter) {
	select {
	case s.letters <- l:
	default:
		s.log.Error("too many sign-in mails wait; one is dropped")
	}
}

// send delivers letters until ctx ends.
func (s *Service) send(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case l := <-s.letters:
			s.deliver(ctx, l)
		}
	}
}

// deliver sends a letter and tries again while its link is fresh.
func (s *Service) deliver(ctx context.Context, l letter) {
	written, err := s.compose(l)
	for try := 1; err == nil; try++ {
		if err = s.mailer.Send(ctx, written); err == nil || ctx.Err() != nil {
			return
		}
		if try == 3 {
			break
		}
		s.log.Warn("a sign-in mail was not delivered; trying again", "error", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Duration(try) * 5 * time.Second):
			err = nil
		}
	}
	if err != nil {
		s.log.Error("a sign-in mail was not delivered", "error", err)
	}
}

var (
	//go:embed mail.txt
	mailText string
	//go:embed mail.html
	mailHTML string

	plainMail = sync.OnceValue(func() *template.Template { return template.Must(template.New("mail.txt").Parse(mailText)) })
	htmlMail  = sync.OnceValue(func() *htmltemplate.Template { return htmltemplate.Must(htmltemplate.New("mail.html").Parse(mailHTML)) })
)

// compose writes a letter, with the link on the server's own address.
func (s *Service) compose(l letter) (notify.Letter, error) {
	data := struct {
		URL, Site, IP, Agent, At, Words string
		Minutes                         int
	}{
		s.options.PublicURL + "/auth/verify?t=" + url.QueryEscape(l.token), s.Host(), l.link.IP, l.link.Agent,
		l.link.Created.UTC().Format("2 January 2006, 15:04 UTC"), "", int(s.options.LinkLife.Minutes()),
	}
	subject := "Sign in to " + data.Site
	if l.link.DeviceChallenge != nil {
		data.Words = l.link.Words
		subject = "Sign in to " + data.Site + " in a terminal (" + data.Words + ")"
	}
	var text, html bytes.Buffer
	if err := plainMail().Execute(&text, data); err != nil {
		return notify.Letter{}, err
	}
	if err := htmlMail().Execute(&html, data); err != nil {
		return notify.Letter{}, err
	}
	return notify.Letter{To: l.link.Email, Subject: subject, Text: text.String(), HTML: html.String()}, nil
}
