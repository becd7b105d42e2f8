package worker_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/rules/access"
	"github.com/usherhq/usher/internal/testkit"
)

// executor starts `usher executor start`. Its containers see the API of this machine.
func (s *scene) executor(args ...string) *testkit.Process {
	s.t.Helper()
	return s.command("executor", append([]string{"executor", "start"}, args...)...)
}

// managing are the flags of an executor for the test's image.
func managing(more ...string) []string {
	return append([]string{"--engine", "docker", "--network", "host", "--image", "localhost/inside:", "--memory", "512m", "--cpus", "1.5"}, more...)
}

// managed deploys a command on the scene's pool; variables are more of the job's.
func (s *scene) managed(command string, variables map[string]any) uuid.UUID {
	s.t.Helper()
	all := map[string]any{"image": testImage, "command": command}
	for name, v := range variables {
		all[name] = v
	}
	return s.deploy(&api.DeploymentCreate{
		Name: "d-" + uuid.NewString(), FlowID: s.flow, WorkPoolName: api.Some(s.pool), PullSteps: api.Some([]jsontext.Value{}), JobVariables: api.Some(value(s.t, all)),
	})
}

// says fails unless the run crashes with words in its message.
func (s *scene) says(run uuid.UUID, words string) {
	s.t.Helper()
	if got := s.ends(run, api.StateTypeCrashed); !strings.Contains(text(got.State.Message), words) {
		s.t.Errorf("message %q, want %q", text(got.State.Message), words)
	}
}

// TestManagedPools plays against Podman: what a pool asks for beyond its bounds it does not get.
func TestManagedPools(t *testing.T) {
	t.Parallel()
	engine := testkit.StartPodman(t)
	engine.Image(t, testImage, map[string]string{"inside": buildInside(t)})
	play := func(name string, act func(*testing.T, *containers)) {
		t.Run(name, func(t *testing.T) {
			c := &containers{scene: newSceneOf(t, testkit.UsherServer(t), "prefect:managed"), engine: engine, share: t.TempDir()}
			c.env = []string{"DOCKER_HOST=" + engine.Host}
			act(t, c)
		})
	}
	play("a pool does not configure its host", aPoolDoesNotConfigureItsHost)
	play("the bounds hold", theBoundsOfManagedRunsHold)
	play("a killed executor's runs go on", aKilledExecutorsRunsGoOn)
	t.Run("workspaces of accounts", func(t *testing.T) { workspacesOfAccounts(t, engine) })
}

// greedyTemplate is what somebody may try who can edit the pool.
const greedyTemplate = `{"job_configuration": {"command": "{{ command }}", "env": "{{ env }}", "image": "{{ image }}", "name": "{{ name }}",
	"privileged": true, "volumes": ["/:/host"], "network_mode": "host", "networks": ["other"], "mem_limit": "64g",
	"container_create_kwargs": {"cap_add": ["SYS_ADMIN"], "pid_mode": "host", "devices": ["/dev/null:/dev/host"]}, "pip_packages": "{{ pip_packages }}"},
	"variables": {"type": "object", "properties": {"command": {"type": "string"}, "env": {"type": "object"}, "image": {"type": "string"}, "name": {"type": "string"}, "pip_packages": {"type": "array"}}}}`

