package signin

import (
	"context"
	"crypto/rand"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/identity"
	"github.com/usherhq/usher/internal/store"
)

// How often links are asked for and tried.
var (
	linksPerAddress      = limit{3, 15 * time.Minute}
	linksPerAddressDaily = limit{10, 24 * time.Hour}
	linksPerIP           = limit{10, 15 * time.Minute}
	redeemsPerIP         = limit{30, 15 * time.Minute}
)

const (
	attemptsPerLink = 5
	pollInterval    = 5 * time.Second
)

// kindLink is what the audit log calls a link.
const kindLink = "magic-link"

// methodLink is how somebody has signed in with one.
const methodLink = "magic-link"

// The purposes of links. Those that are beyond a limit lead nowhere.
const (
	purposeLogin    = "login"
	purposeJoin     = "accept-invite"
	purposeIdentity = "link-identity"
	purposeNowhere  = "nowhere"
)

// ErrNoAddress says that a text is no address of mail.
var ErrNoAddress = &Problem{Code: "invalid_request", Text: "That is no e-mail address. It looks like name@example.com."}

// Address is an address of mail as it is compared.
func Address(text string) (string, error) {
	norm, err := identity.NormalEmail(text)
	if err != nil || strings.ContainsFunc(norm, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return "", ErrNoAddress
	}
	return norm, nil
}

// LinkRequest asks for a link.
type LinkRequest struct {
	Email     string
	Browser   string // the secret in the cookie of the browser that asks, "" for a terminal
	Challenge string // of the terminal that asks, "" for a browser
	Next      string // where a browser goes then
	From      From

	identity *somebody // at a provider, which the link will be linked with
	provider string
}

// LinkSent is what who asked for a link is told, whether there is one or not.
type LinkSent struct {
	ID    uuid.UUID
	Words string // that a terminal shows and that the mail and the page show too
}

