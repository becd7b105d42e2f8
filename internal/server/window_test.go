package server_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/testkit"
)

// TestAWindowOutlivesAKilledServer kills a server in the middle of the window of an
// automation that waits for what does not happen. It fires once: by the other server on
// PostgreSQL, by the one that is started again on SQLite.
func TestAWindowOutlivesAKilledServer(t *testing.T) {
	t.Parallel()
	t.Run("of two", func(t *testing.T) {
		t.Parallel()
		database := testkit.PostgresURL(t)
		first, second := testkit.UsherServer(t, "--database-url", database), testkit.UsherServer(t, "--database-url", database)
		w := openWindow(t, first)
		first.Kill()
		w.closes(second)
	})
	t.Run("of one", func(t *testing.T) {
		t.Parallel()
		server := testkit.UsherServer(t)
		w := openWindow(t, server)
		server.Kill()
		server.Restart(t)
		w.closes(server)
	})
}

// window is an automation that makes a run of a deployment when what is expected has not
// happened ten seconds after a beginning, and another that tells how far events were read.
type window struct {
	t          *testing.T
	deployment uuid.UUID
}

func talkTo(t *testing.T, server *testkit.Server) *client.Client {
	t.Helper()
	c, err := client.New(client.Options{BaseURL: server.APIURL()})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func openWindow(t *testing.T, server *testkit.Server) *window {
	t.Helper()
	c := talkTo(t, server)
	w := &window{t: t}
	w.deployed(c)
	w.awake(c)
	action := fmt.Sprintf(`"actions":[{"type":"run-deployment","deployment_id":%q}]`, w.deployment)
	for _, body := range []string{
		`{"name":"absent","trigger":{"type":"event","posture":"Proactive","after":["begin"],"expect":["end"],"for_each":["prefect.resource.id"],"within":10},` + action + `}`,
		`{"name":"marked","trigger":{"type":"event","posture":"Reactive","expect":["mark"]},` + action + `}`,
	} {
		w.automate(c, body)
	}
	w.happens(c, "mark")
	w.runs(c, 1)
	w.happens(c, "begin")
	w.happens(c, "mark")
	w.runs(c, 2) // the window is open, and written down
	return w
}

// deployed makes the deployment.
func (w *window) deployed(c *client.Client) {
	w.t.Helper()
	flow, err := c.CreateFlow(w.t.Context(), &api.FlowCreate{Name: "f"})
	if err != nil {
		w.t.Fatal(err)
	}
	d, err := c.CreateDeployment(w.t.Context(), &api.DeploymentCreate{Name: "d", FlowID: flow.ID})
	if err != nil {
		w.t.Fatal(err)
	}
	w.deployment = d.ID
}

// awake waits until automations hear of events: a server passes over what came before it
// looks.
func (w *window) awake(c *client.Client) {
	w.t.Helper()
	w.automate(c, `{"name":"awake","trigger":{"type":"event","posture":"Reactive","expect":["awake"]},"actions":[{"type":"do-nothing"}]}`)
	testkit.Eventually(w.t, patience, func() error {
		w.happens(c, "awake")
		if w.told(c, "prefect.automation.triggered") == 0 {
			return errors.New("no automation is triggered")
		}
		return nil
	})
}

// told counts the events of a name.
func (w *window) told(c *client.Client, name string) int {
	w.t.Helper()
	page, err := c.ReadEvents(w.t.Context(), &api.ReadEventsRequest{Filter: &api.EventFilter{Event: &api.EventNameFilter{Name: []string{name}}}})
	if err != nil {
		w.t.Fatal(err)
	}
	return page.Total
}

// closes waits until the window is over, and then until all that it may have led to is.
func (w *window) closes(server *testkit.Server) {
	w.t.Helper()
	c := talkTo(w.t, server)
	w.runs(c, 3)
	w.happens(c, "mark")
	w.runs(c, 4)
}

func (w *window) automate(c *client.Client, body string) {
	w.t.Helper()
	var in api.AutomationCreate
	if err := api.Decode([]byte(body), &in); err != nil {
		w.t.Fatal(err)
	}
	if _, err := c.CreateAutomation(w.t.Context(), &in); err != nil {
		w.t.Fatal(err)
	}
}

func (w *window) happens(c *client.Client, name string) {
	w.t.Helper()
	err := c.CreateEvents(w.t.Context(), []api.Event{{
		ID: uuid.New(), Occurred: api.At(time.Now()), Event: name, Resource: api.Resource{"prefect.resource.id": "thing"},
	}})
	if err != nil {
		w.t.Fatal(err)
	}
}

// runs waits until there are n runs; more are too many.
func (w *window) runs(c *client.Client, n int) {
	w.t.Helper()
	testkit.Eventually(w.t, patience, func() error {
		got, err := c.CountFlowRuns(w.t.Context(), &api.CountFlowRunsRequest{})
		switch {
		case err != nil:
			return err
		case got > n:
			w.t.Fatalf("there are %d runs, not %d", got, n)
		case got < n:
			return fmt.Errorf("there are %d runs of %d", got, n)
		}
		return nil
	})
}
