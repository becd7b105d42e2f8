package server

import (
	"bytes"
	"context"
	_ "embed"
	htmltemplate "html/template"
	"log/slog"
	"sync"
	"text/template"
	"time"

	"github.com/usherhq/usher/internal/notify"
	"github.com/usherhq/usher/internal/server/identity"
)

// inviter mails those who are invited.
type inviter struct {
	url     string // where people reach the server
	mail    *notify.SMTP
	log     *slog.Logger
	letters chan identity.Invited
}

func newInviter(url string, mail *notify.SMTP, log *slog.Logger) *inviter {
	return &inviter{url: url, mail: mail, log: log, letters: make(chan identity.Invited, 1024)}
}

// post lets a mail go out. When too many wait it is dropped: the invitation holds without,
// for who signs in with its address.
func (i *inviter) post(to identity.Invited) {
	select {
	case i.letters <- to:
	default:
		i.log.Error("too many invitations wait to be mailed; one is dropped", "invitation", to.ID)
	}
}

// mailTries is how often a mail server is asked to take an invitation.
const mailTries = 5

func (i *inviter) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case to := <-i.letters:
			i.deliver(ctx, to)
		}
	}
}

func (i *inviter) deliver(ctx context.Context, to identity.Invited) {
	letter, err := i.compose(to)
	for try := 1; err == nil; try++ {
		if err = i.mail.Send(ctx, letter); err == nil || ctx.Err() != nil {
			return
		}
		if try == mailTries {
			break
		}
		i.log.Warn("an invitation was not delivered; trying again", "error", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Duration(try) * 5 * time.Second):
			err = nil
		}
	}
	i.log.Error("an invitation was not delivered", "invitation", to.ID, "error", err)
}

var (
	//go:embed invitation.txt
	invitationText string
	//go:embed invitation.html
	invitationHTML string

	plainInvitation = sync.OnceValue(func() *template.Template { return template.Must(template.New("invitation.txt").Parse(invitationText)) })
	htmlInvitation  = sync.OnceValue(func() *htmltemplate.Template {
		return htmltemplate.Must(htmltemplate.New("invitation.html").Parse(invitationHTML))
	})
)

func (i *inviter) compose(to identity.Invited) (notify.Letter, error) {
	data := struct {
		identity.Invited

		URL, API, End string
	}{to, i.url + "/auth/login", i.url + "/api", to.Until.UTC().Format("2 January 2006")}
	var text, html bytes.Buffer
	if err := plainInvitation().Execute(&text, data); err != nil {
		return notify.Letter{}, err
	}
	if err := htmlInvitation().Execute(&html, data); err != nil {
		return notify.Letter{}, err
	}
	return notify.Letter{ID: to.ID.String(), To: to.Email, Subject: "Invitation to " + to.Where, Text: text.String(), HTML: html.String()}, nil
}
