package pages

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/uuid"
	"rsc.io/qr"

	"github.com/usherhq/usher/internal/server/signin"
)

// factors is what the page of second factors shows.
type factors struct {
	List []factorLine
	Left int // recovery codes

	Codes   []string // new ones
	Seed    *signin.AppSeed
	Size    int    // of the QR code, in modules
	Modules string // of the QR code, as the path of an SVG
}

type factorLine struct {
	ID                            uuid.UUID
	Name, Kind, Created, LastUsed string
}

// second asks who has shown the first proof for the second.
func (h *Handler) second(w http.ResponseWriter, r *http.Request) {
	h.showSecond(w, r, http.StatusOK, next(r.URL.Query().Get("next")), "")
}

func (h *Handler) showSecond(w http.ResponseWriter, r *http.Request, status int, to, problem string) {
	half, err := h.service.Half(r.Context(), h.cookie(r, sessionCookie))
	switch {
	case err != nil:
		h.fail(w, r, err)
		return
	case half == nil && problem == "":
		goTo(w, "/auth/login?"+url.Values{"next": {to}}.Encode())
		return
	case half == nil:
		h.show(w, r, status, "message", &page{Title: "That did not work", Problem: problem, Link: &link{"/auth/login", "Go to the sign-in page"}})
		return
	}
	p := &page{Title: "Second factor", Half: half, Next: to, Problem: problem}
	if half.Passkey {
		p.Script = "/auth/second.js"
	}
	h.show(w, r, status, "second", p)
}

// takeSecond signs in who shows it.
func (h *Handler) takeSecond(w http.ResponseWriter, r *http.Request) {
	cookie, to, ctx := h.cookie(r, sessionCookie), next(r.PostForm.Get("next")), r.Context()
	second := signin.Second{Code: r.PostForm.Get("code")}
	switch r.PostForm.Get("action") {
	case "ask-passkey":
		options, err := h.service.AskForPasskey(ctx, cookie)
		h.giveOptions(w, r, options, err)
		return
	case "passkey":
		second = signin.Second{Passkey: []byte(r.PostForm.Get("answer"))}
	}
	opened, err := h.service.ShowSecond(ctx, cookie, second, h.from(r))
	if err != nil {
		h.showSecond(w, r, statusOf(err), to, h.worded(w, r, err))
		return
	}
	opened.Next = to
	h.opened(w, r, opened, nil)
}

// giveOptions tells a page's script what to ask the browser for.
func (h *Handler) giveOptions(w http.ResponseWriter, r *http.Request, options any, err error) {
	if err != nil {
		answerJSON(w, statusOf(err), map[string]string{"detail": h.worded(w, r, err)})
		return
	}
	answerJSON(w, http.StatusOK, options)
}

// factors shows a person's second factors.
func (h *Handler) factors(w http.ResponseWriter, r *http.Request) {
	v, err := h.visitor(r)
	switch {
	case err != nil:
		h.fail(w, r, err)
	case v == nil:
		signInFirst(w, r)
	default:
		h.showFactors(w, r, v, http.StatusOK, &page{Factors: &factors{}})
	}
}

func (h *Handler) showFactors(w http.ResponseWriter, r *http.Request, v *signin.Visitor, status int, p *page) {
	list, left, err := h.service.Factors(r.Context(), v)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	p.Factors.Left = left
	for _, f := range list {
		line := factorLine{ID: f.ID, Name: f.Name, Kind: "authenticator app", Created: when(f.Created), LastUsed: "never"}
		if f.Passkey {
			line.Kind = "passkey"
		}
		if f.LastUsed != nil {
			line.LastUsed = when(*f.LastUsed)
		}
		p.Factors.List = append(p.Factors.List, line)
	}
	p.Title, p.Wide, p.Visitor = "Second factor", true, v
	if h.service.Passkeys() && p.Factors.Seed == nil {
		p.Script = "/auth/second.js"
	}
	h.show(w, r, status, "factors", p)
}

// changeFactors does what a button of that page says.
func (h *Handler) changeFactors(w http.ResponseWriter, r *http.Request) {
	v, err := h.visitor(r)
	if err == nil && v == nil {
		signInFirst(w, r)
		return
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	ctx, from, form := r.Context(), h.from(r), r.PostForm
	id, _ := uuid.Parse(form.Get("id")) //nolint:errcheck // no id is the id of nothing
	p := &page{Factors: &factors{}}
	switch form.Get("action") {
	case "add-app":
		if p.Factors.Seed, err = h.service.AddApp(ctx, v, form.Get("name")); err == nil {
			err = p.Factors.draw()
		}
	case "confirm-app":
		var done *signin.Enrolled
		done, err = h.service.ConfirmApp(ctx, v, id, form.Get("code"), from)
		h.enrolled(w, r, done, err)
		return
	case "ask-new-passkey":
		options, err := h.service.AskForNewPasskey(ctx, v)
		h.giveOptions(w, r, options, err)
		return
	case "add-passkey":
		done, err := h.service.AddPasskey(ctx, v, form.Get("name"), []byte(form.Get("answer")), from)
		h.enrolled(w, r, done, err)
		return
	case "new-codes":
		p.Factors.Codes, err = h.service.NewRecovery(ctx, v, from)
	case "remove":
		if err = h.service.RemoveFactor(ctx, v, id, from); err == nil {
			goTo(w, "/auth/factors")
			return
		}
	}
	if err != nil {
		h.failFactors(w, r, err)
		return
	}
	h.showFactors(w, r, v, http.StatusOK, p)
}

// failFactors sends who has not signed in just now to do that; others see what is wrong.
func (h *Handler) failFactors(w http.ResponseWriter, r *http.Request, err error) {
	text := h.worded(w, r, err)
	to := link{"/auth/factors", "Back to your second factors"}
	if signin.CodeOf(err) == signin.CodeStale {
		to = link{"/auth/login?next=%2Fauth%2Ffactors", "Sign in again"}
	}
	h.show(w, r, statusOf(err), "message", &page{Title: "That did not work", Problem: text, Link: &to})
}

// enrolled goes on with the new session of who has set up a second factor.
func (h *Handler) enrolled(w http.ResponseWriter, r *http.Request, done *signin.Enrolled, err error) {
	if err != nil {
		h.failFactors(w, r, err)
		return
	}
	h.keepSession(w, r, done.Opened)
	v, err := h.service.Session(r.Context(), done.Secret)
	if err != nil || v == nil {
		goTo(w, "/auth/factors")
		return
	}
	h.showFactors(w, r, v, http.StatusOK, &page{Factors: &factors{Codes: done.Codes}})
}

// quiet is how wide the empty edge of a QR code is, in modules.
const quiet = 4

// draw draws the QR code of the seed.
func (f *factors) draw() error {
	code, err := qr.Encode(f.Seed.URI, qr.M)
	if err != nil {
		return err
	}
	f.Size = code.Size + 2*quiet
	var path strings.Builder
	for y := range code.Size {
		for x := range code.Size {
			if code.Black(x, y) {
				fmt.Fprintf(&path, "M%d %dh1v1h-1z", x+quiet, y+quiet)
			}
		}
	}
	f.Modules = path.String()
	return nil
}

func secondScript(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	http.ServeFileFS(w, r, files, "second.js")
}
