package rest

import (
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// writes are the methods that a foreign page must not use in the name of a user.
func writes(method string) bool {
	return slices.Contains([]string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}, method)
}

func (a *API) checkCSRF(r *http.Request) error {
	if !writes(r.Method) {
		return nil
	}
	return a.Core.CheckCSRF(r.Context(), r.Header.Get("Prefect-Csrf-Token"), r.Header.Get("Prefect-Csrf-Client"))
}

// CORS says which pages of other origins may call the API. The zero value is every page.
type CORS struct{ Origins, Methods, Headers []string }

func everything(list []string) bool { return len(list) == 0 || slices.Contains(list, "*") }

// apply lets a page of another origin in, or not; it answers preflight requests itself.
func (c CORS) apply(w http.ResponseWriter, r *http.Request) (answered bool) {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return false
	}
	h := w.Header()
	allowed := everything(c.Origins) || slices.Contains(c.Origins, origin)
	switch {
	case everything(c.Origins):
		h.Set("Access-Control-Allow-Origin", "*")
	case allowed:
		h.Set("Access-Control-Allow-Origin", origin)
		h.Add("Vary", "Origin")
	}
	asked := r.Header.Get("Access-Control-Request-Method")
	if r.Method != http.MethodOptions || asked == "" {
		return false
	}
	c.preflight(w, r, asked, allowed)
	return true
}

func (c CORS) preflight(w http.ResponseWriter, r *http.Request, method string, originAllowed bool) {
	h := w.Header()
	h.Add("Vary", "Origin")
	h.Set("Access-Control-Max-Age", "600")
	var refused []string
	if !originAllowed {
		refused = append(refused, "origin")
	}
	if everything(c.Methods) {
		h.Set("Access-Control-Allow-Methods", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT")
	} else {
		h.Set("Access-Control-Allow-Methods", strings.Join(c.Methods, ", "))
		if !slices.Contains(c.Methods, method) {
			refused = append(refused, "method")
		}
	}
	headers := r.Header.Get("Access-Control-Request-Headers")
	if !c.allowsHeaders(headers) {
		refused = append(refused, "headers")
	}
	if everything(c.Headers) && headers != "" {
		h.Set("Access-Control-Allow-Headers", headers)
	} else if !everything(c.Headers) {
		h.Set("Access-Control-Allow-Headers", strings.Join(append(slices.Clone(safeHeaders), c.Headers...), ", "))
	}
	if len(refused) > 0 {
		writeRaw(w, http.StatusBadRequest, text("Disallowed CORS "+strings.Join(refused, ", ")))
		return
	}
	writeRaw(w, http.StatusOK, text("OK"))
}

// safeHeaders may always be sent.
var safeHeaders = []string{"Accept", "Accept-Language", "Content-Language", "Content-Type"}

func (c CORS) allowsHeaders(asked string) bool {
	if everything(c.Headers) || asked == "" {
		return true
	}
	for _, name := range strings.Split(asked, ",") {
		same := func(allowed string) bool { return strings.EqualFold(allowed, strings.TrimSpace(name)) }
		if !slices.ContainsFunc(c.Headers, same) && !slices.ContainsFunc(safeHeaders, same) {
			return false
		}
	}
	return true
}

// requestID is the caller's id of a request, if it is fit to be logged, else a new one.
func requestID(r *http.Request) string {
	id := r.Header.Get("X-Request-Id")
	unfit := func(c rune) bool { return c <= ' ' || c > '~' }
	if id == "" || len(id) > 128 || strings.ContainsFunc(id, unfit) {
		return uuid.NewString()
	}
	return id
}
