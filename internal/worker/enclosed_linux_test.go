package worker_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/testkit"
)

// wire is the one way from an enclosed worker to its server. It keeps what goes over it.
type wire struct {
	socket, address string

	mu    sync.Mutex
	calls []*call
}

// call is one connection: what the worker said and what it heard.
type call struct {
	mu         sync.Mutex
	said, told bytes.Buffer
}

type keeper struct {
	mu *sync.Mutex
	to *bytes.Buffer
}

func (k keeper) Write(p []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.to.Write(p)
}

func newWire(t *testing.T, server *testkit.Server) (*wire, string) {
	t.Helper()
	target, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "w") // paths of sockets are short
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{socket: filepath.Join(dir, "s"), address: target.Host}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "unix", w.socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		listener.Close()  //nolint:errcheck // the test is over
		os.RemoveAll(dir) //nolint:errcheck // likewise
	})
	go w.serve(listener)
	return w, target.Port()
}

// newTap is a wire that every program of this machine can take, at the URL.
func newTap(t *testing.T, server *testkit.Server) (w *wire, at string) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() }) //nolint:errcheck // the test is over
	w = &wire{address: strings.TrimPrefix(server.URL, "http://")}
	go w.serve(listener)
	return w, "http://" + listener.Addr().String()
}

func (w *wire) serve(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go w.carry(conn)
	}
}

func (w *wire) carry(worker net.Conn) {
	defer worker.Close() //nolint:errcheck // nothing is left to say
	server, err := new(net.Dialer).Dial("tcp", w.address)
	if err != nil {
		return
	}
	defer server.Close() //nolint:errcheck // likewise
	c := &call{}
	w.mu.Lock()
	w.calls = append(w.calls, c)
	w.mu.Unlock()
	go func() {
		io.Copy(server, io.TeeReader(worker, keeper{&c.mu, &c.said})) //nolint:errcheck // either side may hang up
		if half, ok := server.(*net.TCPConn); ok {
			half.CloseWrite() //nolint:errcheck // likewise
		}
	}()
	io.Copy(worker, io.TeeReader(server, keeper{&c.mu, &c.told})) //nolint:errcheck // likewise
}

// said is all that went to the server, with what sockets mask unmasked.
func (w *wire) said(t *testing.T) string {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	var all strings.Builder
	for _, c := range w.calls {
		c.mu.Lock()
		said, told := c.said.String(), c.told.String()
		c.mu.Unlock()
		head, frames, _ := strings.Cut(said, "\r\n\r\n")
		if !strings.Contains(strings.ToLower(head), "upgrade: websocket") {
			if strings.Contains(strings.ToLower(said), "content-encoding:") {
				t.Error("a request is compressed, so the test does not see what is in it")
			}
			all.WriteString(said)
			continue
		}
		if answer, _, _ := strings.Cut(told, "\r\n\r\n"); strings.Contains(strings.ToLower(answer), "permessage-deflate") {
			t.Error("a socket is compressed, so the test does not see what is in it")
		}
		all.WriteString(head)
		all.WriteString(unmask(frames))
	}
	return all.String()
}

// told is all that came from the server.
func (w *wire) told() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all strings.Builder
	for _, c := range w.calls {
		c.mu.Lock()
		all.WriteString(c.told.String())
		c.mu.Unlock()
	}
	return all.String()
}

// unmask reads the frames of a client's WebSocket.
func unmask(frames string) string {
	var out strings.Builder
	for len(frames) >= 6 {
		size, at := int(frames[1]&0x7f), 2
		switch size {
		case 126:
			size, at = int(binary.BigEndian.Uint16([]byte(frames[2:4]))), 4
		case 127:
			if len(frames) < 14 {
				return out.String()
			}
			size, at = int(binary.BigEndian.Uint64([]byte(frames[2:10]))), 10
		}
		if len(frames) < at+4+size {
			return out.String()
		}
		mask, body := frames[at:at+4], frames[at+4:at+4+size]
		for i := range len(body) {
			out.WriteByte(body[i] ^ mask[i%4])
		}
		out.WriteByte('\n')
		frames = frames[at+4+size:]
	}
	return out.String()
}

