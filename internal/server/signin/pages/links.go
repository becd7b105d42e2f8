package pages

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/server/signin"
)

// login shows where to sign in.
func (h *Handler) login(w http.ResponseWriter, r *http.Request) {
	to := next(r.URL.Query().Get("next"))
	v, err := h.visitor(r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	if v != nil && to == "" {
		goTo(w, "/auth/account")
		return
	}
	h.show(w, r, http.StatusOK, "login", h.loginPage(to, ""))
}

func (h *Handler) loginPage(to, email string) *page {
	return &page{Title: "Sign in", Next: to, Email: email, Providers: h.providers(), Passwords: h.service.Options().Passwords}
}

// sendLink sends a link to who has typed an address.
func (h *Handler) sendLink(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	email, to := r.PostForm.Get("email"), next(r.PostForm.Get("next"))
	_, err := h.service.RequestLink(r.Context(), signin.LinkRequest{Email: email, Browser: h.browser(w, r), Next: to, From: h.from(r)})
	if err != nil {
		p := h.loginPage(to, email)
		p.Problem = h.worded(w, r, err)
		h.show(w, r, statusOf(err), "login", p)
		return
	}
	atLeast(r.Context(), start, h.Floor)
	goTo(w, "/auth/sent?"+url.Values{"email": {strings.TrimSpace(email)}, "next": {to}}.Encode())
}

func (h *Handler) sent(w http.ResponseWriter, r *http.Request) {
	h.show(w, r, http.StatusOK, "sent", h.sentPage(r))
}

func (h *Handler) sentPage(r *http.Request) *page {
	email := r.URL.Query().Get("email")
	if _, err := signin.Address(email); err != nil {
		email = "the address"
	}
	return &page{Title: "Look at your mail", Email: email, Next: next(r.URL.Query().Get("next")), Minutes: int(h.service.Options().LinkLife.Minutes())}
}

// verify shows what a link would do. It does nothing: programs that scan mail follow links.
func (h *Handler) verify(w http.ResponseWriter, r *http.Request) {
	token := r.URL.Query().Get("t")
	asked, err := h.service.LookAtLink(r.Context(), token, h.cookie(r, browserCookie))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	title := "Sign in"
	if asked.ForTerminal {
		title = "Let a terminal in"
	}
	h.show(w, r, http.StatusOK, "verify", &page{Title: title, Token: token, Asked: asked, At: when(asked.Created)})
}

// when is a time for people.
func when(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04 UTC") }

// redeem does what a button of the page of a link says.
func (h *Handler) redeem(w http.ResponseWriter, r *http.Request) {
	token, from := r.PostForm.Get("t"), h.from(r)
	switch action := r.PostForm.Get("action"); action {
	case "signin":
		opened, err := h.service.RedeemLink(r.Context(), token, h.cookie(r, browserCookie), from)
		h.opened(w, r, opened, err)
	case "code":
		opened, err := h.service.RedeemCode(r.Context(), h.cookie(r, browserCookie), r.PostForm.Get("code"), from)
		if err != nil && signin.CodeOf(err) == "access_denied" {
			p := h.sentPage(r)
			p.Problem = err.Error()
			h.show(w, r, http.StatusForbidden, "sent", p)
			return
		}
		h.opened(w, r, opened, err)
	case "show":
		code, err := h.service.ShowCode(r.Context(), token, from)
		if err != nil {
			h.fail(w, r, err)
			return
		}
		h.show(w, r, http.StatusOK, "code", &page{Title: "Your code", Code: code[:3] + " " + code[3:]})
	case "approve", "deny":
		if err := h.service.DecideLink(r.Context(), token, action == "approve", from); err != nil {
			h.fail(w, r, err)
			return
		}
		p := &page{Title: "Approved", Text: "The terminal is signed in. You can close this page."}
		if action == "deny" {
			p = &page{Title: "Denied", Text: "The terminal was sent away. You can close this page."}
		}
		h.show(w, r, http.StatusOK, "message", p)
	default:
		h.fail(w, r, &signin.Problem{Code: "invalid_request", Text: "The form has no button that this server knows."})
	}
}

// opened gives a browser its session and sends it on. Who was signed in before no longer is.
func (h *Handler) opened(w http.ResponseWriter, r *http.Request, o *signin.Opened, err error) {
	if err != nil {
		h.fail(w, r, err)
		return
	}
	if before, err := h.visitor(r); err == nil && before != nil {
		if err := h.service.CloseSession(r.Context(), before, h.from(r)); err != nil {
			h.fail(w, r, err)
			return
		}
	}
	h.keepSession(w, r, o)
	to := next(o.Next)
	if o.Half {
		goTo(w, "/auth/second?"+url.Values{"next": {to}}.Encode())
		return
	}
	if to == "" {
		to = "/auth/account"
	}
	goTo(w, to)
}

// keepSession gives a browser the cookies of its session. Forms of before are no good in it.
func (h *Handler) keepSession(w http.ResponseWriter, r *http.Request, o *signin.Opened) {
	browser := signin.NewSecret()
	h.setCookie(w, sessionCookie, o.Secret, time.Until(o.Expires))
	h.setCookie(w, browserCookie, browser, 24*time.Hour)
	r.Header.Del("Cookie") // what is shown in this answer is of the new session
	r.AddCookie(&http.Cookie{Name: h.cookieName(sessionCookie), Value: o.Secret})
	r.AddCookie(&http.Cookie{Name: h.cookieName(browserCookie), Value: browser})
}

// linkBody asks for a link through the API.
type linkBody struct {
	Email     string `json:"email"`
	Challenge string `json:"device_challenge,omitzero"`
	Client    string `json:"client,omitzero"`
}

type linkAnswer struct {
	Detail    string    `json:"detail"`
	RequestID uuid.UUID `json:"request_id"`
	Words     string    `json:"pairing_words,omitzero"`
	Life      int       `json:"expires_in"`
	Interval  int       `json:"interval"`
}

// apiSendLink sends a link for a terminal or a page.
func (h *Handler) apiSendLink(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	var body linkBody
	if err := readJSON(r, &body); err != nil {
		h.refuse(w, r, err)
		return
	}
	if r.Header.Get("Origin") != "" && !h.sameOrigin(r) {
		h.refuse(w, r, &signin.Problem{Code: "access_denied", Text: "Pages of others can't ask for links."})
		return
	}
	ask := signin.LinkRequest{Email: body.Email, Challenge: body.Challenge, From: h.from(r)}
	if body.Challenge == "" {
		ask.Browser = h.browser(w, r)
	}
	sent, err := h.service.RequestLink(r.Context(), ask)
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	answer := linkAnswer{
		Detail: "If the address can sign in, a message is on its way.", RequestID: sent.ID, Life: int(h.service.Options().LinkLife.Seconds()), Interval: 5,
	}
	if body.Challenge != "" {
		answer.Words = sent.Words
	}
	atLeast(r.Context(), start, h.Floor)
	answerJSON(w, http.StatusAccepted, answer)
}

// apiPoll gives tokens to the terminal that has asked for a link.
func (h *Handler) apiPoll(w http.ResponseWriter, r *http.Request) {
	var body struct {
		RequestID uuid.UUID `json:"request_id"`
		Verifier  string    `json:"device_verifier"`
	}
	if err := readJSON(r, &body); err != nil {
		h.refuse(w, r, err)
		return
	}
	tokens, err := h.service.PollLink(r.Context(), body.RequestID, body.Verifier, h.from(r))
	h.giveTokens(w, r, tokens, err)
}

// apiLogout ends the session of the browser, or that of the token that is shown.
func (h *Handler) apiLogout(w http.ResponseWriter, r *http.Request) {
	kind, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(kind, "Bearer") {
		if err := h.service.Revoke(r.Context(), token, h.from(r)); err != nil {
			h.refuse(w, r, err)
			return
		}
	} else {
		if !h.sameOrigin(r) {
			h.refuse(w, r, &signin.Problem{Code: "access_denied", Text: "Pages of others can't sign people out."})
			return
		}
		v, err := h.visitor(r)
		if err == nil && v != nil {
			err = h.service.CloseSession(r.Context(), v, h.from(r))
		}
		if err != nil {
			h.refuse(w, r, err)
			return
		}
		h.dropCookie(w, sessionCookie)
	}
	w.WriteHeader(http.StatusNoContent)
}

func readJSON(r *http.Request, v any) error {
	body, err := io.ReadAll(r.Body)
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return &signin.Problem{Code: "invalid_request", Text: "The request is too large."}
	}
	if err == nil {
		err = json.Unmarshal(body, v)
	}
	if err != nil {
		return &signin.Problem{Code: "invalid_request", Text: "The body is not the JSON object that is expected here."}
	}
	return nil
}