// RequestLink mails a link to an address that can sign in. Whether it can is not told: the
// same is done and kept for one that can't.
func (s *Service) RequestLink(ctx context.Context, r LinkRequest) (*LinkSent, error) {
	email, err := Address(r.Email)
	if err != nil {
		return nil, err
	}
	if r.Challenge != "" && !wellFormedChallenge(r.Challenge) {
		return nil, problem("invalid_request", "device_challenge is not the base64url of a SHA-256.")
	}
	key, err := s.sealer(ctx)
	if err != nil {
		return nil, err
	}
	token, words := NewSecret(), newWords()
	var link *store.MagicLink
	var refused error
	err = s.write(ctx, func(t *turn) error {
		link, refused = nil, nil
		if ok, err := t.within("link:ip:"+r.From.IP, linksPerIP); err != nil || !ok {
			refused = tooMany(linksPerIP)
			return err
		}
		link = &store.MagicLink{
			ID: newID(), Created: t.now, Expires: api.At(t.now.Add(s.options.LinkLife)), Email: email, Purpose: purposeLogin,
			TokenHash: hash(token), Words: words, IP: r.From.IP, Agent: short(r.From.Agent), Next: r.Next,
		}
		if r.Browser != "" {
			h := hash(r.Browser)
			link.BrowserHash = &h
		}
		if r.Challenge != "" {
			link.DeviceChallenge = &r.Challenge
		}
		if who := r.identity; who != nil {
			link.Purpose, link.Provider, link.Issuer, link.Subject = purposeIdentity, &r.provider, &who.issuer, &who.subject
		}
		if err := t.addressLink(link); err != nil {
			return err
		}
		mail, err := s.sealed(key, letter{link: *link, token: token})
		if err != nil {
			return err
		}
		return t.AddMail(mail, t.now)
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return nil, err
	}
	s.posted()
	return &LinkSent{link.ID, words}, nil
}

// addressLink finds whom a link is for, and keeps it.
func (t *turn) addressLink(link *store.MagicLink) error {
	bucket := "link:address:" + hash(link.Email)
	often, err := t.room(bucket, linksPerAddress)
	if err != nil {
		return err
	}
	daily, err := t.within(bucket, linksPerAddressDaily)
	if err != nil {
		return err
	}
	user, err := t.s.people.UserByEmail(t.Tx, link.Email)
	if err != nil {
		return err
	}
	enters, err := t.s.people.MayEnter(t.Tx, link.Email)
	if err != nil {
		return err
	}
	action := "requested"
	switch {
	case !often || !daily:
		link.Purpose, action = purposeNowhere, "limited"
	case !enters:
		link.Purpose = purposeNowhere
	case user == nil && link.Purpose == purposeLogin:
		link.Purpose = purposeJoin
	}
	if user != nil {
		link.User = &user.ID
	}
	if err := t.AddMagicLink(link); err != nil {
		return err
	}
	return t.audit(kindLink, action, link.ID, link.User, From{IP: link.IP, Agent: link.Agent})
}

func wellFormedChallenge(text string) bool {
	return len(text) == 43 && strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == ""
}

func short(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
	if runes := []rune(text); len(runes) > 200 {
		text = string(runes[:200])
	}
	return text
}

var errGone = &Problem{Code: CodeGone, Text: "This link is over: it was used, it expired, or a newer one was asked for. Ask for a new one."}

// Link is a link that is still good, as the page that it leads to shows it.
type Link struct {
	Email, Words, IP, Agent string
	Created                 time.Time
	ForTerminal             bool // it lets a terminal in that waits, and nobody here
	Here                    bool // this browser has asked for it
}

// LookAtLink says what a link would do. It changes nothing, so that who only follows links,
// as scanners of mail do, uses none up.
func (s *Service) LookAtLink(ctx context.Context, token, browser string) (*Link, error) {
	var out *Link
	err := s.read(ctx, func(t *turn) error {
		link, err := t.goodLink(token)
		if err != nil {
			return err
		}
		out = &Link{
			Email: link.Email, Words: link.Words, IP: link.IP, Agent: link.Agent, Created: link.Created.Time,
			ForTerminal: link.DeviceChallenge != nil, Here: askedBy(link, browser),
		}
		return nil
	})
	return out, err
}

func askedBy(link *store.MagicLink, browser string) bool {
	return browser != "" && link.BrowserHash != nil && same(*link.BrowserHash, hash(browser))
}

// goodLink finds the link of a token that leads somewhere.
func (t *turn) goodLink(token string) (*store.MagicLink, error) {
	link, err := none(t.MagicLinkByToken(hash(token)))
	if err != nil {
		return nil, err
	}
	if !t.isGood(link) {
		return nil, errGone
	}
	return link, nil
}

func (t *turn) isGood(link *store.MagicLink) bool {
	return link != nil && link.Purpose != purposeNowhere && link.Used == nil && link.Ended == nil && t.now.Before(link.Expires.Time)
}

// RedeemLink signs in the browser that has asked for the link.
func (s *Service) RedeemLink(ctx context.Context, token, browser string, from From) (*Opened, error) {
	return s.redeem(ctx, from, func(t *turn) (*store.MagicLink, error) {
		link, err := t.goodLink(token)
		if err == nil && (link.DeviceChallenge != nil || !askedBy(link, browser)) {
			err = problem("access_denied", "This link was asked for in another browser. Show its code here and type that there.")
		}
		return link, err
	})
}

// ShowCode makes the code that stands for a link whose mail was opened in another browser
// than the one that has asked. Only the one that has asked can use it.
func (s *Service) ShowCode(ctx context.Context, token string, from From) (code string, err error) {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		return "", err
	}
	code = fmt.Sprintf("%06d", n)
	err = s.write(ctx, func(t *turn) error {
		link, err := t.goodLink(token)
		if err != nil {
			return err
		}
		if link.DeviceChallenge != nil || link.BrowserHash == nil {
			return problem("access_denied", "This link is for a terminal that waits and has no code.")
		}
		if err := t.SetMagicLinkCode(link.ID, hash(link.ID.String()+code)); err != nil {
			return err
		}
		return t.audit(kindLink, "code-shown", link.ID, link.User, from)
	})
	return code, err
}

