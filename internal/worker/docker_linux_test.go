package worker_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/testkit"
)

// containers is a scene with a docker pool on a real engine.
type containers struct {
	*scene

	engine *testkit.Podman
	share  string // a folder of this machine that the containers see as /share
}

const testImage = "localhost/inside:1"

// TestDocker plays against Podman, which serves Docker's API.
func TestDocker(t *testing.T) {
	t.Parallel()
	server, engine := testkit.UsherServer(t), testkit.StartPodman(t)
	inside := buildInside(t)
	engine.Image(t, testImage, map[string]string{"inside": inside})
	play := func(name string, act func(*testing.T, *containers)) {
		t.Run(name, func(t *testing.T) {
			c := &containers{scene: newSceneOf(t, server, "docker"), engine: engine, share: t.TempDir()}
			c.env = []string{"DOCKER_HOST=" + engine.Host}
			act(t, c)
		})
	}
	play("the job variables make the container", theJobVariablesMakeTheContainer)
	play("programs run as in a process", programsRunAsInAProcess)
	play("exit codes become states", exitCodesBecomeStates)
	play("causes are named", causesAreNamed)
	play("an image is pulled with credentials", func(t *testing.T, c *containers) { anImageIsPulledWithCredentials(t, c, inside) })
	play("a cancelled run stops its container", aCancelledRunStopsItsContainer)
	play("what a cancelled run of a dead worker left is torn down", whatACancelledRunOfADeadWorkerLeftIsTornDown)
	play("killed workers and engines leave nothing stuck", killedWorkersAndEnginesLeaveNothingStuck)
	play("python flows run in containers", pythonFlowsRunInContainers)
}

// buildInside builds the program of the containers.
func buildInside(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "inside")
	cmd := exec.Command("go", "build", "-o", path, "./testdata/inside")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// container deploys a command in the test's image; variables are more of the job's.
func (c *containers) container(command string, variables map[string]any) uuid.UUID {
	c.t.Helper()
	all := map[string]any{"image": testImage, "image_pull_policy": "Never", "command": command, "volumes": []string{c.share + ":/share"}}
	for name, v := range variables {
		all[name] = v
	}
	return c.deploy(&api.DeploymentCreate{
		Name: "d-" + uuid.NewString(), FlowID: c.flow, WorkPoolName: api.Some(c.pool), PullSteps: api.Some([]jsontext.Value{}), JobVariables: api.Some(value(c.t, all)),
	})
}

// inspected is what the tests look at in a container.
type inspected struct {
	ID     string `json:"Id"`
	Name   string
	Config struct {
		Labels map[string]string
		User   string
		Env    []string
	}
	HostConfig struct {
		Memory, ShmSize, NanoCpus int64
		NetworkMode               string
	}
}

// of is the id of the container of a run.
func (c *containers) of(run uuid.UUID) string {
	c.t.Helper()
	return strings.TrimSpace(c.engine.Run(c.t, "ps", "--all", "--quiet", "--no-trunc", "--filter", "label=io.prefect.flow-run-id="+run.String()))
}

// inspect reads the container of a run.
func (c *containers) inspect(run uuid.UUID) inspected {
	c.t.Helper()
	data := c.engine.Run(c.t, "inspect", c.of(run))
	var list []inspected
	if err := json.Unmarshal([]byte(data), &list, json.MatchCaseInsensitiveNames(true)); err != nil || len(list) != 1 {
		c.t.Fatalf("%v in %s", err, data)
	}
	return list[0]
}

