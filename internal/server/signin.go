package server

import (
	"net"
	"net/url"
	"time"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/notify"
	"github.com/usherhq/usher/internal/server/signin"
	"github.com/usherhq/usher/internal/server/signin/pages"
)

// SignIn is how people sign in to a server that knows people.
type SignIn struct {
	signin.Options
	Mail notify.SMTP
}

// check says what is wrong with it.
func (o *SignIn) check() error {
	for i := range o.Trust {
		if err := o.Trust[i].Check(); err != nil {
			return api.Errorf(api.CodeInvalid, "%w", err)
		}
	}
	seen := map[string]bool{}
	for i := range o.Providers {
		if err := o.Providers[i].Check(); err != nil {
			return api.Errorf(api.CodeInvalid, "%w", err)
		}
		if id := o.Providers[i].ID; seen[id] {
			return api.Errorf(api.CodeInvalid, "two providers have the id %q: give one another id", id)
		}
		seen[o.Providers[i].ID] = true
	}
	if err := o.Mail.Check(); err != nil {
		return api.Errorf(api.CodeInvalid, "%w", err)
	}
	if o.PublicURL == "" {
		return nil
	}
	u, err := url.Parse(o.PublicURL)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Path != "" && u.Path != "/" {
		return api.Errorf(api.CodeInvalid, "USHER_SERVER_PUBLIC_URL is %q: it is where people reach this server, such as https://usher.example.com, without a path", o.PublicURL)
	}
	host, ip := u.Hostname(), net.ParseIP(u.Hostname())
	if u.Scheme != "https" && (u.Scheme != "http" || host != "localhost" && (ip == nil || !ip.IsLoopback())) {
		return api.Errorf(api.CodeInvalid, "USHER_SERVER_PUBLIC_URL is %q: people sign in there, so it must begin with https:// unless it is on this machine", o.PublicURL)
	}
	return nil
}

// mailer is the server's own way to send mail, nil without one.
func (o *SignIn) mailer(clock func() time.Time) *notify.SMTP {
	if o == nil || o.Mail.Host == "" {
		return nil
	}
	mail := o.Mail
	mail.Client = &notify.Client{Clock: clock}
	return &mail
}

// openSignIn makes what signs people in, at the address where the server listens unless
// they reach it somewhere else.
func (s *Server) openSignIn() error {
	o := s.options.SignIn
	if o == nil || s.listener == nil {
		return nil
	}
	if err := o.check(); err != nil {
		return err
	}
	at := o.Options
	if at.PublicURL == "" {
		host, _, err := net.SplitHostPort(s.listener.Addr().String())
		if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
			return api.Errorf(api.CodeInvalid, "people on other machines sign in to this server: set USHER_SERVER_PUBLIC_URL to where they reach it, such as https://usher.example.com")
		}
		at.PublicURL = s.URL()
	}
	mail := o.mailer(s.options.Clock)
	if mail == nil {
		mail = &notify.SMTP{}
		s.log.Warn("no mail server is set (USHER_SMTP_HOST): nobody can sign in by mail")
	}
	at.Key = s.core.SignInKey
	s.signin = signin.New(at, s.store, s.identity, mail, s.options.Clock, s.log)
	if mail.Host != "" {
		s.inviter = newInviter(at.PublicURL, mail, s.log)
		s.identity.OnInvitation(s.inviter.post)
	}
	s.doors = pages.New(s.signin, s.options.Front.Proxies, s.log)
	return nil
}
