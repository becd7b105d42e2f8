package pages

import (
	"net/http"

	"github.com/usherhq/usher/internal/server/signin"
)

// providers are the other places to sign in at.
func (h *Handler) providers() (list []provider) {
	for _, p := range h.service.Providers() {
		list = append(list, provider{p.ID, p.Name})
	}
	return list
}

// beginAt sends a browser to another place.
func (h *Handler) beginAt(w http.ResponseWriter, r *http.Request) {
	to, err := h.service.BeginAt(r.Context(), r.PathValue("provider"), h.browser(w, r), next(r.URL.Query().Get("next")))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	goTo(w, to)
}

// returnFrom takes a browser that comes back from there.
func (h *Handler) returnFrom(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	arrived, err := h.service.ReturnFrom(r.Context(), signin.Returned{
		Provider: r.PathValue("provider"), State: q.Get("state"), Code: q.Get("code"), Issuer: q.Get("iss"), Error: q.Get("error"),
		Browser: h.cookie(r, browserCookie), Session: h.cookie(r, sessionCookie), From: h.from(r),
	})
	h.arrived(w, r, arrived, err)
}
