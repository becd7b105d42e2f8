// Package scim lets the directory of an account write its people and teams: SCIM 2.0, RFC
// 7643 and 7644. A user is a member of the account, a group is a team.
package scim

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/identity"
	"github.com/usherhq/usher/internal/store"
)

// Prefix begins the paths that Handler serves.
const Prefix = "/scim/v2/"

// bodySize is more than a group of a few thousand members has.
const bodySize = 1 << 20

// Handler serves the directories of accounts.
type Handler struct {
	people *identity.Service
	log    *slog.Logger
	mux    *http.ServeMux
}

// New makes the handler.
func New(people *identity.Service, log *slog.Logger) *Handler {
	h := &Handler{people: people, log: log, mux: http.NewServeMux()}
	for pattern, serve := range map[string]func(*call) (int, any, error){
		"GET ServiceProviderConfig": (*call).config,
		"GET ResourceTypes":         func(c *call) (int, any, error) { return c.all(resourceTypes(c.base)) },
		"GET ResourceTypes/{id}":    func(c *call) (int, any, error) { return c.one(resourceTypes(c.base)) },
		"GET Schemas":               func(c *call) (int, any, error) { return c.all(schemas(c.base)) },
		"GET Schemas/{id}":          func(c *call) (int, any, error) { return c.one(schemas(c.base)) },
		"GET Users":                 (*call).users,
		"POST Users":                (*call).addUser,
		"POST .search":              (*call).searchAll,
		"POST Users/.search":        (*call).searchUsers,
		"POST Groups/.search":       (*call).searchGroups,
		"GET Users/{id}":            (*call).user,
		"PUT Users/{id}":            (*call).putUser,
		"PATCH Users/{id}":          (*call).patchUser,
		"DELETE Users/{id}":         (*call).deleteUser,
		"GET Groups":                (*call).groups,
		"POST Groups":               (*call).addGroup,
		"GET Groups/{id}":           (*call).group,
		"PUT Groups/{id}":           (*call).putGroup,
		"PATCH Groups/{id}":         (*call).patchGroup,
		"DELETE Groups/{id}":        (*call).deleteGroup,
	} {
		method, path, _ := strings.Cut(pattern, " ")
		h.mux.HandleFunc(method+" "+Prefix+"{account}/"+path, h.serve(serve))
	}
	h.mux.HandleFunc(Prefix+"{account}/{rest...}", h.serve((*call).nothing))
	h.mux.HandleFunc(Prefix, h.serve((*call).nothing))
	return h
}

// ServeHTTP answers a directory.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, bodySize)
	h.mux.ServeHTTP(w, r)
}

// call is a request of a directory.
type call struct {
	*http.Request
	people  *identity.Service
	account uuid.UUID
	by      identity.By
	base    string // where the account's directory is
	to      http.Header
}

// problem is an error in the words of RFC 7644 §3.12.
type problem struct {
	status       int
	kind, detail string
}

func (p *problem) Error() string { return p.detail }

func fail(status int, kind, detail string) error { return &problem{status, kind, detail} }

// serve answers whoever has a token of the account.
func (h *Handler) serve(do func(*call) (int, any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		c, err := h.enter(r)
		var status int
		var body any
		if err == nil {
			c.to = w.Header()
			status, body, err = do(c)
		}
		if err != nil {
			status, body = h.worded(r, err)
		}
		if status == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", "Bearer")
		}
		if body == nil {
			w.WriteHeader(status)
			return
		}
		text, err := json.Marshal(body)
		if err != nil {
			status = http.StatusInternalServerError
		}
		w.Header().Set("Content-Type", "application/scim+json")
		w.WriteHeader(status)
		w.Write(text) //nolint:errcheck // the client is gone; nobody is left to tell
	}
}

var errNoToken = fail(http.StatusUnauthorized, "", "Show a token of a directory of this account.")

