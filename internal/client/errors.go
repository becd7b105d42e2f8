package client

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
)

// codes maps the statuses of the API back to the error codes that the server maps from.
var codes = map[int]api.Code{
	http.StatusBadRequest: api.CodeInvalid, http.StatusUnprocessableEntity: api.CodeInvalid, http.StatusRequestEntityTooLarge: api.CodeTooLarge,
	http.StatusUnauthorized: api.CodeUnauthenticated, http.StatusForbidden: api.CodeForbidden, http.StatusNotFound: api.CodeNotFound,
	http.StatusMethodNotAllowed: api.CodeUnsupported, http.StatusConflict: api.CodeConflict, http.StatusLocked: api.CodeLocked,
	http.StatusTooManyRequests: api.CodeRateLimited, http.StatusServiceUnavailable: api.CodeUnavailable, http.StatusBadGateway: api.CodeUnavailable,
	http.StatusGatewayTimeout: api.CodeUnavailable, http.StatusNotImplemented: api.CodeUnsupported,
}

func codeOf(status int) api.Code {
	if code, ok := codes[status]; ok {
		return code
	}
	return api.CodeInternal
}

// isNoAPI says that an answer is what a server gives that has no such operation, or that is
// no API at all.
func isNoAPI(answer *Answer) bool {
	switch codeOf(answer.Status) {
	case api.CodeNotFound:
		return messageOf(answer) == http.StatusText(http.StatusNotFound)
	case api.CodeUnsupported:
		return !jsontext.Value(answer.Body).IsValid()
	}
	return false
}

func noAPI(base, method, path string, answer *Answer) *api.Error {
	return &api.Error{Code: codeOf(answer.Status), Detail: detailOf(answer), Message: fmt.Sprintf(
		"%s does not answer as an API does: %s %s gives %d %s\nthe URL of an API usually ends in /api; `usher config set PREFECT_API_URL=…` names another",
		base, method, path, answer.Status, http.StatusText(answer.Status))}
}

// errorOf turns an answer of 400 or more into an *api.Error whose message a person can act on.
func errorOf(method, path string, answer *Answer) *api.Error {
	code := codeOf(answer.Status)
	message := messageOf(answer)
	switch code {
	case api.CodeUnauthenticated:
		message = "the API wants to know who you are (" + message + "); log in with `usher login`, or set PREFECT_API_KEY or PREFECT_API_AUTH_STRING"
	case api.CodeForbidden:
		if strings.EqualFold(message, http.StatusText(http.StatusForbidden)) {
			message = fmt.Sprintf("you have no permission for %s %s\n`usher whoami` says who you are to the server", method, path)
		}
	case api.CodeInternal:
		message = fmt.Sprintf("the server failed on %s %s (status %d): %s", method, path, answer.Status, message)
	}
	return &api.Error{Code: code, Message: message, Detail: detailOf(answer)}
}

func detailOf(answer *Answer) jsontext.Value {
	if v := jsontext.Value(answer.Body); v.IsValid() {
		return v
	}
	return nil
}

// messageOf finds the words in the shapes that the reference uses for errors.
func messageOf(answer *Answer) string {
	var body struct {
		Detail    jsontext.Value `json:"detail"`
		Message   string         `json:"exception_message"`
		Exception jsontext.Value `json:"exception_detail"`
	}
	if err := json.Unmarshal(answer.Body, &body, jsontext.AllowDuplicateNames(true)); err != nil {
		return http.StatusText(answer.Status)
	}
	for _, part := range []jsontext.Value{body.Detail, body.Exception} {
		if text := words(part); text != "" {
			return text
		}
	}
	if body.Message != "" {
		return body.Message
	}
	return http.StatusText(answer.Status)
}

func words(v jsontext.Value) string {
	var text string
	if json.Unmarshal(v, &text) == nil {
		return text
	}
	var list []api.Violation
	if json.Unmarshal(v, &list) != nil {
		return string(v)
	}
	lines := make([]string, len(list))
	for i, violation := range list {
		at := make([]string, len(violation.Loc))
		for j, part := range violation.Loc {
			at[j] = fmt.Sprint(part)
		}
		lines[i] = strings.TrimPrefix(strings.Join(at, "."), "body.") + ": " + violation.Msg
	}
	return strings.Join(lines, "; ")
}
