package pages

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/rules/credential"
	"github.com/usherhq/usher/internal/server/signin"
	"github.com/usherhq/usher/internal/store"
)

// account is what a person's page shows.
type account struct {
	NewKey     string
	Sessions   []sessionLine
	Keys       []keyLine
	Identities []store.UserIdentity
	Linkable   []provider // where the person could be linked with somebody
	// Refusals and Organizations are accounts that keep the person out for now, and those
	// whose way of signing in they decide.
	Refusals      []refusal
	Organizations []link
	Second        bool // the person shows a second factor
}

type sessionLine struct {
	ID                                 uuid.UUID
	What, IP, Agent, Created, LastUsed string
	Here                               bool
}

type keyLine struct {
	ID                              uuid.UUID
	Name, Masked, Expires, LastUsed string
}

// account shows what a person is signed in with, and their keys.
func (h *Handler) account(w http.ResponseWriter, r *http.Request) {
	v, err := h.visitor(r)
	switch {
	case err != nil:
		h.fail(w, r, err)
	case v == nil:
		signInFirst(w, r)
	default:
		h.showAccount(w, r, v, http.StatusOK, &page{})
	}
}

func (h *Handler) showAccount(w http.ResponseWriter, r *http.Request, v *signin.Visitor, status int, p *page) {
	a, err := h.accountOf(r, v)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	a.NewKey = p.Key
	if p.Passwords = h.service.Options().Passwords; p.Passwords {
		if p.Password, err = h.service.Password(r.Context(), v); err != nil {
			h.fail(w, r, err)
			return
		}
	}
	p.Title, p.Wide, p.Visitor, p.account = "Your account", true, v, a
	h.show(w, r, status, "account", p)
}

func (h *Handler) accountOf(r *http.Request, v *signin.Visitor) (*account, error) {
	a := &account{Refusals: h.refusals(v), Organizations: h.organizations(v)}
	sessions, err := h.service.Sessions(r.Context(), v.ID)
	if err != nil {
		return nil, err
	}
	for _, s := range sessions {
		what := "Command line"
		if s.Browser {
			what = "Browser"
		}
		a.Sessions = append(a.Sessions, sessionLine{s.ID, what, s.IP, s.Agent, when(s.Created), when(s.LastUsed), s.Family == v.Family})
	}
	keys, err := h.service.Keys(r.Context(), v)
	if err != nil {
		return nil, err
	}
	for i := range keys {
		k := &keys[i]
		line := keyLine{ID: k.ID, Name: k.Name, Masked: credential.Masked(k.Prefix, k.Suffix), Expires: "never", LastUsed: "never"}
		if k.Expiration != nil {
			line.Expires = when(k.Expiration.Time)
		}
		if k.LastUsed != nil {
			line.LastUsed = when(k.LastUsed.Time)
		}
		a.Keys = append(a.Keys, line)
	}
	factors, _, err := h.service.Factors(r.Context(), v)
	if err != nil {
		return nil, err
	}
	a.Second = len(factors) > 0
	a.Identities, err = h.service.Identities(r.Context(), v)
	for _, p := range h.providers() {
		if !slices.ContainsFunc(a.Identities, func(i store.UserIdentity) bool { return i.Provider == p.ID }) {
			a.Linkable = append(a.Linkable, p)
		}
	}
	return a, err
}

// changeAccount does what a button of a person's page says.
func (h *Handler) changeAccount(w http.ResponseWriter, r *http.Request) {
	v, err := h.visitor(r)
	if err == nil && v == nil {
		signInFirst(w, r)
		return
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	id, _ := uuid.Parse(r.PostForm.Get("id")) //nolint:errcheck // no id is the id of nothing
	from := h.from(r)
	switch r.PostForm.Get("action") {
	case "signout":
		if err = h.service.CloseSession(r.Context(), v, from); err == nil {
			h.dropCookie(w, sessionCookie)
			goTo(w, "/auth/login")
			return
		}
	case "end-session":
		_, err = h.service.EndSession(r.Context(), v.ID, id, from)
	case "end-others":
		err = h.service.EndOtherSessions(r.Context(), v, from)
	case "revoke-key":
		_, err = h.service.RevokeKey(r.Context(), v, id, from)
	case "unlink":
		err = h.service.Unlink(r.Context(), v, id, from)
	case "link":
		var to string
		if to, err = h.service.LinkAt(r.Context(), v, r.PostForm.Get("id"), h.browser(w, r)); err == nil {
			// A form may lead to this server only, a page that it leads to anywhere.
			w.Header().Set("Refresh", "0; url="+to)
			h.show(w, r, http.StatusOK, "message", &page{Title: "Going there", Text: "The provider asks who you are.", Link: &link{to, "Continue there"}})
			return
		}
	case "new-key":
		h.newKey(w, r, v, from)
		return
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	goTo(w, "/auth/account")
}

func (h *Handler) newKey(w http.ResponseWriter, r *http.Request, v *signin.Visitor, from signin.From) {
	days, err := strconv.Atoi(r.PostForm.Get("days"))
	if err != nil || days < 1 || days > 365 {
		h.fail(w, r, &signin.Problem{Code: "invalid_request", Text: "A key holds for 1 to 365 days."})
		return
	}
	key, _, err := h.service.NewKey(r.Context(), v, r.PostForm.Get("name"), time.Duration(days)*24*time.Hour, from)
	if signin.CodeOf(err) == signin.CodeStale {
		goTo(w, "/auth/login?next=%2Fauth%2Faccount")
		return
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.showAccount(w, r, v, http.StatusOK, &page{Key: key})
}