// enter finds the directory that sends a request. Whether there is such an account is not
// told.
func (h *Handler) enter(r *http.Request) (*call, error) {
	account, err := uuid.Parse(r.PathValue("account"))
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if err != nil || !strings.EqualFold(scheme, "Bearer") {
		return nil, errNoToken
	}
	d, err := h.people.Directory(r.Context(), account, strings.TrimSpace(token))
	if err == nil && d == nil {
		err = errNoToken
	}
	if err != nil {
		return nil, err
	}
	ip, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		ip = r.RemoteAddr
	}
	by := identity.By{IP: ip, UserAgent: r.UserAgent(), RequestID: r.Header.Get("X-Request-Id")}
	return &call{Request: r, people: h.people, account: account, by: by, base: h.people.SCIMURL(account)}, nil
}

// worded is the answer to an error.
func (h *Handler) worded(r *http.Request, err error) (int, any) {
	p := &problem{status: http.StatusInternalServerError, detail: "Something went wrong on the server. Try again."}
	switch code := api.CodeOf(err); {
	case errors.As(err, &p):
	case code == api.CodeInvalid || code == api.CodeMalformed:
		p = &problem{http.StatusBadRequest, "invalidValue", err.Error()}
	case code == api.CodeNotFound:
		p = &problem{http.StatusNotFound, "", err.Error()}
	case code == api.CodeConflict:
		p = &problem{http.StatusConflict, "uniqueness", err.Error()}
	case r.Context().Err() == nil:
		h.log.ErrorContext(r.Context(), "a directory's request failed", "method", r.Method, "path", r.URL.Path, "error", err)
	}
	body := object{"schemas": []any{errorSchema}, "status": strconv.Itoa(p.status), "detail": p.detail}
	if p.kind != "" {
		body["scimType"] = p.kind
	}
	return p.status, body
}

// read reads the body of a request.
func (c *call) read(into any) error {
	text, err := io.ReadAll(c.Body)
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return fail(http.StatusRequestEntityTooLarge, "", "The request is too large.")
	}
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		return fail(http.StatusBadRequest, "invalidSyntax", "The body is not the JSON that is expected here.")
	}
	return nil
}

// id is the id in the path of a request.
func (c *call) id() (uuid.UUID, error) {
	id, err := uuid.Parse(c.PathValue("id"))
	if err != nil {
		err = fail(http.StatusNotFound, "", "There is no such resource.")
	}
	return id, err
}

// nothing answers to what is not there, or not done to it.
func (c *call) nothing() (int, any, error) {
	kind, _, _ := strings.Cut(c.PathValue("rest"), "/")
	if slices.Contains([]string{"ServiceProviderConfig", "ResourceTypes", "Schemas", "Users", "Groups"}, kind) && c.Method != http.MethodGet {
		return 0, nil, fail(http.StatusMethodNotAllowed, "", "That can't be done to it.")
	}
	return 0, nil, fail(http.StatusNotFound, "", "There is nothing here.")
}

// search puts the query of a body, which may be longer than an address, where others have it.
func (c *call) search() error {
	var in struct {
		Schemas    []string `json:"schemas"`
		Attributes []string `json:"attributes"`
		Excluded   []string `json:"excludedAttributes"`
		Filter     string   `json:"filter"`
		Start      *int     `json:"startIndex"`
		Count      *int     `json:"count"`
	}
	if err := c.read(&in); err != nil {
		return err
	}
	q := url.Values{"attributes": {strings.Join(in.Attributes, ",")}, "excludedAttributes": {strings.Join(in.Excluded, ",")}, "filter": {in.Filter}}
	for name, n := range map[string]*int{"startIndex": in.Start, "count": in.Count} {
		if n != nil {
			q.Set(name, strconv.Itoa(*n))
		}
	}
	c.URL.RawQuery = q.Encode()
	return nil
}

func (c *call) searchAll() (int, any, error) {
	if err := c.search(); err != nil {
		return 0, nil, err
	}
	s, err := c.snapshot(c.Context())
	if err != nil {
		return 0, nil, err
	}
	return c.page(append(c.usersOf(&s), c.groupsOf(&s)...))
}

func (c *call) searchUsers() (int, any, error) {
	if err := c.search(); err != nil {
		return 0, nil, err
	}
	return c.users()
}