func aPoolDoesNotConfigureItsHost(t *testing.T, c *containers) {
	t.Helper()
	must(t, func() error {
		return c.client.UpdateWorkPool(t.Context(), c.pool, &api.WorkPoolUpdate{BaseJobTemplate: api.Some(jsontext.Value(greedyTemplate))})
	})
	c.env = append(c.env, "PREFECT_CLIENT_CUSTOM_HEADERS={\"x-operator\": \"secret\"}", "OPERATORS=secret", "USHER_SECRETS_ENV=OPERATORS")
	c.executor(managing()...)
	run := c.run(c.managed("usher exec -- /inside say hello show GREETING show EXTRA_PIP_PACKAGES show PREFECT_CLIENT_CUSTOM_HEADERS show DOCKER_HOST show STOLEN wait /dev/shm/go", map[string]any{
		"env": map[string]string{"GREETING": "good morning", "STOLEN": "{{ $OPERATORS }}"}, "pip_packages": []string{"pandas==2.2.3", "httpx"},
	}), nil)
	c.is(run, api.StateTypeRunning)
	id := c.of(run)
	raw := c.engine.Run(t, "inspect", id)
	var found []struct {
		HostConfig struct {
			Memory, NanoCpus, PidsLimit int64
			Privileged                  bool
			Binds, CapAdd, CapDrop      []string
			PidMode                     string
			SecurityOpt                 []string
			Devices                     []jsontext.Value
		}
		EffectiveCaps []string
	}
	if err := json.Unmarshal([]byte(raw), &found, json.MatchCaseInsensitiveNames(true)); err != nil || len(found) != 1 {
		t.Fatalf("%v in %s", err, raw)
	}
	h := found[0].HostConfig
	if h.Privileged || len(h.Binds) > 0 || len(h.Devices) > 0 || slices.Contains(h.CapAdd, "SYS_ADMIN") || h.PidMode == "host" || len(found[0].EffectiveCaps) > 0 ||
		h.Memory != 512<<20 || h.NanoCpus != 1_500_000_000 || h.PidsLimit != 4096 || !slices.Contains(h.SecurityOpt, "no-new-privileges") {
		t.Errorf("the container is %+v", found[0])
	}
	c.engine.Run(t, "exec", id, "/inside", "make", "/dev/shm/go")
	c.ends(run, api.StateTypeCompleted)
	c.logged(run, "20 hello\n20 GREETING=good morning\n20 EXTRA_PIP_PACKAGES=pandas==2.2.3 httpx\n20 PREFECT_CLIENT_CUSTOM_HEADERS=\n20 DOCKER_HOST=\n20 STOLEN=")
	c.block("secret", "stolen", map[string]any{"value": map[string]any{"$env": "OPERATORS"}})
	c.says(c.run(c.managed("usher exec -- /inside say x", map[string]any{"env": map[string]string{"STOLEN": "{{ prefect.blocks.secret.stolen }}"}}), nil), "OPERATORS")
}

func theBoundsOfManagedRunsHold(t *testing.T, c *containers) {
	t.Helper()
	e := c.executor(managing("--max-run-time", "2s")...)
	c.says(c.run(c.managed("usher exec -- /inside say x", map[string]any{"image": "docker.io/library/alpine:3"}), nil), "is not among those of managed execution, which begin with localhost/inside:")
	c.says(c.run(c.managed("usher exec -- /inside say x", map[string]any{"pip_packages": []string{"--index-url=http://x"}}), nil), "which is no requirement")
	c.says(c.run(c.managed("/inside wait /nothing", nil), nil), "the longest that a managed run may take")
	c.ends(c.run(c.managed("usher exec -- /inside say x", nil), nil), api.StateTypeCompleted) // takes a minute, rounded up
	e.Stop()
	c.executor(managing("--quota-minutes", "1")...)
	c.says(c.run(c.managed("usher exec -- /inside say x", nil), nil), "has used its 1 minutes of managed execution of this month")
}

func aKilledExecutorsRunsGoOn(t *testing.T, c *containers) {
	t.Helper()
	e := c.executor(managing()...)
	run := c.run(c.managed("usher exec -- /inside say begun wait /dev/shm/go say done", nil), nil)
	c.is(run, api.StateTypeRunning)
	e.Kill()
	c.executor(managing()...)
	c.engine.Run(t, "exec", c.of(run), "/inside", "make", "/dev/shm/go")
	c.ends(run, api.StateTypeCompleted)
	c.logged(run, "20 begun\n20 done")
}

