package oauth

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/auth"
)

// Environment is where a job finds its identity.
type Environment struct {
	Lookup func(name string) string
	HTTP   *http.Client
}

// The places where identities are found.
const (
	tokenVariable  = "USHER_ID_TOKEN"
	fileVariable   = "USHER_ID_TOKEN_FILE"
	projectedToken = "/var/run/secrets/usher/token"
	githubURL      = "ACTIONS_ID_TOKEN_REQUEST_URL"
	githubToken    = "ACTIONS_ID_TOKEN_REQUEST_TOKEN"
)

// Configured reports whether the job was given an identity for usher in particular.
func (e Environment) Configured() bool {
	return e.Lookup(tokenVariable) != "" || e.Lookup(fileVariable) != "" || readable(projectedToken)
}

// Has reports whether there is any identity to be had.
func (e Environment) Has() bool { return e.Configured() || e.Lookup(githubURL) != "" }

func readable(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// Identity returns the JWT that vouches for this job to audience, and who made it.
func (e Environment) Identity(ctx context.Context, audience string) (token auth.Secret, from string, err error) {
	if text := e.Lookup(tokenVariable); text != "" {
		return auth.NewSecret(strings.TrimSpace(text)), tokenVariable, nil
	}
	path := e.Lookup(fileVariable)
	if path == "" && readable(projectedToken) {
		path = projectedToken
	}
	if path != "" {
		text, err := os.ReadFile(path)
		if err != nil {
			return token, path, api.Errorf(api.CodeUnauthenticated, "read the identity of this job: %w", err)
		}
		return auth.NewSecret(strings.TrimSpace(string(text))), path, nil
	}
	if e.Lookup(githubURL) != "" {
		token, err := e.github(ctx, audience)
		return token, "GitHub Actions", err
	}
	if e.Lookup("GITHUB_ACTIONS") != "" {
		return token, "", api.Errorf(api.CodeUnauthenticated, "this job of GitHub Actions may not ask for its identity\ngive it `permissions: id-token: write`")
	}
	return token, "", api.Errorf(api.CodeUnauthenticated, "nothing here vouches for an identity\n"+
		"GitHub Actions does with `permissions: id-token: write`, GitLab with `id_tokens: %s`, Kubernetes with a projected token at %s; %s names any other file",
		tokenVariable, projectedToken, fileVariable)
}

// github asks the runner for a token.
func (e Environment) github(ctx context.Context, audience string) (token auth.Secret, err error) {
	fail := func(format string, args ...any) (auth.Secret, error) {
		return token, api.Errorf(api.CodeUnavailable, "ask GitHub Actions for the identity of this job: "+format, args...)
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, withQuery(e.Lookup(githubURL), url.Values{"audience": {audience}}), nil)
	if err != nil {
		return fail("%w", err)
	}
	request.Header.Set("Authorization", "Bearer "+e.Lookup(githubToken))
	answer, err := e.HTTP.Do(request)
	if err != nil {
		return fail("%w", err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err != nil {
		return fail("%w", err)
	}
	var body struct {
		Value string `json:"value"`
	}
	if answer.StatusCode != http.StatusOK || json.Unmarshal(text, &body) != nil || body.Value == "" {
		return fail("it answers with status %d", answer.StatusCode)
	}
	return auth.NewSecret(body.Value), nil
}
