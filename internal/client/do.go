package client

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/usherhq/usher/internal/api"
)

// Answer is what the API said: its status and whole body.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// FormType is the content type of requests to the token endpoint, which have no CSRF token.
const FormType = "application/x-www-form-urlencoded"

// maxAnswer bounds what is read of one answer.
const maxAnswer = 256 << 20

// Request is a call that no typed method makes: what is sent as it is.
type Request struct {
	Method string
	Path   string // relative to the base URL, with its query
	Body   []byte
	Header http.Header // added to what every request carries
}

// Do sends a request to path (relative to the base URL, with its query) and returns the
// answer. Refusals that pass (429, 502, 503, 408, broken connections) are retried with
// backoff, honouring Retry-After; any status of 400 or more is an *api.Error.
func (c *Client) Do(ctx context.Context, method, path string, body []byte) (*Answer, error) {
	return c.Send(ctx, Request{Method: method, Path: path, Body: body})
}

// Send is Do for a request with headers of its own. With the error of a refusal it
// returns the answer too.
func (c *Client) Send(ctx context.Context, request Request) (*Answer, error) {
	for attempt := 0; ; attempt++ {
		answer, err := c.once(ctx, request)
		wait, again := retryAfter(answer, err, attempt)
		if !again || attempt >= c.maxRetries || ctx.Err() != nil || ctx.Value(onceKey{}) != nil {
			return c.result(request.Method, request.Path, answer, err)
		}
		if err := pause(ctx, wait); err != nil {
			return c.result(request.Method, request.Path, answer, err)
		}
	}
}

// Once is ctx for requests that are sent only once: the caller finds out what became of one
// that was not answered before asking again.
func Once(ctx context.Context) context.Context { return context.WithValue(ctx, onceKey{}, true) }

type onceKey struct{}

func (c *Client) once(ctx context.Context, request Request) (*Answer, error) {
	answer, err := c.send(ctx, request)
	if err == nil && request.Method != http.MethodGet && wantsCSRF(answer) && c.renewCSRF(ctx) {
		return c.send(ctx, request)
	}
	return answer, err
}

func (c *Client) send(ctx context.Context, request Request) (*Answer, error) {
	req, err := http.NewRequestWithContext(ctx, request.Method, c.base+request.Path, bytes.NewReader(request.Body))
	if err != nil {
		return nil, err
	}
	req.Header = c.headers.Clone()
	if request.Body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for name, values := range request.Header {
		req.Header[name] = values
	}
	if _, err := c.authorize(ctx, req.Header); err != nil {
		return nil, err
	}
	if request.Method != http.MethodGet && req.Header.Get("Content-Type") != FormType {
		c.addCSRF(req)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, err
	}
	return &Answer{Status: res.StatusCode, Header: res.Header, Body: data}, nil
}

// retryAfter says whether and after what time a request is worth sending again.
func retryAfter(answer *Answer, err error, attempt int) (time.Duration, bool) {
	backoff := time.Duration(float64(200*time.Millisecond<<min(attempt, 6)) * (0.75 + rand.Float64()/2)) //nolint:gosec // jitter
	if err != nil {
		var netErr net.Error
		return backoff, errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) ||
			(errors.As(err, &netErr) && netErr.Timeout() && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded))
	}
	switch answer.Status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusBadGateway, http.StatusRequestTimeout, http.StatusLocked:
		if s, err := strconv.ParseFloat(answer.Header.Get("Retry-After"), 64); err == nil && s >= 0 {
			return time.Duration(s * float64(time.Second)), true
		}
		return backoff, true
	}
	return 0, false
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

func (c *Client) result(method, path string, answer *Answer, err error) (*Answer, error) {
	if err != nil {
		return nil, c.unreachable(err)
	}
	if isNoAPI(answer) {
		return answer, noAPI(c.base, method, path, answer)
	}
	if answer.Status >= http.StatusBadRequest {
		return answer, errorOf(method, path, answer)
	}
	if answer.Status >= http.StatusMultipleChoices {
		return nil, api.Errorf(api.CodeUnavailable, "%s redirects to %s; set the API URL to where the API is", c.base, answer.Header.Get("Location"))
	}
	return answer, nil
}

func (c *Client) unreachable(err error) error {
	var own *api.Error // from the login, before anything was sent
	if errors.Is(err, context.Canceled) || errors.As(err, &own) {
		return err
	}
	var urlErr *url.Error
	if errors.As(err, &urlErr) {
		err = urlErr.Err
	}
	hint := "is it running? `usher server start` starts one here; `usher config set PREFECT_API_URL=…` names another"
	if strings.Contains(err.Error(), "certificate") {
		hint = "set PREFECT_API_SSL_CERT_FILE to the authority that signed its certificate"
	}
	return api.Errorf(api.CodeUnavailable, "cannot reach the API at %s: %w\n%s", c.base, err, hint)
}