// workspacesOfAccounts: one executor works in each workspace that it is let into, and the
// programs of its runs have tokens of their own.
func workspacesOfAccounts(t *testing.T, engine *testkit.Podman) {
	n := newTenant(t)
	var other struct {
		ID string `json:"id"`
	}
	n.as(n.key, "POST", n.root+"/workspaces/", map[string]any{"name": "other", "handle": "other"}, &other)
	key := n.bot(access.WorkerID, n.workspace, other.ID)
	var scenes []*scene
	for _, workspace := range []string{n.workspace, other.ID} {
		c, err := client.New(client.Options{BaseURL: n.root + "/workspaces/" + workspace, APIKey: n.key})
		if err != nil {
			t.Fatal(err)
		}
		s := &scene{t: t, server: n.server, client: c, home: t.TempDir(), python: testkit.Reference(t), pool: "managed"}
		must(t, func() error {
			_, err := c.CreateWorkPool(t.Context(), &api.WorkPoolCreate{Name: s.pool, Type: api.Some("prefect:managed")})
			return err
		})
		flow, err := c.CreateFlow(t.Context(), &api.FlowCreate{Name: "f"})
		if err != nil {
			t.Fatal(err)
		}
		s.flow, scenes = flow.ID, append(scenes, s)
	}
	scenes[0].env = []string{"PREFECT_API_KEY=" + key, "DOCKER_HOST=" + engine.Host}
	scenes[0].executor(managing()...)
	for _, s := range scenes {
		run := s.run(s.managed("usher exec -- /inside say hello show PREFECT_API_URL", nil), nil)
		s.ends(run, api.StateTypeCompleted)
		s.logged(run, "20 hello\n20 PREFECT_API_URL="+s.client.BaseURL())
		if strings.Contains(engine.Run(t, "ps", "--all", "--no-trunc"), key) {
			t.Error("the executor's key is on a command line")
		}
	}
}

// TestPushPools plays against moto: jobs are started with the credentials of the pool's block.
func TestPushPools(t *testing.T) {
	t.Parallel()
	server := testkit.UsherServer(t)
	aws, _, machines := newCluster(t)
	s := newSceneOf(t, server, "ecs:push")
	template := strings.Replace(ecsTemplate, `"name": "{{ name }}", `, `"name": "{{ name }}", "aws_credentials": "{{ aws_credentials }}", `, 1)
	template = strings.Replace(template, `"name": {"type": "string"},`, `"name": {"type": "string"}, "aws_credentials": {"type": "object"},`, 1)
	must(t, func() error {
		return s.client.UpdateWorkPool(t.Context(), s.pool, &api.WorkPoolUpdate{BaseJobTemplate: api.Some(jsontext.Value(template))})
	})
	s.env = append(aws.Env(), "AWS_ENDPOINT_URL="+machines.url) // the operator's, of no use to pools
	s.executor("--allow-endpoint", machines.url)
	task := func(credentials map[string]any) uuid.UUID {
		variables := map[string]any{"image": "run", "command": "usher exec -- sh -c 'echo hello'"}
		if credentials != nil {
			variables["aws_credentials"] = credentials
		}
		return s.run(s.deploy(&api.DeploymentCreate{
			Name: "d-" + uuid.NewString(), FlowID: s.flow, WorkPoolName: api.Some(s.pool), PullSteps: api.Some([]jsontext.Value{}), JobVariables: api.Some(value(t, variables)),
		}), nil)
	}
	with := func(endpoint string) map[string]any {
		return map[string]any{"aws_access_key_id": "AKIATEST", "aws_secret_access_key": "secret", "region_name": "us-east-1", "aws_client_parameters": map[string]any{"endpoint_url": endpoint}}
	}
	run := task(with(machines.url))
	got := s.ends(run, api.StateTypeCompleted)
	s.logged(run, "20 hello")
	if pid := text(got.InfrastructurePID); !strings.HasPrefix(pid, "flows::arn:aws:ecs:us-east-1:") {
		t.Errorf("infrastructure %s", pid)
	}
	s.says(task(nil), "a push work pool needs aws_credentials with a key")
	s.says(task(with("http://169.254.169.254")), "the endpoint http://169.254.169.254, which the executor's operator does not allow")
	s.says(task(map[string]any{"aws_access_key_id": "a", "aws_secret_access_key": "b", "profile_name": "root"}), "can't name a profile")
	gone := fmt.Sprintf("/work_pools/%s", s.pool)
	if _, err := s.client.Do(t.Context(), "DELETE", gone, nil); err != nil {
		t.Fatal(err)
	}
}