// enclosed starts a worker that reaches nothing but the server, through the wire, and that
// nothing reaches.
func (s *scene) enclosed(w *wire, port string) *testkit.Process {
	s.t.Helper()
	script, err := filepath.Abs(filepath.Join("testdata", "enclosed.py"))
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.Command(s.python.Python, script, port, w.socket, testkit.Usher(s.t), "worker", "start", "--pool", s.pool, "--name", "enclosed")
	env := append([]string{"USHER_HOME=" + s.home, "PREFECT_WORKER_QUERY_SECONDS=1", shortRequests}, s.env...)
	cmd.Env = testkit.WithPath(s.server.Env(s.home, env...), s.python.Bin)
	p, err := testkit.StartProcess(cmd, filepath.Join(s.t.TempDir(), "worker.log"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		p.Stop()
		if s.t.Failed() {
			s.t.Logf("the worker:\n%s", p.Log())
		}
	})
	testkit.Eventually(s.t, patience, func() error {
		log := p.Log()
		if strings.Contains(log, "no network of its own") {
			return testkit.Final(fmt.Errorf("this machine lets nobody make a network namespace (kernel.unprivileged_userns_clone, user.max_user_namespaces or a security profile forbid it), so that workers need no way in can't be shown here: %s", log))
		}
		if !strings.Contains(log, "started!") {
			return fmt.Errorf("the worker has not started: %s", log)
		}
		return nil
	})
	return p
}

// TestAWorkerNeedsNoWayIn runs and cancels flows with a worker in a network without a way in.
func TestAWorkerNeedsNoWayIn(t *testing.T) {
	t.Parallel()
	server := testkit.UsherServer(t)
	s := newScene(t, server)
	way, port := newWire(t, server)
	p := s.enclosed(way, port)
	mine, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	its, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", p.PID()))
	if err != nil || its == mine {
		t.Fatalf("the worker is in our own network: %v", err)
	}
	python := s.run(s.pythonFlow("from prefect import flow\n@flow(log_prints=True)\ndef f():\n    print('hello')\n"), nil)
	program := s.run(s.program("echo hello"), nil)
	s.ends(program, api.StateTypeCompleted)
	s.ends(python, api.StateTypeCompleted)
	s.logged(python, "hello")
	long := s.run(s.deploy(&api.DeploymentCreate{
		Name: "long", FlowID: s.flow, WorkPoolName: api.Some(s.pool), JobVariables: api.Some(value(t, map[string]any{"command": "usher exec -- sleep 600"})),
	}), nil)
	s.is(long, api.StateTypeRunning)
	s.alone(p.PID())
	s.cancel(long)
	s.ends(long, api.StateTypeCancelled)
}

// alone checks that a process's network has no interface but loopback, and that nothing
// listens there on another address: nobody outside can reach it.
func (s *scene) alone(pid int) {
	s.t.Helper()
	devices, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/dev", pid))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, line := range strings.Split(string(devices), "\n") {
		name, counts, ok := strings.Cut(strings.TrimSpace(line), ":")
		if ok && name != "lo" && strings.Trim(counts, " 0") != "" {
			s.t.Errorf("the worker's network has the interface %s", name)
		}
	}
	const listening = "0A"
	for _, family := range []string{"tcp", "tcp6"} {
		sockets, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, family))
		if err != nil && !os.IsNotExist(err) {
			s.t.Fatal(err)
		}
		for _, line := range strings.Split(string(sockets), "\n") {
			f := strings.Fields(line)
			if len(f) > 3 && f[3] == listening && !strings.HasPrefix(f[1], "0100007F:") {
				s.t.Errorf("the worker's network listens at %s", f[1])
			}
		}
	}
}

