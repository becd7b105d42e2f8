package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"syscall"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/usherhq/usher/internal/testkit"
)

// object is a JSON object of a request.
type object = map[string]any

// client makes plain requests, so that both servers get the same bytes.
type client struct {
	server *testkit.Server
	// patient makes it ask again when the server is too busy, as the
	// reference's is now and then even with one caller.
	patient bool
	// base is where the workspace is, "" on a server without accounts; key says who asks.
	base, key string
}

// create posts body and returns the id of what it made.
func (c client) create(ctx context.Context, path string, body any) (string, error) {
	var made struct {
		ID string `json:"id"`
	}
	err := c.send(ctx, http.MethodPost, path, body, &made)
	return made.ID, err
}

func (c client) send(ctx context.Context, method, path string, body, answer any) error {
	var text []byte
	var err error
	if body != nil {
		if text, err = json.Marshal(body); err != nil {
			return err
		}
	}
	err = c.sendOnce(ctx, method, path, text, answer)
	for c.patient && busy(err) && ctx.Err() == nil {
		err = c.sendOnce(ctx, method, path, text, answer)
	}
	return err
}

var errBusy = errors.New("503 Service Unavailable")

// busy reports a refusal that passes, or a connection that was closed when the
// request was on its way.
func busy(err error) bool {
	return errors.Is(err, errBusy) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF)
}

func (c client) sendOnce(ctx context.Context, method, path string, text []byte, answer any) error {
	req, err := http.NewRequestWithContext(ctx, method, cmp.Or(c.base, c.server.APIURL())+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	if c.key != "" {
		req.Header.Set("Authorization", "Bearer "+c.key)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header["Idempotency-Key"] = nil // not sent; asks the transport to repeat what met a closed connection
	res, err := connections.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode == http.StatusServiceUnavailable {
		return fmt.Errorf("%s %s: %w", method, path, errBusy)
	}
	if res.StatusCode >= 300 {
		return fmt.Errorf("%s %s answers %s: %.300s", method, path, res.Status, got)
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(got, answer)
}

// connections keeps one connection per concurrent caller open, for less than
// the five seconds after which the reference closes them. The patience is
// beyond the reference's own for its database.
var connections = &http.Client{
	Timeout:   2 * time.Minute,
	Transport: &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: 2 * time.Second},
}