func theJobVariablesMakeTheContainer(t *testing.T, c *containers) {
	t.Helper()
	w := c.worker("w")
	if err := os.Chmod(c.share, 0o777); err != nil { // the container's user is not the owner
		t.Fatal(err)
	}
	run := c.run(c.container("usher exec -- /inside say hello show GREETING make /share/seen", map[string]any{
		"env": map[string]string{"GREETING": "good morning"}, "labels": map[string]string{"team.example/x": "y"}, "mem_limit": "512m",
		"name": "My {{ ctx.flow.name }} job!", "container_create_kwargs": map[string]any{"shm_size": "32m", "cpus": 1.5, "user": "1000"},
	}), nil)
	got := c.ends(run, api.StateTypeCompleted)
	c.logged(run, "20 hello\n20 GREETING=good morning")
	found := c.inspect(run)
	if want := "My-flow-" + c.pool + "-job"; strings.TrimPrefix(found.Name, "/") != want {
		t.Errorf("the container is called %s, want %s", found.Name, want)
	}
	if found.HostConfig.Memory != 512<<20 || found.HostConfig.ShmSize != 32<<20 || found.HostConfig.NanoCpus != 1_500_000_000 || found.Config.User != "1000" {
		t.Errorf("the container is %+v", found)
	}
	if found.HostConfig.NetworkMode != "host" { // the API is on this machine
		t.Errorf("network mode %s", found.HostConfig.NetworkMode)
	}
	if l := found.Config.Labels; l["io.prefect.flow-run-id"] != run.String() || l["io.prefect.worker-name"] != "w" || l["example.team.x"] != "y" {
		t.Errorf("labels %v", l)
	}
	if want := "http+docker://localhost:" + found.ID; text(got.InfrastructurePID) != want {
		t.Errorf("infrastructure %s, want %s", text(got.InfrastructurePID), want)
	}
	for _, pair := range found.Config.Env {
		if strings.HasPrefix(pair, "PREFECT_HOME=") || strings.HasPrefix(pair, "DOCKER_HOST=") {
			t.Errorf("%s of the worker reached the container", pair)
		}
	}
	if _, err := os.Stat(filepath.Join(c.share, "seen")); err != nil {
		t.Error("the volume is not mounted:", err)
	}
	testkit.Eventually(t, patience, func() error {
		if !strings.Contains(w.Log(), "GREETING=good morning") {
			return fmt.Errorf("the output is not copied: %s", w.Log())
		}
		return nil
	})
}

func programsRunAsInAProcess(t *testing.T, c *containers) {
	t.Helper()
	c.worker("w")
	bad := c.run(c.container("usher exec -- /inside exit 3", map[string]any{"auto_remove": true}), nil)
	if got := c.ends(bad, api.StateTypeFailed); text(got.State.Message) != "Process exited with status code 3." {
		t.Errorf("message %q", text(got.State.Message))
	}
	testkit.Eventually(t, patience, func() error {
		if left := c.engine.Run(t, "ps", "--all", "--quiet", "--filter", "label=io.prefect.flow-run-id="+bad.String()); left != "" {
			return fmt.Errorf("auto_remove left %s", left)
		}
		return nil
	})
	bridged := c.run(c.container("/inside show PREFECT_API_URL exit 4", map[string]any{"network_mode": "none"}), nil)
	c.ends(bridged, api.StateTypeCrashed)
	for _, pair := range c.inspect(bridged).Config.Env {
		if url, ok := strings.CutPrefix(pair, "PREFECT_API_URL="); ok && !strings.HasPrefix(url, "http://host.docker.internal:") {
			t.Errorf("in a network of its own the container is told that the API is at %s", url)
		}
	}
}

func exitCodesBecomeStates(t *testing.T, c *containers) {
	t.Helper()
	c.worker("w")
	for command, want := range map[string]string{
		"/inside say alas exit 3": "Flow run infrastructure exited with non-zero status code 3.",
		"/inside exit 143":        "Flow run infrastructure exited with non-zero status code 143.",
		"/inside say done":        "Infrastructure ended without reporting a final state.",
	} {
		run := c.run(c.container(command, nil), nil)
		got := c.ends(run, api.StateTypeCrashed)
		if !strings.Contains(text(got.State.Message), want) {
			t.Errorf("%s: message %q, want %q", command, text(got.State.Message), want)
		}
		if _, said, ok := strings.Cut(command, "say "); ok {
			c.logged(run, "40 The last lines that it printed:\n"+strings.Fields(said)[0])
		}
	}
}

