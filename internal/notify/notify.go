package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/usherhq/usher/internal/rules/notification"
)

// Sender tells services of things. Sending the same message again, after a crash that left
// it open whether the first try succeeded, names it by the same once: receivers see it as
// the header Idempotency-Key, or the Message-ID of mail, and can drop the second.
type Sender interface {
	// Notify sends a message with a block of a type that can.
	Notify(ctx context.Context, once, blockType string, data map[string]any, subject, body string) error
	// CallWebhook calls the webhook that a block of that type describes.
	CallWebhook(ctx context.Context, once string, data map[string]any, payload string) (*Response, error)
	// Mail sends a letter through the mail server that a block describes, or, if data is nil,
	// through the server's own.
	Mail(ctx context.Context, data map[string]any, l Letter) error
}

// Response is what a webhook answered; any status is an answer.
type Response struct {
	Status int
	Header http.Header
	Body   string // its beginning
}

// Client is the Sender that sends.
type Client struct {
	OnlyPublic bool           // private addresses are refused, whatever blocks allow
	Allow      Reach          // where messages may go at all
	Resolver   *net.Resolver  // nil for the system's
	Roots      *x509.CertPool // nil for the system's
	Clock      func() time.Time
	Own        *SMTP // the server's own way to send mail, nil without one
}

const (
	callTime  = 10 * time.Second // a call may take this long unless its block says otherwise
	bodyLimit = 64 << 10         // so much of an answer is read
)

func (c *Client) tls(verify bool) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: c.Roots, InsecureSkipVerify: !verify} //nolint:gosec // the block's choice
}

func (c *Client) onlyPublic(data map[string]any) bool {
	allowed, said := data["allow_private_urls"].(bool)
	return c.OnlyPublic || said && !allowed
}

// Notify makes the requests that the message takes; the first that fails ends it.
func (c *Client) Notify(ctx context.Context, once, blockType string, data map[string]any, subject, body string) error {
	if blockType == MailBlock {
		return c.mail(ctx, data, Letter{ID: once, Subject: subject, Text: body})
	}
	requests, err := notification.Requests(blockType, data, notification.Message{Subject: subject, Body: body, At: c.Clock()})
	if err != nil {
		return err
	}
	client := c.httpClient(c.onlyPublic(data), true)
	for i, request := range requests {
		name := once
		if i > 0 {
			name += "-" + strconv.Itoa(i+1)
		}
		answer, err := do(ctx, client, name, request, timeout(data))
		if err != nil {
			return err
		}
		if answer.Status < 200 || answer.Status > 299 {
			return fmt.Errorf("%s answered with status %d: %s", host(request.URL), answer.Status, beginning(answer.Body, 200))
		}
	}
	return nil
}

// CallWebhook calls a webhook with a payload.
func (c *Client) CallWebhook(ctx context.Context, once string, data map[string]any, payload string) (*Response, error) {
	request := notification.Webhook(data, payload)
	verify, said := data["verify"].(bool)
	return do(ctx, c.httpClient(c.onlyPublic(data), verify || !said), once, request, timeout(data))
}

func timeout(data map[string]any) time.Duration {
	if seconds, ok := data["timeout"].(float64); ok && seconds > 0 && seconds < 300 {
		return time.Duration(seconds * float64(time.Second))
	}
	return callTime
}

// do makes a request. Addresses of webhooks are secrets, so errors name only the host.
func do(ctx context.Context, client *http.Client, once string, request notification.Request, limit time.Duration) (*Response, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, request.Method, request.URL, strings.NewReader(request.Body))
	if err != nil || req.URL.Scheme != "http" && req.URL.Scheme != "https" || req.URL.Host == "" {
		return nil, errors.New("the URL of the block is no http or https address")
	}
	req.Header.Set("Idempotency-Key", once)
	for name, value := range request.Header {
		req.Header.Set(name, value)
	}
	answer, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("cannot reach %s: %w", req.URL.Host, withoutURL(err))
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, bodyLimit))
	if err != nil {
		return nil, fmt.Errorf("the answer of %s broke off: %w", req.URL.Host, err)
	}
	return &Response{Status: answer.StatusCode, Header: answer.Header, Body: string(body)}, nil
}

func withoutURL(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

func host(address string) string {
	if u, err := url.Parse(address); err == nil {
		return u.Host
	}
	return "the service"
}

func beginning(text string, n int) string {
	if runes := []rune(text); len(runes) > n {
		return string(runes[:n]) + "…"
	}
	return text
}
