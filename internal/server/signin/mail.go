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

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/crypt"
	"github.com/usherhq/usher/internal/notify"
	"github.com/usherhq/usher/internal/store"
)

// Mailer delivers letters.
type Mailer interface {
	Send(ctx context.Context, l notify.Letter) error
}

// How long mails wait: one that was not taken, the next look for those of other servers, and
// one whose server has died while sending.
const (
	mailDelay = 5 * time.Second
	mailLook  = 15 * time.Second
	mailLease = time.Minute
)

// outboxPlace is where a mail that waits belongs.
func outboxPlace(id uuid.UUID) crypt.Place {
	return crypt.Place{Table: "mail_outbox", Row: id, Column: "sealed"}
}

// sealed is a letter as it waits: it has a link that lets somebody in.
func (s *Service) sealed(key crypt.Named, l letter) (*store.WaitingMail, error) {
	written, err := s.compose(l)
	if err != nil {
		return nil, err
	}
	m := store.WaitingMail{ID: l.link.ID, Expires: l.link.Expires, Due: l.link.Created}
	if l.link.Purpose == purposeNowhere { // it is kept as long as others are, and never sent
		m.Due = l.link.Expires
	}
	return sealLetter(key, m, written)
}

// sealLetter makes a letter wait.
func sealLetter(key crypt.Named, m store.WaitingMail, l notify.Letter) (*store.WaitingMail, error) {
	text, err := json.Marshal(l)
	if err == nil {
		m.Sealed, err = crypt.Seal(key, text, outboxPlace(m.ID))
	}
	return &m, err
}

// letter is a mail with a link.
type letter struct {
	link  store.MagicLink
	token string
}

// posted lets the mails go out that wait.
func (s *Service) posted() {
	select {
	case s.mails <- struct{}{}:
	default: // it looks anyway
	}
}

// send delivers what waits until ctx ends; what it does not get to is delivered by another
// server or after the next start.
func (s *Service) send(ctx context.Context) {
	for {
		sent, err := s.sendOne(ctx)
		if err != nil && ctx.Err() == nil {
			s.log.Error("cannot send mails", "error", err)
		}
		if sent && err == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-s.mails:
		case <-time.After(mailLook):
		}
	}
}

// sendOne delivers the mail that has waited longest, and says whether one was due.
func (s *Service) sendOne(ctx context.Context) (bool, error) {
	key, err := s.sealer(ctx)
	if err != nil {
		return false, err
	}
	var m *store.WaitingMail
	err = s.write(ctx, func(t *turn) (err error) {
		m, err = none(t.TakeMail(t.now, api.At(t.now.Add(mailLease))))
		return err
	})
	if err != nil || m == nil {
		return false, err
	}
	text, err := crypt.Open(key, m.Sealed, outboxPlace(m.ID))
	var l notify.Letter
	if err == nil {
		err = json.Unmarshal(text, &l)
	}
	if err == nil {
		err = s.mailer.Send(ctx, l)
	}
	switch {
	case ctx.Err() != nil:
		return false, ctx.Err()
	case err == nil:
		return true, s.write(ctx, func(t *turn) error { return t.DropMail(m.ID) })
	}
	delay := time.Duration(m.Tries) * mailDelay
	s.log.Warn("a mail was not delivered; trying again while it is worth it", "error", err, "tries", m.Tries, "in", delay)
	time.AfterFunc(delay, s.posted)
	return true, s.write(ctx, func(t *turn) error { return t.DelayMail(m.ID, api.At(t.now.Add(delay))) })
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
