package pages

import (
	"io"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/identity"
	"github.com/usherhq/usher/internal/server/signin"
)

// sessionAnswer is a session in the contract of the hosted service.
type sessionAnswer struct {
	ID         uuid.UUID `json:"id"`
	Created    api.Time  `json:"created"`
	Updated    api.Time  `json:"updated"`
	User       uuid.UUID `json:"user_id"`
	IP         string    `json:"ip_address"`
	Location   *string   `json:"location"`
	Agent      *string   `json:"user_agent"`
	Expires    int64     `json:"expires_at"` // seconds since 1970
	Restricted bool      `json:"restricted"`
}

// sessionFilter chooses sessions.
type sessionFilter struct {
	Filter struct {
		IP       textFilter `json:"ip_address"`
		Location textFilter `json:"location"`
		Expires  struct {
			Before *int64 `json:"before_"`
			After  *int64 `json:"after_"`
		} `json:"expires_at"`
		Restricted struct {
			Is *bool `json:"is_restricted_"`
		} `json:"restricted"`
	} `json:"filter"`
	Limit  *int `json:"limit"`
	Offset int  `json:"offset"`
}

type textFilter struct {
	Any  []string `json:"any_"`
	Like *string  `json:"like_"`
}

func (f textFilter) takes(text string) bool {
	if f.Like != nil && !strings.Contains(strings.ToLower(text), strings.ToLower(*f.Like)) {
		return false
	}
	if f.Any == nil {
		return true
	}
	for _, one := range f.Any {
		if one == text {
			return true
		}
	}
	return false
}

const mostSessions = 200

// who is who calls the API: by a key or token, or by the session of a page of ours.
func (h *Handler) who(r *http.Request) (*identity.Actor, error) {
	from := h.from(r)
	kind, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch {
	case strings.EqualFold(kind, "Bearer"):
		return h.service.People().Resolve(r.Context(), strings.TrimSpace(token), from.IP)
	case strings.EqualFold(kind, "Basic"):
		_, password, _ := r.BasicAuth()
		return h.service.People().Resolve(r.Context(), password, from.IP)
	case r.Method != http.MethodGet && !h.sameOrigin(r):
		return nil, api.Errorf(api.CodeForbidden, "This page may not do that in your name.")
	}
	return h.service.People().ResolveSession(r.Context(), h.SessionSecret(r), from.IP)
}

// deny answers a program that calls the API.
func (h *Handler) deny(w http.ResponseWriter, r *http.Request, err error) {
	status, text := api.CodeOf(err).Status(), err.Error()
	if status >= http.StatusInternalServerError {
		text = h.worded(w, r, err)
	}
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	answerJSON(w, status, struct {
		Detail string `json:"detail"`
	}{text})
}

// mySessions lists what the caller is signed in with; a body chooses.
func (h *Handler) mySessions(w http.ResponseWriter, r *http.Request) {
	actor, err := h.who(r)
	if err != nil {
		h.deny(w, r, err)
		return
	}
	var f sessionFilter
	if body, err := io.ReadAll(r.Body); err != nil || len(body) > 0 && json.Unmarshal(body, &f, json.RejectUnknownMembers(true)) != nil {
		h.deny(w, r, api.Errorf(api.CodeInvalid, "The body is not a filter of sessions."))
		return
	}
	limit := mostSessions
	if f.Limit != nil {
		limit = *f.Limit
	}
	if limit < 0 || limit > mostSessions || f.Offset < 0 {
		h.deny(w, r, api.Errorf(api.CodeInvalid, "limit is from 0 to %d and offset at least 0.", mostSessions))
		return
	}
	sessions, err := h.service.Sessions(r.Context(), actor.ID)
	if err != nil {
		h.deny(w, r, err)
		return
	}
	list := []sessionAnswer{}
	for i := range sessions {
		if s := answerOf(&sessions[i], actor.ID); f.takes(&s) {
			list = append(list, s)
		}
	}
	list = list[min(f.Offset, len(list)):]
	answerJSON(w, http.StatusOK, list[:min(limit, len(list))])
}

func (f *sessionFilter) takes(s *sessionAnswer) bool {
	w := &f.Filter
	location := ""
	if s.Location != nil {
		location = *s.Location
	}
	return w.IP.takes(s.IP) && w.Location.takes(location) && (w.Expires.Before == nil || s.Expires <= *w.Expires.Before) &&
		(w.Expires.After == nil || s.Expires >= *w.Expires.After) && (w.Restricted.Is == nil || *w.Restricted.Is == s.Restricted)
}

func answerOf(s *signin.SessionInfo, user uuid.UUID) sessionAnswer {
	at := func(t time.Time) api.Time { return api.At(t) }
	out := sessionAnswer{ID: s.ID, Created: at(s.Created), Updated: at(s.LastUsed), User: user, IP: s.IP, Expires: s.Expires.Unix(), Restricted: s.Restricted}
	if s.Agent != "" {
		out.Agent = &s.Agent
	}
	return out
}

// endMySession ends something that the caller is signed in with.
func (h *Handler) endMySession(w http.ResponseWriter, r *http.Request) {
	actor, err := h.who(r)
	if err != nil {
		h.deny(w, r, err)
		return
	}
	id, err := uuid.Parse(r.PathValue("session_id"))
	found := false
	if err == nil {
		found, err = h.service.EndSession(r.Context(), actor.ID, id, h.from(r))
	} else {
		err = nil
	}
	if err == nil && !found {
		err = api.NotFound("Session")
	}
	if err != nil {
		h.deny(w, r, err)
		return
	}
	answerJSON(w, http.StatusOK, nil)
}

// withoutSlash lets a path of the API end in a slash or not.
func withoutSlash(r *http.Request) *http.Request {
	if !strings.HasPrefix(r.URL.Path, "/api/") || !strings.HasSuffix(r.URL.Path, "/") {
		return r
	}
	other := *r
	url := *r.URL
	url.Path, url.RawPath = path.Clean(url.Path), ""
	other.URL = &url
	return &other
}