func (c *call) searchGroups() (int, any, error) {
	if err := c.search(); err != nil {
		return 0, nil, err
	}
	return c.groups()
}

func (c *call) config() (int, any, error) { return http.StatusOK, serviceConfig(c.base), nil }

// all answers with a list that has no pages.
func (c *call) all(list []any) (int, any, error) {
	if c.URL.Query().Get("filter") != "" {
		return 0, nil, fail(http.StatusForbidden, "", "This list is not filtered.")
	}
	return http.StatusOK, object{"schemas": []any{listSchema}, "totalResults": len(list), "startIndex": 1, "itemsPerPage": len(list), "Resources": list}, nil
}

func (c *call) one(list []any) (int, any, error) {
	for _, v := range list {
		if v.(object)["id"] == c.PathValue("id") {
			return http.StatusOK, v, nil
		}
	}
	return 0, nil, fail(http.StatusNotFound, "", "There is no such resource.")
}

// page answers with those of a list that the query wants.
func (c *call) page(list []object) (int, any, error) {
	q := c.URL.Query()
	want := filter(func(object) bool { return true })
	if text := q.Get("filter"); text != "" {
		var err error
		if want, err = parseFilter(text); err != nil {
			return 0, nil, err
		}
	}
	number := func(name string, otherwise, least int) int {
		n, err := strconv.Atoi(q.Get(name))
		if err != nil {
			return otherwise
		}
		return max(n, least)
	}
	list = slices.DeleteFunc(list, func(o object) bool { return !want(o) })
	start, count := number("startIndex", 1, 1), min(number("count", maxResults, 0), maxResults)
	from := min(start-1, len(list))
	shown := []any{}
	for _, o := range list[from:min(from+count, len(list))] {
		shown = append(shown, c.shown(o))
	}
	return http.StatusOK, object{"schemas": []any{listSchema}, "totalResults": len(list), "startIndex": start, "itemsPerPage": len(shown), "Resources": shown}, nil
}

// shown is a resource with the attributes that the query wants.
func (c *call) shown(o object) object {
	names := func(key string) (list []string) {
		for _, name := range strings.Split(c.URL.Query().Get(key), ",") {
			if name = withoutURN(strings.TrimSpace(name)); name != "" {
				list = append(list, strings.ToLower(name))
			}
		}
		return list
	}
	only, but := names("attributes"), names("excludedAttributes")
	if only == nil && but == nil {
		return o
	}
	out := object{}
	for name, v := range o {
		key := strings.ToLower(name)
		inner, isObject := v.(object)
		switch {
		case key == "id" || key == "schemas":
			out[name] = v
		case only != nil && slices.Contains(only, key), only == nil && !slices.Contains(but, key):
			if only == nil && isObject {
				v = parts(inner, func(part string) bool { return !slices.Contains(but, key+"."+part) })
			}
			out[name] = v
		case only != nil && isObject:
			if some := parts(inner, func(part string) bool { return slices.Contains(only, key+"."+part) }); len(some) > 0 {
				out[name] = some
			}
		}
	}
	return out
}

func parts(o object, keep func(string) bool) object {
	out := object{}
	for name, v := range o {
		if keep(strings.ToLower(name)) {
			out[name] = v
		}
	}
	return out
}

// change runs fn in a transaction after which everybody's rights are looked at anew.
func (c *call) change(fn func(*store.Tx) error) error {
	return c.people.Change(c.Context(), fn)
}

// snapshot is what a directory sees of an account.
type snapshot struct {
	people  []store.DirectoryUser
	teams   []store.Team
	members []store.TeamMember
}

func (c *call) snapshot(ctx context.Context) (s snapshot, err error) {
	err = c.people.Read(ctx, func(tx *store.Tx) error {
		if s.people, err = tx.DirectoryUsers(c.account); err != nil {
			return err
		}
		if s.teams, err = tx.Teams(c.account); err != nil {
			return err
		}
		s.members, err = tx.TeamMembers(c.account)
		return err
	})
	return s, err
}
