package ws

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/coder/websocket"
	"github.com/go-json-experiment/json"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
)

// maxFrame bounds one frame that a client sends: the contract's largest event and its envelope.
const maxFrame = 4 << 20

// handshakeTime bounds how long a client may take to authenticate.
const handshakeTime = 30 * time.Second

// channelScope is what a worker's channel asks for. It must have a subprotocol, and tells
// why it ends in words that workers know.
const channelScope = "write_workers"

// enteredAgain is how often it is asked whether who has opened a socket may still do so.
const enteredAgain = 20 * time.Second

// accept upgrades the request and passes the handshake that every socket of the contract
// begins with; the sockets that it returns are those of the caller. A client that asks for
// no subprotocol has none to pass, if its request says who it is. It answers nil when the
// client was refused; the refusal is then already told.
func (s *sockets) accept(w http.ResponseWriter, r *http.Request, o websocket.AcceptOptions, scope string) (*websocket.Conn, *sockets) {
	who, err := s.gate.Enter(r, scope, "")
	known := err == nil
	if !known && (!offersSubprotocol(r) || r.Header.Get("Authorization") != "" || api.CodeOf(err) != api.CodeUnauthenticated) {
		s.refuse(w, err)
		return nil, nil
	}
	o.Subprotocols, o.InsecureSkipVerify = []string{"prefect"}, true
	o.CompressionMode = websocket.CompressionDisabled
	conn, err := websocket.Accept(w, r, &o)
	if err != nil {
		return nil, nil
	}
	conn.SetReadLimit(maxFrame)
	if !offersSubprotocol(r) {
		if scope == channelScope {
			conn.Close(websocket.StatusPolicyViolation, "the prefect subprotocol is required") //nolint:errcheck // refused
			return nil, nil
		}
		return conn, s.of(r, conn, who, scope, "")
	}
	token, reason := hello(r.Context(), conn)
	if reason == "" && !known {
		who, err = s.gate.Enter(r, scope, token)
		reason = s.refusal(scope, err)
	}
	if reason == "" && conn.Write(r.Context(), websocket.MessageText, []byte(`{"type":"auth_success"}`)) != nil {
		reason = "the connection broke"
	}
	if reason != "" {
		conn.Close(websocket.StatusPolicyViolation, reason) //nolint:errcheck // refused
		return nil, nil
	}
	if known {
		token = ""
	}
	return conn, s.of(r, conn, who, scope, token)
}

// of is the sockets of a caller. Where callers must say who they are, it closes the
// connection soon after they may not open it any more.
func (s *sockets) of(r *http.Request, conn *websocket.Conn, who core.Caller, scope, token string) *sockets {
	if s.gate.Wants() {
		s.open.Go(func() {
			again := time.NewTicker(enteredAgain)
			defer again.Stop()
			for {
				select {
				case <-r.Context().Done():
					return
				case <-again.C:
				}
				_, err := s.gate.Enter(r, scope, token)
				if code := api.CodeOf(err); code == api.CodeUnauthenticated || code == api.CodeForbidden || code == api.CodeNotFound {
					conn.Close(websocket.StatusPolicyViolation, s.refusal(scope, err)) //nolint:errcheck // refused
					return
				}
			}
		})
	}
	return &sockets{shared: s.shared, who: who, spend: func(n int) (int, time.Duration) { return s.gate.Spend(r, token, n) }, report: func(e []api.ReceivedEvent) error { return s.gate.Report(r, token, e) }}
}

// refuse answers a request that may not open a socket.
func (s *sockets) refuse(w http.ResponseWriter, err error) {
	switch code := api.CodeOf(err); {
	case code == api.CodeInternal:
		s.log.Error("a socket could not be opened", "error", err)
		http.Error(w, "the server failed; connect again", code.Status())
	case s.core.Guards.Guarded():
		http.Error(w, "this server wants credentials: offer the subprotocol prefect and send them as the first frame", http.StatusForbidden)
	default:
		http.Error(w, err.Error(), code.Status())
	}
}

// refusal words for a client why it may not open a socket, "" when it may.
func (s *sockets) refusal(scope string, err error) string {
	code := api.CodeOf(err)
	switch {
	case err == nil:
		return ""
	case s.core.Guards.Guarded() && code == api.CodeUnauthenticated: // in the words of the reference
		return err.Error()
	case scope == channelScope && code == api.CodeUnauthenticated:
		return "authentication_failed"
	case scope == channelScope && code == api.CodeInternal:
		return "transient_server_error"
	case scope == channelScope:
		return "authorization_failed"
	case code == api.CodeInternal:
		return "the server failed; connect again"
	}
	return truncate(err.Error())
}

func offersSubprotocol(r *http.Request) bool {
	offered := strings.Split(r.Header.Get("Sec-WebSocket-Protocol"), ",")
	return slices.ContainsFunc(offered, func(p string) bool { return strings.TrimSpace(p) == "prefect" })
}

// hello reads the client's auth message, or says what is wrong with it.
func hello(ctx context.Context, conn *websocket.Conn) (token, refusal string) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTime)
	defer cancel()
	var said struct {
		Type  string `json:"type"`
		Token string `json:"token"`
	}
	_, frame, err := conn.Read(ctx)
	if err != nil || json.Unmarshal(frame, &said) != nil || said.Type != "auth" {
		return "", "Expected 'auth' message"
	}
	return said.Token, ""
}

// hold keeps a connection until leave is called. When the server stops meanwhile, the
// client is told so, and leave waits until it was.
func (s *sockets) hold(conn *websocket.Conn) (leave func()) {
	told := make(chan struct{})
	calm := context.AfterFunc(s.ctx, func() {
		defer close(told)
		conn.Close(websocket.StatusGoingAway, "the server stops") //nolint:errcheck // closing
	})
	return func() {
		if !calm() {
			<-told
		}
		conn.CloseNow() //nolint:errcheck // nothing is left to do with it
	}
}
