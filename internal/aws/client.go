// Package aws speaks the few parts of Amazon's services that a worker needs: tasks of ECS, the
// networks of EC2 that they run in, what they print to CloudWatch, and the ways to credentials.
// See docs/adr/0014-own-clients.md.
package aws

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
)

// Config says whose account is spoken to, and where. What it leaves out is looked up as Amazon's
// own tools do: in the environment, the shared files, and the machine's or container's role.
type Config struct {
	AccessKey, SecretKey, SessionToken string
	Profile, Region, Endpoint          string
	// AssumeRole is the role whose credentials are taken with those that are found; RoleSession
	// and ExternalID go with it.
	AssumeRole, RoleSession, ExternalID string
}

// Client talks to the services of one region.
type Client struct {
	// Region is where the services are.
	Region string

	config Config
	lookup func(string) (string, bool)
	http   *http.Client
	login  login
}

const callTime = time.Minute

// New makes a client; it looks for credentials when they are needed.
func New(config Config, lookup func(string) (string, bool)) (*Client, error) {
	c := &Client{config: config, lookup: lookup, http: &http.Client{Timeout: callTime}}
	profile, err := c.profile()
	if err != nil {
		return nil, err
	}
	c.Region = first(config.Region, c.env("AWS_REGION"), c.env("AWS_DEFAULT_REGION"), profile["region"])
	if c.Region == "" {
		return nil, api.Errorf(api.CodeInvalid, "no AWS region is known; name one in the block aws-credentials (region_name) or in AWS_DEFAULT_REGION")
	}
	c.login.sources = c.sources(profile)
	return c, nil
}

func (c *Client) env(name string) string {
	value, _ := c.lookup(name)
	return value
}

func first(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// endpoint is the address of a service.
func (c *Client) endpoint(service string) string {
	named := first(c.config.Endpoint, c.env("AWS_ENDPOINT_URL_"+strings.ToUpper(strings.ReplaceAll(service, "-", "_"))), c.env("AWS_ENDPOINT_URL"))
	if named != "" {
		return strings.TrimSuffix(named, "/")
	}
	domain := "amazonaws.com"
	if strings.HasPrefix(c.Region, "cn-") {
		domain += ".cn"
	}
	return "https://" + service + "." + c.Region + "." + domain
}

// call calls an operation of a service that speaks JSON; target is its version and operation.
func (c *Client) call(ctx context.Context, service, target string, body, into any) error {
	data, err := json.Marshal(body, json.Deterministic(true))
	if err != nil {
		return err
	}
	answer, err := c.send(ctx, service, "application/x-amz-json-1.1", target, data, true)
	if err != nil || into == nil {
		return err
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return api.Errorf(api.CodeUnavailable, "the answer of AWS to %s can't be read: %w", target, err)
	}
	return nil
}

// query calls an operation of a service that takes forms and answers XML.
func (c *Client) query(ctx context.Context, service string, form url.Values, isSigned bool, into any) error {
	answer, err := c.send(ctx, service, "application/x-www-form-urlencoded; charset=utf-8", "", []byte(form.Encode()), isSigned)
	if err != nil {
		return err
	}
	if err := xml.Unmarshal(answer, into); err != nil {
		return api.Errorf(api.CodeUnavailable, "the answer of AWS to %s can't be read: %w", form.Get("Action"), err)
	}
	return nil
}

func (c *Client) send(ctx context.Context, service, kind, target string, body []byte, isSigned bool) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint(service)+"/", bytes.NewReader(body))
	if err != nil {
		return nil, api.Errorf(api.CodeInvalid, "the address of the AWS service %s: %w", service, err)
	}
	request.Header.Set("Content-Type", kind)
	if target != "" {
		request.Header.Set("X-Amz-Target", target)
	}
	if isSigned {
		who, err := c.login.get(ctx)
		if err != nil {
			return nil, err
		}
		sign(request, body, who, service, c.Region, time.Now())
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, unreached(ctx, request.URL.Host, err)
	}
	defer response.Body.Close() //nolint:errcheck // it was only read
	data, err := io.ReadAll(io.LimitReader(response.Body, 32<<20))
	if err != nil {
		return nil, unreached(ctx, request.URL.Host, err)
	}
	if response.StatusCode >= http.StatusBadRequest {
		return nil, refusal(response.StatusCode, data)
	}
	return data, nil
}

func unreached(ctx context.Context, host string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return api.Errorf(api.CodeUnavailable, "AWS at %s can't be reached: %w", host, err)
}

// Error is what a service says against a request.
type Error struct {
	// Kind is Amazon's name of it, such as ClusterNotFoundException.
	Kind, Message string
}

func (e *Error) Error() string { return e.Kind + ": " + e.Message }

// Is says that the error is a service's of the kind.
func Is(err error, kind string) bool {
	var told *Error
	return errors.As(err, &told) && told.Kind == kind
}

func refusal(status int, data []byte) error {
	var told struct {
		Type    string `json:"__type"`
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	var form struct {
		Errors []struct {
			Code    string
			Message string
		} `xml:"Errors>Error"`
		Error struct {
			Code    string
			Message string
		}
	}
	found := &Error{}
	switch {
	case json.Unmarshal(data, &told, json.MatchCaseInsensitiveNames(true), jsontext.AllowDuplicateNames(true)) == nil:
		found.Kind, found.Message = first(told.Type, told.Code), told.Message
	case xml.Unmarshal(data, &form) == nil && len(form.Errors) > 0:
		found.Kind, found.Message = form.Errors[0].Code, form.Errors[0].Message
	default:
		found.Kind, found.Message = form.Error.Code, form.Error.Message
	}
	found.Kind = found.Kind[strings.LastIndexByte(found.Kind, '#')+1:]
	if found.Kind == "" {
		found.Kind, found.Message = fmt.Sprintf("HTTP %d", status), http.StatusText(status)
	}
	return api.Errorf(codeOf(status, found.Kind), "%w", found)
}

func codeOf(status int, kind string) api.Code {
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(kind, w) {
				return true
			}
		}
		return false
	}
	switch {
	case has("Throttl", "TooManyRequests", "RequestLimitExceeded", "LimitExceeded"):
		return api.CodeRateLimited
	case has("ExpiredToken", "UnrecognizedClient", "InvalidClientTokenId", "InvalidSignature", "SignatureDoesNotMatch", "AuthFailure", "MissingAuthenticationToken", "IncompleteSignature"):
		return api.CodeUnauthenticated
	case has("AccessDenied", "UnauthorizedOperation", "Blocked"):
		return api.CodeForbidden
	case has("NotFound"):
		return api.CodeNotFound
	case status >= http.StatusInternalServerError:
		return api.CodeUnavailable
	}
	return api.CodeInvalid
}
