package rest

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"regexp"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
	"github.com/usherhq/usher/internal/server/identity"
	"github.com/usherhq/usher/internal/server/logs"
	"github.com/usherhq/usher/internal/server/origin"
)

// common wraps every route: the request's id, panics, CORS, CSRF, credentials, the version
// header, the caller, and the JSON bodies of 404 and 405.
func (a *API) common(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := requestID(r)
		r.Header.Set("X-Request-Id", id)
		w.Header().Set("X-Request-Id", id)
		v := &visitor{
			who: core.Caller{Workspace: core.DefaultWorkspace, ClientVersion: clientVersion(r.UserAgent()), By: a.automationOf(r)},
			by:  identity.By{IP: origin.Client(r), UserAgent: r.UserAgent(), RequestID: id},
		}
		r = r.WithContext(context.WithValue(logs.WithRequest(r.Context(), id), visitorKey{}, v))
		defer func() {
			if p := recover(); p != nil && p != http.ErrAbortHandler { //nolint:errorlint // a sentinel by identity
				a.Log.ErrorContext(r.Context(), "request panicked", "method", r.Method, "path", r.URL.Path, "panic", p, "stack", string(debug.Stack()))
				writeJSON(w, r, http.StatusInternalServerError, exceptionBody{"Internal Server Error"})
			}
		}()
		if a.CORS.apply(w, r) {
			return
		}
		if err := a.checkCSRF(r); err != nil {
			writeError(w, r, a.Log, err)
			return
		}
		r, pattern := a.find(mux, r, v)
		noteRoute(w, pattern)
		if err := a.identify(r, v, pattern); err != nil {
			a.deny(w, r, err)
			return
		}
		if problem := versionProblem(r, pattern); problem != "" {
			writeJSON(w, r, http.StatusBadRequest, detailBody{problem})
			return
		}
		if pattern == "" {
			noRoute(w, r, mux)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// find finds the route of a request, and what of a tenant its path names. What is below a
// workspace's path is a route of the contract, with or without a slash at its end.
func (a *API) find(mux *http.ServeMux, r *http.Request, v *visitor) (*http.Request, string) {
	if !strings.HasPrefix(r.URL.Path, "/api/accounts/") && !strings.HasPrefix(r.URL.Path, "/api/me") {
		_, pattern := mux.Handler(r)
		return r, pattern
	}
	inside, tenant := origin.Inside(r)
	if tenant.IsZero() || a.governs(inside.URL.Path) { // looking for what is not there is dear
		if _, pattern := mux.Handler(r); pattern != "" {
			return r, pattern
		}
		if other := origin.OtherSlash(r); other != nil {
			if _, pattern := mux.Handler(other); pattern != "" {
				return other, pattern
			}
		}
	}
	if tenant.IsZero() {
		return r, ""
	}
	v.tenant = tenant
	_, pattern := mux.Handler(inside)
	if pattern == "" {
		if other := origin.OtherSlash(inside); other != nil {
			if _, p := mux.Handler(other); p != "" {
				return other, p
			}
		}
	}
	return inside, pattern
}

// governs says that a path inside of a workspace may be one of the routes that say who
// may use it, by its first segment.
func (a *API) governs(path string) bool {
	segment, _, _ := strings.Cut(strings.TrimPrefix(path, "/api/"), "/")
	return path == "/api" || segment == "" || a.inWorkspaces[segment]
}

// deny answers a request whose sender is not let in.
func (a *API) deny(w http.ResponseWriter, r *http.Request, err error) {
	if a.Identity == nil {
		writeJSON(w, r, http.StatusUnauthorized, exceptionBody{"Unauthorized"})
		return
	}
	code := api.CodeOf(err)
	if code == api.CodeUnauthenticated {
		w.Header().Set("WWW-Authenticate", "Bearer")
		writeJSON(w, r, code.Status(), detailBody{err.Error()})
		return
	}
	writeError(w, r, a.Log, err)
}

// noRoute answers 405 when the path exists for another method, redirects when it exists
// without the slash at its end, else answers 404.
func noRoute(w http.ResponseWriter, r *http.Request, mux *http.ServeMux) {
	if method := otherMethod(mux, r); method != "" {
		w.Header().Set("Allow", method)
		writeJSON(w, r, http.StatusMethodNotAllowed, detailBody{"Method Not Allowed"})
		return
	}
	if other := origin.OtherSlash(r); other != nil && !strings.HasSuffix(other.URL.Path, "/") {
		if _, pattern := mux.Handler(other); pattern != "" || otherMethod(mux, other) != "" {
			redirect(w, r, other.URL.Path)
			return
		}
	}
	writeJSON(w, r, http.StatusNotFound, detailBody{"Not Found"})
}

// otherMethod is a method, not the request's, that its path is served for; "" without one.
// A path with a parameter counts only if that may be anything: it is no route for a
// malformed id.
func otherMethod(mux *http.ServeMux, r *http.Request) string {
	probe := *r
	for _, probe.Method = range []string{"GET", "POST", "PATCH", "PUT", "DELETE"} {
		if _, pattern := mux.Handler(&probe); probe.Method != r.Method && pattern != "" && !strings.Contains(pattern, "id}") {
			return probe.Method
		}
	}
	return ""
}

// versionProblem words what is wrong with the request's API version, "" when nothing is.
func versionProblem(r *http.Request, pattern string) string {
	v := r.Header.Get("X-Prefect-Api-Version")
	if v == "" || v == contractVersion || pattern == "GET /api/health" || pattern == "GET /api/version" {
		return ""
	}
	parts := strings.Split(v, ".")
	var numbers [3]int
	for i := range min(len(parts), 3) {
		n, err := strconv.Atoi(parts[i])
		if err != nil {
			parts = nil
			break
		}
		numbers[i] = n
	}
	if len(parts) != 3 {
		return fmt.Sprintf("Invalid X-PREFECT-API-VERSION header format.Expected header in format 'x.y.z' but received %s", v)
	}
	if numbers[0] == 0 && numbers[1] < 8 {
		return fmt.Sprintf("The request specified API version %s but this server requires version 0.8.0 or higher.", v)
	}
	return ""
}

var prefectAgent = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^prefect/(\d+\.\d+\.\d+(?:[a-z.+0-9]+)?) \(API \S+\)$`)
})

func clientVersion(agent string) string {
	if !strings.HasPrefix(agent, "prefect/") {
		return ""
	}
	if m := prefectAgent().FindStringSubmatch(agent); m != nil {
		return m[1]
	}
	return ""
}

// automationOf reads who acts when the request comes from an automation's action. Where
// accounts are, callers are who they have shown to be.
func (a *API) automationOf(r *http.Request) *api.CreatedBy {
	if a.Identity != nil {
		return nil
	}
	id, err := uuid.Parse(r.Header.Get("Prefect-Automation-Id"))
	if err != nil {
		return nil
	}
	kind := "AUTOMATION"
	by := &api.CreatedBy{ID: &id, Type: &kind}
	if name, err := base64.StdEncoding.DecodeString(r.Header.Get("Prefect-Automation-Name")); err == nil && len(name) > 0 {
		display := string(name)
		by.DisplayValue = &display
	}
	return by
}
