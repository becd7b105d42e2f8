package server_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/crypt"
	"github.com/usherhq/usher/internal/testkit"
)

// TestAnActionOutlivesAKilledServer kills a server in the middle of an action: when it has
// claimed it, while it sends, and when it has sent and not written down. The other server on
// PostgreSQL, or the one that is started again on SQLite, does it when the claim has
// expired: what it changes once, what it sends again with the same Idempotency-Key.
func TestAnActionOutlivesAKilledServer(t *testing.T) {
	t.Parallel()
	for name, stage := range map[string]func(*midAction){
		"after its claim": (*midAction).claimed, "while it sends": (*midAction).sending, "before it writes down": (*midAction).sent,
	} {
		t.Run("of two "+name, func(t *testing.T) {
			t.Parallel()
			database, key := testkit.PostgresURL(t), base64.StdEncoding.EncodeToString(make([]byte, 32))
			start := func() *testkit.Server {
				return testkit.UsherServerIn(t, t.TempDir(), "PREFECT_SERVER_DATABASE_CONNECTION_URL="+database, crypt.Variable+"="+key)
			}
			m := newMidAction(t, start())
			m.lock = lockPostgres(t, database)
			m.join = func() { m.left = start() }
			stage(m)
			m.ends()
		})
	}
	t.Run("of one while it sends", func(t *testing.T) {
		t.Parallel()
		m := newMidAction(t, testkit.UsherServer(t))
		m.join = func() {}
		m.sending()
		m.server.Restart(t)
		m.left = m.server
		m.ends()
	})
}

// midAction is a server with an automation that makes a run and calls a webhook, and the
// receiver of the webhook, which answers when it is let.
type midAction struct {
	t      *testing.T
	server *testkit.Server // which is killed
	left   *testkit.Server // which ends the actions
	join   func()          // starts it, when the other one has claimed them
	window                 // of which it has what makes automations and events
	lock   *pgLock
	keys   chan string // Idempotency-Key of each call
	key    string      // of the first
	answer chan struct{}
	let    func() // lets it answer
}