func causesAreNamed(t *testing.T, c *containers) {
	t.Helper()
	c.worker("w")
	for _, cause := range []struct {
		command   string
		variables map[string]any
		want      string
	}{
		{"/inside say x", map[string]any{"image": "127.0.0.1:1/none:1", "image_pull_policy": "Always"}, "the registry can't be reached"},
		{"/inside say x", map[string]any{"image": "localhost/none:1"}, "image_pull_policy is Never"},
		{"/no-such-program", nil, "was not found in image " + testImage},
		{"/inside say x", map[string]any{"volumes": []string{"nowhere"}}, "names no place in the container"},
		{"/inside say x", map[string]any{"container_create_kwargs": map[string]any{"shm": 1}}, "container_create_kwargs.shm: it is not known"},
		{"/inside eat 300", map[string]any{"mem_limit": "32m", "memswap_limit": "32m"}, "its memory limit is 32 MiB (mem_limit)"},
	} {
		got := c.ends(c.run(c.container(cause.command, cause.variables), nil), api.StateTypeCrashed)
		if !strings.Contains(text(got.State.Message), cause.want) {
			t.Errorf("message %q, want %q", text(got.State.Message), cause.want)
		}
	}
}

func anImageIsPulledWithCredentials(t *testing.T, c *containers, inside string) {
	t.Helper()
	host := privateRegistry(t, "someone", "open sesame", testkit.Layer(t, map[string]string{"inside": inside}))
	c.worker("w")
	image := map[string]any{"image": host + "/team/inside:1", "image_pull_policy": "IfNotPresent"}
	denied := c.ends(c.run(c.container("usher exec -- /inside say pulled", image), nil), api.StateTypeCrashed)
	if m := text(denied.State.Message); !strings.Contains(m, "denied access; give the pool registry_credentials") {
		t.Errorf("message %q", m)
	}
	with := func(password string) map[string]any {
		image["registry_credentials"] = map[string]any{"username": "someone", "password": password, "registry_url": host}
		return image
	}
	wrong := c.ends(c.run(c.container("usher exec -- /inside say pulled", with("wrong-secret")), nil), api.StateTypeCrashed)
	if m := text(wrong.State.Message); !strings.Contains(m, `denied access to user "someone"`) || strings.Contains(m, "wrong-secret") {
		t.Errorf("message %q", m)
	}
	image["image"] = host + "/team/none:1"
	absent := c.ends(c.run(c.container("usher exec -- /inside say pulled", with("open sesame")), nil), api.StateTypeCrashed)
	if m := text(absent.State.Message); !strings.Contains(m, "the registry has no such image or tag") {
		t.Errorf("message %q", m)
	}
	image["image"] = host + "/team/inside:1"
	run := c.run(c.container("usher exec -- /inside say pulled", with("open sesame")), nil)
	c.ends(run, api.StateTypeCompleted)
	c.logged(run, "20 Pulling image "+host+"/team/inside:1")
}

