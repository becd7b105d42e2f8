package sdk_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/usherhq/usher/internal/testkit"
)

// TestBackgroundTasksRunOnce kills a task worker in the middle of its tasks, and the server
// with tasks in its queue: each task is run once, whoever is left runs those that waited.
func TestBackgroundTasksRunOnce(t *testing.T) {
	t.Parallel()
	atOnce <- struct{}{}
	defer func() { <-atOnce }()
	crew := &taskCrew{t: t, py: testkit.Reference(t), server: testkit.UsherServer(t), home: t.TempDir()}
	doomed, other := crew.start("serve", "doomed", "hang"), crew.start("serve", "other")
	crew.listed(2)
	crew.queue(0, 10)
	ran := crew.ran(10)
	if !strings.Contains(ran, " doomed\n") || !strings.Contains(ran, " other\n") {
		t.Errorf("not both workers ran tasks:\n%s", ran)
	}
	doomed.Kill()
	crew.queue(10, 15)
	if late := crew.ran(15)[len(ran):]; strings.Contains(late, "doomed") {
		t.Errorf("a worker that is gone ran tasks:\n%s", late)
	}
	other.Kill()
	crew.queue(15, 20)
	crew.server.Kill()
	crew.server.Restart(t)
	crew.start("serve", "third")
	crew.ran(20)
}

type taskCrew struct {
	t      *testing.T
	py     testkit.Python
	server *testkit.Server
	home   string
}

func (c *taskCrew) command(args ...string) *exec.Cmd {
	script, err := filepath.Abs("testdata/taskworkers.py")
	if err != nil {
		c.t.Fatal(err)
	}
	cmd := exec.CommandContext(c.t.Context(), c.py.Python, append([]string{script}, args...)...)
	cmd.Dir = c.home
	cmd.Env = testkit.WithPath(c.server.Env(c.home), c.py.Bin)
	return cmd
}

func (c *taskCrew) start(args ...string) *testkit.Process {
	p, err := testkit.StartProcess(c.command(args...), filepath.Join(c.home, args[1]+".log"))
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() {
		p.Kill()
		if c.t.Failed() {
			c.t.Log(p.Log())
		}
	})
	return p
}

func (c *taskCrew) queue(from, to int) {
	if out, err := c.command("queue", fmt.Sprint(from), fmt.Sprint(to)).CombinedOutput(); err != nil {
		c.t.Fatalf("%v\n%s", err, out)
	}
}

// listed waits until so many task workers are connected.
func (c *taskCrew) listed(n int) {
	testkit.Eventually(c.t, scriptPatience, func() error {
		var found []struct {
			Identifier string `json:"identifier"`
		}
		if err := ask(c.t.Context(), c.server, "/task_workers/filter", `{}`, &found); err != nil {
			return err
		}
		if len(found) != n {
			return fmt.Errorf("%d task workers are listed, want %d", len(found), n)
		}
		return nil
	})
}

// ran waits until so many tasks were run, none of them twice, and tells by whom.
func (c *taskCrew) ran(n int) string {
	var text []byte
	testkit.Eventually(c.t, scriptPatience, func() (err error) {
		if text, err = os.ReadFile(filepath.Join(c.home, "ran")); err != nil {
			return err
		}
		tasks := map[string]bool{}
		for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
			task, _, _ := strings.Cut(line, " ")
			if tasks[task] {
				return testkit.Final(fmt.Errorf("task %s was run twice:\n%s", task, text))
			}
			tasks[task] = true
		}
		if len(tasks) != n {
			return fmt.Errorf("%d tasks were run, want %d:\n%s", len(tasks), n, text)
		}
		return nil
	})
	return string(text)
}

func ask(ctx context.Context, s *testkit.Server, path, body string, into any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.APIURL()+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", path, res.Status)
	}
	return json.NewDecoder(res.Body).Decode(into)
}