// TestCodeAndResultsStayWithTheWorker looks for what a run reads, computes and keeps in all that
// goes to the server and all that the server keeps. What is meant to be sent is found there.
func TestCodeAndResultsStayWithTheWorker(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		codeAndResultsStayWithTheWorker(t, testkit.UsherServer(t), func() string { return "" })
	})
	t.Run("postgresql", func(t *testing.T) {
		t.Parallel()
		database := testkit.PostgresURL(t)
		server := testkit.UsherServerIn(t, t.TempDir(), "PREFECT_SERVER_DATABASE_CONNECTION_URL="+database)
		codeAndResultsStayWithTheWorker(t, server, func() string { return rows(t, database) })
	})
}

// rows is all that the tables of a PostgreSQL database hold, as text.
func rows(t *testing.T, database string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context()) //nolint:errcheck // it was only read
	// Row-level security shows nothing to who names no workspace.
	if _, err := conn.Exec(t.Context(), "select set_config('usher.workspace', $1, false), set_config('usher.across', 'on', false)", uuid.UUID{}.String()); err != nil {
		t.Fatal(err)
	}
	tables, err := conn.Query(t.Context(), `
		select quote_ident(table_schema) || '.' || quote_ident(table_name)
		from information_schema.tables
		where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')`)
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(tables, pgx.RowTo[string])
	if err != nil || len(names) == 0 {
		t.Fatalf("the database has the tables %v: %v", names, err)
	}
	var all strings.Builder
	for _, name := range names {
		found, err := conn.Query(t.Context(), "select t::text from "+name+" t")
		if err != nil {
			t.Fatal(err)
		}
		lines, err := pgx.CollectRows(found, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range lines {
			all.WriteString(readable(line) + "\n")
		}
	}
	return all.String()
}

var bytesOfRow = regexp.MustCompile(`\\{1,2}x([0-9a-f]{2,})`)

// readable spells out the bytes in a row, which PostgreSQL writes as hexadecimal digits.
func readable(row string) string {
	return bytesOfRow.ReplaceAllStringFunc(row, func(digits string) string {
		data, err := hex.DecodeString(bytesOfRow.FindStringSubmatch(digits)[1])
		if err != nil {
			return digits
		}
		return string(data)
	})
}