// privateRegistry serves team/inside:1 to one user, as the OCI distribution specification says.
func privateRegistry(t *testing.T, user, password string, layer []byte) (host string) {
	t.Helper()
	digest := func(data []byte) string {
		sum := sha256.Sum256(data)
		return "sha256:" + hex.EncodeToString(sum[:])
	}
	config := fmt.Appendf(nil, `{"architecture":%q,"os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":[%q]}}`, runtime.GOARCH, digest(layer))
	manifest := fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":%[1]q,"config":{"mediaType":%[2]q,"digest":%[3]q,"size":%[4]d},"layers":[{"mediaType":%[5]q,"digest":%[6]q,"size":%[7]d}]}`,
		"application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.config.v1+json", digest(config), len(config),
		"application/vnd.oci.image.layer.v1.tar", digest(layer), len(layer))
	blobs := map[string][]byte{"/v2/team/inside/blobs/" + digest(config): config, "/v2/team/inside/blobs/" + digest(layer): layer}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if u, p, _ := r.BasicAuth(); u != user || p != password {
			w.Header().Set("Www-Authenticate", `Basic realm="registry"`)
			http.Error(w, `{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`, http.StatusUnauthorized)
			return
		}
		switch data := blobs[r.URL.Path]; {
		case r.URL.Path == "/v2/":
		case strings.HasPrefix(r.URL.Path, "/v2/team/inside/manifests/"):
			w.Header().Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
			w.Header().Set("Docker-Content-Digest", digest(manifest))
			w.Write(manifest) //nolint:errcheck // the puller notices
		case data != nil:
			w.Write(data) //nolint:errcheck // the puller notices
		default:
			http.Error(w, `{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}`, http.StatusNotFound)
		}
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func aCancelledRunStopsItsContainer(t *testing.T, c *containers) {
	t.Helper()
	c.worker("w")
	polite := c.run(c.container("usher exec -- /inside make /share/polite wait /share/never", nil), nil)
	c.appears("polite")
	c.cancel(polite)
	c.ends(polite, api.StateTypeCancelled)
	if got := c.states(polite); got != "Scheduled Pending Submitting Running Cancelling Cancelled" {
		t.Errorf("states %s", got)
	}
	silent := c.run(c.container("/inside make /share/silent wait /share/never", nil), nil) // no engine that hears anything
	c.appears("silent")
	c.cancel(silent)
	c.ends(silent, api.StateTypeCancelled)
	if running := c.engine.Run(t, "ps", "--quiet"); running != "" {
		t.Errorf("still running: %s", running)
	}
}

// appears waits for a file that a container makes.
func (c *containers) appears(name string) {
	c.t.Helper()
	testkit.Eventually(c.t, patience, func() error {
		_, err := os.Stat(filepath.Join(c.share, name))
		return err
	})
}

// whatACancelledRunOfADeadWorkerLeftIsTornDown cancels a run whose worker is gone. The server
// gives up waiting for the worker, and asks another one, on another machine as far as it can
// tell, to stop the container, which takes longer than one reservation of the request: the
// program does not heed SIGTERM.
func whatACancelledRunOfADeadWorkerLeftIsTornDown(t *testing.T, c *containers) {
	t.Helper()
	server := testkit.UsherServerIn(t, t.TempDir(),
		"PREFECT_SERVER_SERVICES_CANCELLATION_CLEANUP_CANCELLING_TIMEOUT_SECONDS=1", "PREFECT_SERVER_METRICS_ENABLED=true")
	c.scene = newSceneOf(t, server, "docker")
	c.env = []string{"DOCKER_HOST=" + c.engine.Host}
	gone := c.worker("gone")
	run := c.run(c.container("/inside ignore TERM make /share/stubborn wait /share/never", nil), nil)
	c.appears("stubborn")
	gone.Kill()
	c.cancel(run)
	c.home = t.TempDir()
	other := c.worker("other")
	c.ends(run, api.StateTypeCancelled)
	// The program has half a minute to end by itself, and a request that is lost comes again.
	testkit.Eventually(t, 2*patience, func() error {
		if running := c.engine.Run(t, "ps", "--quiet"); running != "" {
			return fmt.Errorf("the container still runs: %s", running)
		}
		return nil
	})
	testkit.Eventually(t, patience, func() error {
		metrics := metricsOf(t, server)
		for _, want := range []string{
			`prefect_worker_channel_cleanup_deliveries_total{status="delivered"} 1`,
			`prefect_worker_cleanup_queue_operations_total{operation="ack",status="accepted"} 1`,
			`prefect_worker_cleanup_queue_operations_total{operation="renew",status="accepted"} 1`,
		} {
			if !strings.Contains(metrics, want+"\n") {
				return fmt.Errorf("no %s among\n%s", want, metrics)
			}
		}
		return nil
	})
	if got := c.states(run); !strings.HasSuffix(got, " Cancelling Cancelled") {
		t.Errorf("states %s", got)
	}
	if !strings.Contains(other.Log(), "Tore down what was left of run") {
		t.Errorf("the worker does not say what it did: %s", other.Log())
	}
}