// RedeemCode signs in the browser that has asked for a link, by the link's code.
func (s *Service) RedeemCode(ctx context.Context, browser, code string, from From) (*Opened, error) {
	code = strings.Join(strings.Fields(code), "")
	return s.redeem(ctx, from, func(t *turn) (*store.MagicLink, error) {
		link, err := none(t.MagicLinkByBrowser(hash(browser)))
		if err != nil {
			return nil, err
		}
		if browser == "" || link == nil {
			return nil, errWrongCode
		}
		allowed, err := t.TryMagicLink(link.ID, attemptsPerLink)
		switch {
		case err != nil:
			return nil, err
		case !allowed:
			return nil, problem(CodeGone, "That were too many wrong codes. Ask for a new link.")
		case !t.isGood(link) || link.CodeHash == nil || !same(*link.CodeHash, hash(link.ID.String()+code)):
			return nil, errWrongCode
		}
		return link, nil
	})
}

var errWrongCode = &Problem{Code: "access_denied", Text: "That is not the code, or it is over. Look at the page that the link in the mail has opened."}

// redeem opens a session with the link that find finds; what it refuses is written down.
func (s *Service) redeem(ctx context.Context, from From, find func(*turn) (*store.MagicLink, error)) (*Opened, error) {
	var opened *Opened
	var refused error
	err := s.write(ctx, func(t *turn) error {
		opened, refused = nil, nil
		ok, err := t.within("redeem:ip:"+from.IP, redeemsPerIP)
		if err != nil {
			return err
		}
		if !ok {
			refused = tooMany(redeemsPerIP)
			return nil
		}
		link, err := find(t)
		if err == nil {
			var taken bool
			if taken, err = t.UseMagicLink(link.ID, t.now); err == nil && !taken {
				err = errGone
			}
		}
		if err == nil {
			opened, err = t.openFor(link, from)
		}
		if CodeOf(err) != "" {
			refused = err
			if link == nil {
				link = &store.MagicLink{}
			}
			return t.audit(kindLink, "refused", link.ID, link.User, from, "reason", CodeOf(err))
		}
		return err
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return nil, err
	}
	return opened, nil
}

// openFor begins a session of who has proven to read the mail of an address.
func (t *turn) openFor(link *store.MagicLink, from From) (*Opened, error) {
	user, err := t.admit(link.Email, "", "", from)
	if err != nil {
		return nil, err
	}
	p := proof{actor: user, method: methodLink}
	if link.Issuer != nil {
		if err := t.linkIdentity(link, user, from); err != nil {
			return nil, err
		}
		p.method, p.sso = *link.Provider, samlAccount(*link.Issuer)
	}
	if p.sso != nil {
		if added, err := t.s.people.AdmitTo(t.Tx, identity.By{IP: from.IP, UserAgent: short(from.Agent)}, *p.sso, link.Email, "", ""); err != nil || added == nil {
			return nil, cmpErr(err, errNotLetIn)
		}
	}
	opened, err := t.open(p, from)
	if err == nil {
		opened.Next = link.Next
	}
	return opened, err
}

// linkIdentity notes who a person is at the provider that has sent them.
func (t *turn) linkIdentity(link *store.MagicLink, user uuid.UUID, from From) error {
	if known, err := none(t.UserIdentity(*link.Issuer, *link.Subject)); err != nil || known != nil {
		if err == nil && known.User != user {
			err = errNotLetIn
		}
		return err
	}
	i := &store.UserIdentity{ID: newID(), User: user, Provider: *link.Provider, Issuer: *link.Issuer, Subject: *link.Subject, Email: link.Email, Created: t.now, LastLogin: t.now}
	if err := t.AddUserIdentity(i); err != nil {
		return err
	}
	return t.audit("user-identity", "linked", i.ID, &user, from, "provider", i.Provider)
}

// admit finds who has an address that was proven, or makes a user of who was invited.
func (t *turn) admit(email, firstName, lastName string, from From) (uuid.UUID, error) {
	user, err := t.s.people.Admit(t.Tx, identity.By{IP: from.IP, UserAgent: short(from.Agent)}, email, firstName, lastName)
	if err == nil && user == nil {
		err = errNotLetIn
	}
	if err != nil {
		return uuid.UUID{}, err
	}
	return user.ID, nil
}

// DecideLink lets the terminal in that has asked for a link, or sends it away. Who clicks
// gets nothing.
func (s *Service) DecideLink(ctx context.Context, token string, approve bool, from From) error {
	var refused error
	err := s.write(ctx, func(t *turn) error {
		refused = nil
		link, err := t.goodLink(token)
		if err != nil {
			return err
		}
		if link.DeviceChallenge == nil || link.Approved != nil {
			return errGone
		}
		if !approve {
			if err := t.EndMagicLink(link.ID, "denied"); err != nil {
				return err
			}
			return t.audit(kindLink, "denied", link.ID, link.User, from)
		}
		if link.User != nil {
			has, err := t.hasSecond(*link.User)
			if err != nil {
				return err
			}
			if has {
				refused = problem("access_denied", "You sign in with a second factor, which a terminal can't ask for. Begin there with `usher login --web` or `usher login --device` instead.")
				if err := t.EndMagicLink(link.ID, "denied"); err != nil {
					return err
				}
				return t.audit(kindLink, "denied", link.ID, link.User, from, "reason", "second factor")
			}
		}
		if taken, err := t.ApproveMagicLink(link.ID, t.now); err != nil || !taken {
			return orGone(err)
		}
		return t.audit(kindLink, "approved", link.ID, link.User, from)
	})
	if err == nil {
		err = refused
	}
	return err
}

func orGone(err error) error {
	if err == nil {
		return errGone
	}
	return err
}

// PollLink gives tokens to the terminal that has asked for a link, once that was approved.
func (s *Service) PollLink(ctx context.Context, id uuid.UUID, verifier string, from From) (*Tokens, error) {
	var tokens *Tokens
	var refused error
	err := s.write(ctx, func(t *turn) error {
		tokens, refused = nil, nil
		link, err := none(t.MagicLinkByID(id))
		if err != nil {
			return err
		}
		refused = t.pollProblem(link, verifier)
		switch CodeOf(refused) {
		case "authorization_pending":
			return t.PollMagicLink(id, t.now)
		case "slow_down":
			return nil
		case "":
		default:
			return t.audit(kindLink, "poll-refused", id, nil, from, "reason", CodeOf(refused))
		}
		if taken, err := t.UseMagicLink(id, t.now); err != nil || !taken {
			refused = errExpired
			return err
		}
		user, err := t.admit(link.Email, "", "", from)
		if err == nil {
			var has bool
			if has, err = t.hasSecond(user); err == nil && has { // set up since it was approved
				err = errDenied
			}
		}
		if err == nil {
			tokens, err = t.grant(sign{proof: proof{actor: user, method: methodLink, at: t.now}, client: CLI, family: newID(), from: from})
		}
		if CodeOf(err) != "" {
			refused, tokens = err, nil
			return nil
		}
		return err
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return nil, err
	}
	return tokens, nil
}

var (
	errPending = &Problem{Code: "authorization_pending", Text: "Nobody has approved yet."}
	errSlower  = &Problem{Code: "slow_down", Text: "Ask less often."}
	errExpired = &Problem{Code: "expired_token", Text: "This sign-in is over. Begin again."}
	errDenied  = &Problem{Code: "access_denied", Text: "The sign-in was denied."}
)

// pollProblem says why a terminal gets no tokens, nil if it does.
func (t *turn) pollProblem(link *store.MagicLink, verifier string) error {
	switch {
	case link == nil || link.DeviceChallenge == nil || link.Used != nil:
		return errExpired
	case !same(*link.DeviceChallenge, challenge(verifier)):
		return errDenied
	case link.Ended != nil && *link.Ended == "denied":
		return errDenied
	case link.Ended != nil || !t.now.Before(link.Expires.Time):
		return errExpired
	case link.LastPoll != nil && t.now.Sub(link.LastPoll.Time) < pollInterval-time.Second:
		return errSlower
	case link.Purpose == purposeNowhere || link.Approved == nil:
		return errPending
	}
	return nil
}