// codeAndResultsStayWithTheWorker plays on a server whose database, where it is not among its
// files, says what it holds.
func codeAndResultsStayWithTheWorker(t *testing.T, server *testkit.Server, database func() string) {
	t.Helper()
	s := newScene(t, server)
	way, port := newWire(t, server)
	data := filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(data, []byte("canary-in-the-data"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, near := range []string{filepath.Join(s.home, "notes"), filepath.Join(filepath.Dir(data), "other")} { // that no flow opens
		if err := os.WriteFile(near, []byte("canary-in-an-unrelated-file"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.env = []string{"SOME_TOKEN=canary-in-the-environment", "DATA_FILE=" + data, "PREFECT_RESULTS_DEFAULT_SERIALIZER=json", "PREFECT_LOCAL_STORAGE_PATH=" + filepath.Join(s.home, "storage")}
	s.enclosed(way, port)
	python := s.run(s.pythonFlow(`
# canary-in-a-comment
import os
from pathlib import Path
from prefect import flow, task
CONSTANT = "canary-in-the-code"

@task
def short(value):
    return value + "canary-of-a-task"

@task(persist_result=True)
def kept(value):
    return value + "canary-that-is-kept"

@flow(log_prints=True, persist_result=True)
def f(shown: str):
    data = Path(os.environ["DATA_FILE"]).read_text()
    short(data)
    kept(os.environ["SOME_TOKEN"] + "canary-for-a-task")
    print("sent-in-a-log")
    return {"data": data, "token": os.environ["SOME_TOKEN"], "more": "canary-of-the-flow"}
`), func(r *api.DeploymentFlowRunCreate) {
		r.Parameters = api.Some(value(t, map[string]any{"shown": "sent-as-a-parameter"}))
	})
	program := s.run(s.program(`printf %s "$SOME_TOKEN$(cat "$DATA_FILE")" > kept; echo sent-by-a-program`), nil)
	s.ends(python, api.StateTypeCompleted)
	s.ends(program, api.StateTypeCompleted)
	s.logged(python, "sent-in-a-log")
	s.logged(program, "sent-by-a-program")
	testkit.Eventually(t, patience, func() error { // task runs come as events
		n, err := s.client.CountTaskRuns(t.Context(), &api.CountTaskRunsRequest{})
		if err == nil && n < 2 {
			err = fmt.Errorf("%d task runs have come", n)
		}
		return err
	})
	places := map[string]string{"what went to the server": way.said(t), "the server's log": server.Log(), "the server's files": contents(t, server.Home) + database()}
	for place, text := range places {
		for at := 0; ; {
			i := strings.Index(text[at:], "canary-")
			if i < 0 {
				break
			}
			at += i + 1
			t.Errorf("%s: …%q…", place, text[max(0, at-80):min(len(text), at+60)])
		}
	}
	for _, meant := range []string{"sent-in-a-log", "sent-by-a-program"} {
		for _, place := range []string{"what went to the server", "the server's files"} {
			if !strings.Contains(places[place], meant) {
				t.Errorf("%s is not in %s, so the test would not see the others there", meant, place)
			}
		}
	}
	if !strings.Contains(contents(t, s.home), "canary-that-is-kept") {
		t.Error("the result is not where the worker keeps results, so it may be anywhere")
	}
}

// contents is what all files below a directory hold.
func contents(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		all.Write(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// TestNothingIsToldToAnybody keeps a server, a worker and a command line in a network without a
// way out, lets them run a flow, and looks whether any of them has tried to get out: the kernel
// counts what finds no route, and what goes to a resolver of names.
func TestNothingIsToldToAnybody(t *testing.T) {
	t.Parallel()
	script, err := filepath.Abs(filepath.Join("testdata", "enclosed.py"))
	if err != nil {
		t.Fatal(err)
	}
	dir, home, usher := t.TempDir(), t.TempDir(), testkit.Usher(t)
	if err := os.WriteFile(filepath.Join(dir, "prefect.yaml"), []byte("deployments:\n- name: hello\n  work_pool: {name: pool}\n  usher: {run: [echo, hello]}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	steps := `set -eu
counted() { awk '/^Ip: [0-9]/ {print "routes", $13} /^Udp: [0-9]/ {print "datagrams", $5}' /proc/net/snmp; grep -E '^(Ip6OutNoRoutes|Udp6OutDatagrams)' /proc/net/snmp6 || true; }
"$0" server start --port 4200 & server=$!
trap 'kill $server' EXIT
until "$0" server status >/dev/null 2>&1; do sleep 0.2; done
"$0" work-pool create pool --type process
"$0" deploy --all --no-prompt
"$0" deployment run hello/hello
timeout 60 "$0" worker start --pool pool --run-once
"$0" flow-run ls -o json --jq '"state " + .[0].state_type'
sleep 3
echo before; counted
"$0" api GET /health --root >/dev/null 2>&1 || true
PREFECT_API_URL=http://192.0.2.1/api timeout 20 "$0" version --server >/dev/null 2>&1 || true
PREFECT_API_URL=http://192.0.2.1/api timeout 20 "$0" flow ls >/dev/null 2>&1 || true
echo after; counted
`
	cmd := exec.Command(testkit.Reference(t).Python, script, "1", filepath.Join(dir, "none"), "/bin/sh", "-c", steps, usher)
	cmd.Dir, cmd.Env = dir, testkit.Env(home, "USHER_HOME="+home, "PREFECT_API_URL=http://127.0.0.1:4200/api")
	out, err := cmd.CombinedOutput()
	text := string(out)
	if err != nil || !strings.Contains(text, "state COMPLETED") {
		t.Fatalf("%v\n%s", err, text)
	}
	_, counts, _ := strings.Cut(text, "before\n")
	before, after, _ := strings.Cut(counts, "after\n")
	if regexp.MustCompile(`(?m)^\S+\s+[1-9]`).MatchString(before) {
		t.Errorf("somebody has tried to get out:\n%s\n%s", before, text)
	}
	if before == after || !strings.Contains(before, "routes 0") {
		t.Errorf("it would not have been seen: before %s, after %s\n%s", before, after, text)
	}
}
