package client

import (
	"context"
	"net/http"
	"strings"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"github.com/usherhq/usher/internal/api"
)

// Socket opens the WebSocket at path (relative to the base URL) and passes the
// authentication handshake that all sockets of the contract begin with. The caller closes it.
func (c *Client) Socket(ctx context.Context, path string) (*websocket.Conn, error) {
	target := strings.Replace(c.base, "http", "ws", 1) + path
	header := c.headers.Clone()
	token, err := c.authorize(ctx, header)
	if err != nil {
		return nil, err
	}
	conn, res, err := websocket.Dial(ctx, target, &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: c.http.Transport}, HTTPHeader: header, Subprotocols: []string{"prefect"},
		CompressionMode: websocket.CompressionContextTakeover,
	})
	if err != nil {
		if res != nil && res.StatusCode == http.StatusNotFound {
			return nil, api.Errorf(api.CodeNotFound, "the server has no socket %s", path)
		}
		return nil, c.unreachable(err)
	}
	conn.SetReadLimit(maxAnswer)
	if conn.Subprotocol() != "prefect" {
		return conn, nil
	}
	if err := c.authenticate(ctx, conn, token); err != nil {
		conn.CloseNow() //nolint:errcheck // already failing
		return nil, err
	}
	return conn, nil
}

func (c *Client) authenticate(ctx context.Context, conn *websocket.Conn, token string) error {
	if err := wsjson.Write(ctx, conn, map[string]any{"type": "auth", "token": nullable(token)}); err != nil {
		return c.unreachable(err)
	}
	var answer struct {
		Type   string `json:"type"`
		Reason string `json:"reason"`
	}
	if err := wsjson.Read(ctx, conn, &answer); err != nil {
		return api.Errorf(api.CodeUnauthenticated, "the server closed the socket during authentication: %w", err)
	}
	if answer.Type != "auth_success" {
		return api.Errorf(api.CodeUnauthenticated, "the server refused the socket: %s", answer.Reason)
	}
	return nil
}

func nullable(s string) any {
	if s == "" {
		return nil
	}
	return s
}