// metricsOf are the metrics that a server serves.
func metricsOf(t *testing.T, server *testkit.Server) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.APIURL()+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close() //nolint:errcheck // it was only read
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func killedWorkersAndEnginesLeaveNothingStuck(t *testing.T, c *containers) {
	t.Helper()
	const runs = 6
	w := c.worker("first")
	if err := os.Mkdir(filepath.Join(c.share, "starts"), 0o777); err != nil {
		t.Fatal(err)
	}
	deployment := c.container("usher exec -- /inside mark /share/starts wait /share/go", nil)
	starts := func() int {
		entries, err := os.ReadDir(filepath.Join(c.share, "starts"))
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	var all []uuid.UUID
	for range runs {
		all = append(all, c.run(deployment, nil))
	}
	testkit.Eventually(t, patience, func() error { // in the middle of it
		if n := starts(); n < runs/2 {
			return fmt.Errorf("%d have started", n)
		}
		return nil
	})
	w.Kill()
	c.engine.Kill()
	c.engine.Start(t)
	c.worker("second")
	testkit.Eventually(t, patience, func() error {
		if n := starts(); n < runs {
			return fmt.Errorf("%d have started", n)
		}
		return nil
	})
	c.engine.Kill() // while the second looks after them
	c.engine.Start(t)
	if err := os.WriteFile(filepath.Join(c.share, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, run := range all {
		c.ends(run, api.StateTypeCompleted)
	}
	if n := starts(); n != runs {
		t.Errorf("%d starts for %d runs", n, runs)
	}
}

// pythonFlowsRunInContainers runs the real engine, from this machine's own files.
func pythonFlowsRunInContainers(t *testing.T, c *containers) {
	t.Helper()
	c.worker("w")
	source := `
from prefect import flow
import os, time
def cancelled(flow, flow_run, state):
    open("/share/hook", "w").close()
@flow(log_prints=True, on_cancellation=[cancelled])
def f():
    print("hello from a container", os.environ["WHERE"])
    open("/share/running", "w").close()
    while True:
        time.sleep(0.1)
`
	if err := os.WriteFile(filepath.Join(c.share, "f.py"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	volumes := []string{c.share + ":/share", c.share + ":/tmp", "/usr:/usr:ro", "/lib:/lib:ro", "/etc/ssl:/etc/ssl:ro"}
	if _, err := os.Stat("/lib64"); err == nil {
		volumes = append(volumes, "/lib64:/lib64:ro")
	}
	base, err := exec.Command(c.python.Python, "-c", "import sys; print(sys.base_prefix)").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{c.python.Dir, strings.TrimSpace(string(base))} {
		if !strings.HasPrefix(dir, "/usr") {
			volumes = append(volumes, dir+":"+dir+":ro")
		}
	}
	step := map[string]any{"prefect.deployments.steps.set_working_directory": map[string]any{"directory": "/share"}}
	deployment := c.deploy(&api.DeploymentCreate{
		Name: "python", FlowID: c.flow, WorkPoolName: api.Some(c.pool), Entrypoint: api.Some("f.py:f"), PullSteps: api.Some([]jsontext.Value{value(t, step)}),
		JobVariables: api.Some(value(t, map[string]any{
			"image": testImage, "image_pull_policy": "Never", "volumes": volumes,
			"env": map[string]string{"WHERE": "inside", "PATH": c.python.Bin + ":/usr/bin", "HOME": "/share"},
		})),
	})
	waiting := c.run(deployment, nil)
	c.appears("running")
	c.cancel(waiting)
	c.ends(waiting, api.StateTypeCancelled)
	c.logged(waiting, "hello from a container inside")
	c.appears("hook")
}
