package rest

import (
	"errors"
	"github.com/go-json-experiment/json"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
	"github.com/usherhq/usher/internal/server/identity"
	"github.com/usherhq/usher/internal/server/origin"
)

// hookMethods are the methods in which a webhook is called.
var hookMethods = []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}

// hookBody bounds what a webhook is sent.
const hookBody = 1 << 20

// Hooks serves /hooks/{slug}, where requests from elsewhere become events; nil on a server
// without accounts.
func (a *API) Hooks() http.Handler {
	if a.Identity == nil {
		return nil
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Request-Id", requestID(r))
		if !slices.Contains(hookMethods, r.Method) {
			w.Header().Set("Allow", strings.Join(hookMethods, ", "))
			writeJSON(w, r, http.StatusMethodNotAllowed, detailBody{"Method Not Allowed"})
			return
		}
		code, err := a.hook(w, r)
		switch {
		case api.CodeOf(err) == api.CodeUnauthenticated:
			a.deny(w, r, err)
		case err != nil:
			writeError(w, r, a.Log, err)
		case code != "":
			writeJSON(w, r, http.StatusOK, map[string]string{"validationResponse": code})
		default:
			w.WriteHeader(http.StatusNoContent)
		}
	})
}

// hook runs the webhook that a request is for. code is what a sender wants to hear who
// checks that somebody listens.
func (a *API) hook(w http.ResponseWriter, r *http.Request) (code string, err error) {
	slug := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/hooks/"), "/")
	hook, err := a.Core.WebhookAt(r.Context(), slug)
	if err != nil {
		return "", err
	}
	account, must, err := a.Identity.WebhookAccount(r.Context(), hook.WorkspaceID)
	switch {
	case err != nil:
		return "", err
	case hook.Bot == nil && must:
		return "", api.Errorf(api.CodeForbidden, "This account wants every webhook to have a service account.")
	case hook.Bot != nil:
		actor, err := a.actor(r, "")
		if err != nil {
			return "", err
		}
		if actor.ID != *hook.Bot || actor.Credential.Run != nil {
			return "", errNoCredentials
		}
		if err := a.admitHook(r, actor, hook); err != nil {
			return "", err
		}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, hookBody))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return "", api.Errorf(api.CodeTooLarge, "A webhook takes at most %d bytes.", tooLarge.Limit)
	}
	if err != nil {
		return "", api.Errorf(api.CodeMalformed, "read the request body: %w", err)
	}
	if !hook.Enabled {
		return "", api.Errorf(api.CodeMalformed, "The webhook is switched off.")
	}
	if code := eventGrid(r, body); code != "" {
		return code, nil
	}
	stranger := &identity.Actor{ID: hook.ID, Credential: identity.Credential{Name: "webhook " + hook.Name}}
	if wait, ok := a.Identity.Spend(stranger, account, hook.WorkspaceID, identity.BucketEvents, 1); !ok {
		return "", &api.Error{Code: api.CodeRateLimited, Message: "This account has asked for too much in this minute: try again later.", RetryAfter: wait}
	}
	header := r.Header.Clone()
	for _, name := range []string{"Authorization", "Cookie", "Proxy-Authorization"} {
		header.Del(name)
	}
	return "", a.Core.RunWebhook(r.Context(), hook, &core.Hook{Method: r.Method, Header: header, Body: body})
}

// admitHook refuses a service account that has no access to the workspace of its webhook, or
// may not send events there.
func (a *API) admitHook(r *http.Request, actor *identity.Actor, hook *core.Webhook) error {
	g, ok := actor.Workspace(hook.WorkspaceID)
	if !ok || !g.Scopes.Has("manage_events") {
		return api.Errorf(api.CodeForbidden, "The service account may not send events to the workspace of this webhook: it needs the scope manage_events.")
	}
	return a.Identity.AdmitWorkspace(r.Context(), &identity.By{Actor: actor, IP: origin.Client(r), UserAgent: r.UserAgent()}, &g)
}

// eventGrid is the code that Azure Event Grid wants back before it sends events.
func eventGrid(r *http.Request, body []byte) string {
	if r.Header.Get("Aeg-Event-Type") != "SubscriptionValidation" {
		return ""
	}
	var list []struct {
		Data struct {
			Code string `json:"validationCode"`
		} `json:"data"`
	}
	if json.Unmarshal(body, &list) != nil || len(list) == 0 {
		return ""
	}
	return list[0].Data.Code
}
