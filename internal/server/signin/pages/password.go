package pages

import (
	"net/http"
	"time"

	"github.com/usherhq/usher/internal/server/signin"
)

// password asks for an address and its password.
func (h *Handler) password(w http.ResponseWriter, r *http.Request) {
	h.show(w, r, http.StatusOK, "password", &page{Title: "Sign in with a password", Next: next(r.URL.Query().Get("next"))})
}

// takePassword begins the session of who shows one; the second factor comes next.
func (h *Handler) takePassword(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	email, to := r.PostForm.Get("email"), next(r.PostForm.Get("next"))
	opened, err := h.service.SignInWithPassword(r.Context(), email, r.PostForm.Get("password"), h.from(r))
	if err != nil {
		atLeast(r.Context(), start, h.Floor)
		h.show(w, r, statusOf(err), "password", &page{Title: "Sign in with a password", Next: to, Email: email, Problem: h.worded(w, r, err)})
		return
	}
	opened.Next = to
	h.opened(w, r, opened, nil)
}

// ownPassword shows whether a person has a password, and how to change it.
func (h *Handler) ownPassword(w http.ResponseWriter, r *http.Request) {
	v, err := h.visitor(r)
	switch {
	case err != nil:
		h.fail(w, r, err)
	case v == nil:
		signInFirst(w, r)
	default:
		h.showPassword(w, r, v, http.StatusOK, "")
	}
}

func (h *Handler) showPassword(w http.ResponseWriter, r *http.Request, v *signin.Visitor, status int, problem string) {
	info, err := h.service.Password(r.Context(), v)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.show(w, r, status, "ownpassword", &page{Title: "Password", Visitor: v, Password: info, Problem: problem})
}

// changePassword does what a button of that page says.
func (h *Handler) changePassword(w http.ResponseWriter, r *http.Request) {
	v, err := h.visitor(r)
	if err == nil && v == nil {
		signInFirst(w, r)
		return
	}
	form, from := r.PostForm, h.from(r)
	switch action := form.Get("action"); {
	case err != nil:
	case action == "set" && form.Get("password") != form.Get("again"):
		err = &signin.Problem{Code: "invalid_request", Text: "The two are not the same."}
	case action == "set":
		err = h.service.SetPassword(r.Context(), v, form.Get("password"), from)
	case action == "remove":
		err = h.service.RemovePassword(r.Context(), v, from)
	default:
		err = &signin.Problem{Code: "invalid_request", Text: "The form has no button that this server knows."}
	}
	switch {
	case err == nil:
		goTo(w, "/auth/account")
	case v == nil:
		h.fail(w, r, err)
	default:
		h.showPassword(w, r, v, statusOf(err), h.worded(w, r, err))
	}
}