func newMidAction(t *testing.T, server *testkit.Server) *midAction {
	m := &midAction{t: t, server: server, window: window{t: t}, keys: make(chan string, 10), answer: make(chan struct{})}
	m.let = sync.OnceFunc(func() { close(m.answer) })
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // else nobody notices that the caller is gone
		m.keys <- r.Header.Get("Idempotency-Key")
		select {
		case <-m.answer:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(receiver.Close)
	t.Cleanup(m.let)
	c := talkTo(t, server)
	m.deployed(c)
	m.awake(c)
	hook := m.webhook(c, receiver.URL)
	m.automate(c, fmt.Sprintf(`{"name":"acts","trigger":{"type":"event","posture":"Reactive","expect":["act"]},"actions":[
		{"type":"run-deployment","deployment_id":%q},{"type":"call-webhook","block_document_id":%q,"payload":"x"}]}`, m.deployment, hook))
	return m
}

func (m *midAction) webhook(c *client.Client, url string) uuid.UUID {
	m.t.Helper()
	kind, err := c.ReadBlockTypeBySlug(m.t.Context(), "webhook")
	if err != nil {
		m.t.Fatal(err)
	}
	schemas, err := c.ReadBlockSchemas(m.t.Context(), &api.ReadBlockSchemasRequest{BlockSchemas: &api.BlockSchemaFilter{BlockTypeID: &api.Match[uuid.UUID]{Any: []uuid.UUID{kind.ID}}}})
	if err != nil {
		m.t.Fatal(err)
	}
	var in api.BlockDocumentCreate
	if err := api.Decode(fmt.Appendf(nil, `{"name":"hook","block_type_id":%q,"block_schema_id":%q,"data":{"url":%q}}`, kind.ID, schemas[0].ID, url), &in); err != nil {
		m.t.Fatal(err)
	}
	made, err := c.CreateBlockDocument(m.t.Context(), &in)
	if err != nil {
		m.t.Fatal(err)
	}
	return made.ID
}

// claimed kills the server that has claimed both actions and can write of neither: the
// receiver holds one, a lock on the runs the other.
func (m *midAction) claimed() {
	m.lock.take("lock table flow_run in share row exclusive mode")
	m.happens(talkTo(m.t, m.server), "act")
	m.lock.someoneWaits()
	m.called()
	m.join()
	m.server.Kill()
	m.lock.release()
}

// sending kills the server when the receiver has been called and has not answered.
func (m *midAction) sending() {
	m.happens(talkTo(m.t, m.server), "act")
	m.called()
	m.runs(talkTo(m.t, m.server), 1)
	m.join()
	m.server.Kill()
}

// sent kills the server when the receiver has answered and it can't write it down.
func (m *midAction) sent() {
	m.happens(talkTo(m.t, m.server), "act")
	m.called()
	m.runs(talkTo(m.t, m.server), 1)
	m.join()
	m.lock.take("lock table automation_action in share row exclusive mode")
	m.let()
	m.lock.someoneWaits()
	m.server.Kill()
	m.lock.release()
}

// called waits for a call of the receiver, which has the key of earlier ones.
func (m *midAction) called() {
	m.t.Helper()
	select {
	case key := <-m.keys:
		if key == "" || m.key != "" && key != m.key {
			m.t.Errorf("the receiver is called with the key %q, at first with %q", key, m.key)
		}
		m.key = key
	case <-time.After(patience):
		m.t.Fatal("the webhook is not called")
	}
}

// ends waits until the actions are done, by the server that is left.
func (m *midAction) ends() {
	m.t.Helper()
	c := talkTo(m.t, m.left)
	m.called()
	m.let()
	const done = "prefect.automation.action.executed"
	testkit.Eventually(m.t, patience, func() error {
		page, err := c.ReadEvents(m.t.Context(), &api.ReadEventsRequest{Filter: &api.EventFilter{
			Event: &api.EventNameFilter{Name: []string{done, "prefect.automation.action.failed"}}, Resource: &api.EventResourceFilter{Labels: api.Some(jsontext.Value(`{"prefect.resource.name":"acts"}`))},
		}})
		if err != nil {
			return err
		}
		switch {
		case page.Total > 2:
			m.t.Fatalf("%d events tell of the end of two actions", page.Total)
		case page.Total < 2:
			return fmt.Errorf("%d of two actions are done", page.Total)
		}
		for _, e := range page.Events {
			if e.Event != done {
				m.t.Fatalf("an action failed: %s", e.Payload)
			}
		}
		return nil
	})
	m.runs(c, 1)
	select {
	case <-m.keys:
		m.t.Error("the webhook is called once more")
	default:
	}
}

// pgLock is a transaction that keeps others waiting.
type pgLock struct {
	t    *testing.T
	conn *pgx.Conn
	look *pgx.Conn
}

func lockPostgres(t *testing.T, database string) *pgLock {
	t.Helper()
	l := &pgLock{t: t}
	for _, conn := range []**pgx.Conn{&l.conn, &l.look} {
		made, err := pgx.Connect(t.Context(), database)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = made.Close(context.Background()) })
		*conn = made
	}
	return l
}

func (l *pgLock) take(statement string) {
	l.t.Helper()
	for _, sql := range []string{"begin", statement} {
		if _, err := l.conn.Exec(l.t.Context(), sql); err != nil {
			l.t.Fatal(err)
		}
	}
}

func (l *pgLock) release() {
	l.t.Helper()
	if _, err := l.conn.Exec(l.t.Context(), "rollback"); err != nil {
		l.t.Fatal(err)
	}
}

// someoneWaits waits until a transaction of the database waits for a lock.
func (l *pgLock) someoneWaits() {
	l.t.Helper()
	testkit.Eventually(l.t, patience, func() error {
		var waiting int
		const ask = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
		if err := l.look.QueryRow(l.t.Context(), ask).Scan(&waiting); err != nil {
			return testkit.Final(err)
		}
		if waiting == 0 {
			return errors.New("nobody waits for the lock")
		}
		return nil
	})
}
