package worker_test

import (
	"archive/zip"
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/document"
	"github.com/usherhq/usher/internal/rules/jobtemplate"
	"github.com/usherhq/usher/internal/testkit"
)

// project is a folder of testdata/projects, and what its expect.yaml says of it. Variables of
// the environment stand in it as in a prefect.yaml.
type project struct {
	Name string `json:"-"`

	Kind       string                    `json:"kind"`       // of its pool; process if it says nothing
	Everywhere bool                      `json:"everywhere"` // played with the reference's server and worker too
	Repository string                    `json:"repository"` // a folder that becomes the git repository of the project's name
	Program    bool                      `json:"program"`    // wants the file inside, the program of containers
	Env        map[string]string         `json:"env"`        // of usher deploy
	Variables  map[string]any            `json:"variables"`
	Blocks     []projectBlock            `json:"blocks"`
	Deploy     []string                  `json:"deploy"`  // arguments; --all if it says nothing
	Refused    string                    `json:"refused"` // what usher deploy says that deploys nothing
	Absent     []string                  `json:"absent"`  // deployments that must not be there
	Expected   map[string]map[string]any `json:"deployments"`
	Runs       []projectRun              `json:"runs"`
}

type projectBlock struct {
	Type string         `json:"type"`
	Name string         `json:"name"`
	Data map[string]any `json:"data"`
}

// projectRun is a run of a deployment and how it ends.
type projectRun struct {
	Of         string                          `json:"of"`
	Parameters map[string]any                  `json:"parameters"`
	Awaited    bool                            `json:"awaited"`   // a schedule makes it
	Scheduled  bool                            `json:"scheduled"` // there are runs for later, which is all
	Event      struct{ Name, Resource string } `json:"event"`     // makes it
	Refused    string                          `json:"refused"`   // what the server says to it
	State      api.StateType                   `json:"state"`     // COMPLETED if it says nothing
	Message    string                          `json:"message"`   // is in the state's
	Logs       []string                        `json:"logs"`
	Unlogged   []string                        `json:"unlogged"`
}

// studio is a server with a pool and a worker of each kind, and what projects use besides.
type studio struct {
	pools    map[string]*scene
	python   testkit.Python
	git      *testkit.Git
	registry *testkit.Registry
	inside   string
	env      map[string]string
}

const (
	gitToken  = "the-token-of-git"
	s3Bucket  = "code"
	processes = "process"
)

// newStudio makes what the projects of the kinds need; theirs has the reference's worker execute.
func newStudio(t *testing.T, server *testkit.Server, theirs bool, kinds ...string) *studio {
	t.Helper()
	u := &studio{pools: map[string]*scene{}, python: testkit.PythonForAWS(t), git: testkit.StartGit(t, gitToken), env: map[string]string{
		"GIT_TOKEN": gitToken, "STAGE": "testing", "S3_BUCKET": s3Bucket,
	}}
	u.env["GIT_URL"], u.env["GIT_SSL_CAINFO"], u.env["PYTHON_BIN"] = u.git.URL, u.git.CA, u.python.Bin
	if slices.Contains(kinds, "docker") {
		engine := testkit.StartPodman(t)
		u.inside, u.registry = buildInside(t), testkit.StartRegistry(t)
		engine.Image(t, testImage, map[string]string{"inside": u.inside})
		u.env["DOCKER_HOST"], u.env["IMAGE"] = engine.Host, testImage
		u.env["REGISTRY"], u.env["REGISTRY_USER"], u.env["REGISTRY_PASSWORD"] = u.registry.Host, u.registry.User, u.registry.Password
	}
	if !theirs && slices.Contains(kinds, processes) {
		u.provideS3(t)
	}
	for _, kind := range kinds {
		s := newSceneOf(t, server, kind)
		s.python, u.pools[kind] = u.python, s
		for name, v := range u.env {
			s.env = append(s.env, name+"="+v)
		}
		if theirs {
			s.theirWorker()
		} else {
			s.worker(kind, "--limit", "3")
		}
	}
	first := u.pools[kinds[0]]
	first.block("secret", "git-token", map[string]any{"value": gitToken})
	if u.registry != nil {
		first.variable("python_volumes", u.volumes(t))
	}
	return u
}

func (u *studio) provideS3(t *testing.T) {
	t.Helper()
	aws := testkit.StartAWS(t)
	for _, pair := range aws.Env() {
		name, value, _ := strings.Cut(pair, "=")
		u.env[name] = value
	}
	cmd := exec.CommandContext(t.Context(), u.python.Python, "-c", "import boto3; boto3.client('s3').create_bucket(Bucket='"+s3Bucket+"')")
	cmd.Env = testkit.Env(t.TempDir(), aws.Env()...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make the bucket: %v\n%s", err, out)
	}
}

// volumes are what containers need of this machine to run its Python.
func (u *studio) volumes(t *testing.T) []string {
	t.Helper()
	volumes := []string{t.TempDir() + ":/tmp", u.git.CA + ":" + u.git.CA + ":ro", "/usr:/usr:ro", "/lib:/lib:ro", "/etc/ssl:/etc/ssl:ro"}
	if _, err := os.Stat("/lib64"); err == nil {
		volumes = append(volumes, "/lib64:/lib64:ro")
	}
	dir, err := filepath.EvalSymlinks(u.python.Dir)
	if err != nil {
		t.Fatal(err)
	}
	base, err := exec.CommandContext(t.Context(), u.python.Python, "-c", "import sys; print(sys.base_prefix)").Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, d := range []string{u.python.Dir, dir, strings.TrimSpace(string(base))} {
		if !strings.HasPrefix(d, "/usr") && !seen[d] {
			volumes = append(volumes, d+":"+d+":ro")
		}
		seen[d] = true
	}
	return volumes
}

// theirWorker starts a worker of the reference on the pool.
func (s *scene) theirWorker() {
	s.t.Helper()
	bin := s.t.TempDir()
	if err := os.Symlink(testkit.Usher(s.t), filepath.Join(bin, "usher")); err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.Command(s.python.Python, "-m", "prefect", "worker", "start", "--pool", s.pool, "--name", "theirs", "--limit", "3")
	env := append([]string{"USHER_HOME=" + s.home, "PREFECT_WORKER_QUERY_SECONDS=1", shortRequests}, s.env...)
	cmd.Env = testkit.WithPath(testkit.WithPath(s.server.Env(s.home, env...), s.python.Bin), bin)
	p, err := testkit.StartProcess(cmd, filepath.Join(s.t.TempDir(), "worker.log"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		p.Stop()
		if s.t.Failed() {
			s.t.Logf("the reference's worker:\n%s", p.Log())
		}
	})
}

// block keeps a block, secret or not.
func (s *scene) block(kind, name string, data map[string]any) {
	s.t.Helper()
	must(s.t, func() error {
		blockType, err := s.client.ReadBlockTypeBySlug(s.t.Context(), kind)
		if err != nil {
			return err
		}
		schemas, err := s.client.ReadBlockSchemas(s.t.Context(), &api.ReadBlockSchemasRequest{
			BlockSchemas: &api.BlockSchemaFilter{BlockTypeID: &api.Match[uuid.UUID]{Any: []uuid.UUID{blockType.ID}}},
		})
		if err != nil || len(schemas) == 0 {
			return errors.Join(err, api.NotFound("schema of "+kind))
		}
		_, err = s.client.CreateBlockDocument(s.t.Context(), &api.BlockDocumentCreate{
			Name: api.Some(name), Data: api.Some(value(s.t, data)), BlockSchemaID: schemas[0].ID, BlockTypeID: blockType.ID,
		})
		return err
	})
}

func (s *scene) variable(name string, v any) {
	s.t.Helper()
	must(s.t, func() error {
		_, err := s.client.CreateVariable(s.t.Context(), &api.VariableCreate{Name: name, Value: value(s.t, v)})
		return err
	})
}

// TestProjects deploys every project with our command line and runs it with our worker and our
// server.
func TestProjects(t *testing.T) {
	t.Parallel()
	u := newStudio(t, testkit.UsherServer(t), false, processes, "docker")
	for _, p := range projects(t) {
		t.Run(p.Name, func(t *testing.T) { u.play(t, p) })
	}
}

// TestProjectsOnTheReference has our worker work for the reference's server.
func TestProjectsOnTheReference(t *testing.T) {
	u := newStudio(t, testkit.ReferenceServer(t), false, processes)
	u.playSome(t)
}

// TestProjectsWithTheReferencesWorker has the reference's worker work for our server.
func TestProjectsWithTheReferencesWorker(t *testing.T) {
	t.Parallel()
	u := newStudio(t, testkit.UsherServer(t), true, processes)
	u.playSome(t)
}

func (u *studio) playSome(t *testing.T) {
	t.Helper()
	for _, p := range projects(t) {
		if p.Everywhere {
			t.Run(p.Name, func(t *testing.T) { u.play(t, p) })
		}
	}
}

const projectsDir = "testdata/projects"

// projects are the folders; what they expect is read when they are played.
func projects(t *testing.T) []project {
	t.Helper()
	entries, err := os.ReadDir(projectsDir)
	if err != nil {
		t.Fatal(err)
	}
	var all []project
	for _, e := range entries {
		all = append(all, readProject(t, e.Name(), nil))
	}
	if want := 30; len(all) < want {
		t.Fatalf("there are %d projects, and were %d", len(all), want)
	}
	return all
}

var variableOf = regexp.MustCompile(`\{\{ \$(\w+) }}`)

func readProject(t *testing.T, name string, env map[string]string) project {
	t.Helper()
	path := filepath.Join(projectsDir, name, "expect.yaml")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := variableOf.ReplaceAllStringFunc(string(data), func(v string) string { return env[variableOf.FindStringSubmatch(v)[1]] })
	node, err := document.Parse(path, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	tree, err := document.Tree(node)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := jobtemplate.Encode(tree)
	if err != nil {
		t.Fatal(err)
	}
	p := project{Name: name}
	if err := json.Unmarshal(encoded, &p, json.RejectUnknownMembers(true), json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	p.Kind = cmp.Or(p.Kind, processes)
	return p
}

// play deploys a project and sees its runs end as it says.
func (u *studio) play(t *testing.T, p project) {
	t.Helper()
	dir, env := filepath.Join(t.TempDir(), p.Name), map[string]string{}
	for name, v := range u.env {
		env[name] = v
	}
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(projectsDir, p.Name))); err != nil {
		t.Fatal(err)
	}
	s := *u.pools[p.Kind]
	s.t, env["PROJECT"], env["POOL"] = t, dir, s.pool
	u.provide(t, p, dir, env)
	p = readProject(t, p.Name, env)
	for name, v := range p.Variables {
		s.variable(name, v)
	}
	for _, b := range p.Blocks {
		s.block(b.Type, b.Name, b.Data)
	}
	out, err := s.deployProject(p, dir, env)
	switch {
	case p.Refused != "" && (err == nil || !strings.Contains(out, p.Refused)):
		t.Errorf("usher deploy: %v, want %q:\n%s", err, p.Refused, out)
	case p.Refused == "" && err != nil:
		t.Fatalf("usher deploy: %v\n%s", err, out)
	}
	for _, name := range p.Absent {
		if _, err := s.deployment(name); api.CodeOf(err) != api.CodeNotFound {
			t.Errorf("deployment %s: %v", name, err)
		}
	}
	for name, want := range p.Expected {
		s.looks(name, want)
	}
	var check []func()
	for _, r := range p.Runs {
		check = append(check, s.start(r))
	}
	for _, c := range check {
		c()
	}
}

// provide makes what a project has that is no file of it.
func (u *studio) provide(t *testing.T, p project, dir string, env map[string]string) {
	t.Helper()
	if p.Repository != "" {
		env["GIT_COMMIT"] = u.git.Add(t, p.Name, filepath.Join(dir, p.Repository))
	}
	if p.Program {
		if err := os.Link(u.inside, filepath.Join(dir, "inside")); err != nil {
			t.Fatal(err)
		}
	}
	wants, err := os.ReadFile(filepath.Join(dir, "requirements.txt"))
	if err != nil {
		return
	}
	wheel, err := os.Create(filepath.Join(dir, strings.TrimSpace(string(wants))))
	if err != nil {
		t.Fatal(err)
	}
	defer wheel.Close()
	archive := zip.NewWriter(wheel)
	for name, data := range map[string]string{
		"tiny.py":                     "WORD = 'hello'\n",
		"tiny-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n",
		"tiny-1.0.dist-info/WHEEL":    "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
		"tiny-1.0.dist-info/RECORD":   "tiny.py,,\ntiny-1.0.dist-info/METADATA,,\ntiny-1.0.dist-info/WHEEL,,\ntiny-1.0.dist-info/RECORD,,\n",
	} {
		file, err := archive.Create(name)
		if err == nil {
			_, err = file.Write([]byte(data))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
}

func (s *scene) deployProject(p project, dir string, env map[string]string) (string, error) {
	s.t.Helper()
	args := p.Deploy
	if args == nil {
		args = []string{"--all"}
	}
	cmd := exec.CommandContext(s.t.Context(), testkit.Usher(s.t), append([]string{"deploy"}, args...)...)
	cmd.Dir = dir
	extra := []string{"USHER_HOME=" + s.home, "PREFECT_DEPLOYMENTS_DEFAULT_WORK_POOL_NAME=" + s.pool}
	for _, more := range []map[string]string{env, p.Env} {
		for name, v := range more {
			extra = append(extra, name+"="+v)
		}
	}
	cmd.Env = testkit.WithPath(s.server.Env(s.home, extra...), s.python.Bin)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (s *scene) deployment(name string) (api.DeploymentResponse, error) {
	flow, name, _ := strings.Cut(name, "/")
	return s.client.ReadDeploymentByName(s.t.Context(), flow, name)
}

// looks checks that a deployment has what is wanted, and more.
func (s *scene) looks(name string, want map[string]any) {
	s.t.Helper()
	found, err := s.deployment(name)
	if err != nil {
		s.t.Error(err)
		return
	}
	var got any
	if err := json.Unmarshal(value(s.t, found), &got); err != nil {
		s.t.Fatal(err)
	}
	if diff := lacks(got, want); diff != "" {
		s.t.Errorf("deployment %s: %s", name, diff)
	}
}

// lacks says what of the wanted is not there.
func lacks(got, want any) string {
	switch want := want.(type) {
	case map[string]any:
		object, ok := got.(map[string]any)
		if !ok {
			return fmt.Sprintf("is %v, want %v", got, want)
		}
		for key, v := range want {
			if diff := lacks(object[key], v); diff != "" {
				return key + ": " + diff
			}
		}
		return ""
	case []any:
		list, ok := got.([]any)
		if !ok || len(list) != len(want) {
			return fmt.Sprintf("is %v, want %v", got, want)
		}
		for i := range want { // the server has an order of its own
			if !slices.ContainsFunc(list, func(v any) bool { return lacks(v, want[i]) == "" }) {
				return fmt.Sprintf("%v is not among %v", want[i], list)
			}
		}
		return ""
	case string:
		a, errA := time.Parse(time.RFC3339, want)
		text, _ := got.(string)
		if b, errB := time.Parse(time.RFC3339, text); errA == nil && errB == nil && a.Equal(b) {
			return ""
		}
	}
	if !reflect.DeepEqual(got, want) {
		return fmt.Sprintf("is %v, want %v", got, want)
	}
	return ""
}

// start brings a run about; the function that it returns sees it end.
func (s *scene) start(r projectRun) (end func()) {
	s.t.Helper()
	found, err := s.deployment(r.Of)
	if err != nil {
		s.t.Fatal(err)
	}
	runs := func(filter api.FlowRunFilter) []api.FlowRunResponse {
		filter.DeploymentID = &api.FlowRunFilterDeploymentId{Any: []uuid.UUID{found.ID}}
		list, err := s.client.ReadFlowRuns(s.t.Context(), &api.ReadFlowRunsRequest{FlowRuns: &filter})
		if err != nil {
			s.t.Log(err)
		}
		return list
	}
	awaited := func() (run uuid.UUID) {
		testkit.Eventually(s.t, patience, func() error {
			for _, r := range runs(api.FlowRunFilter{}) {
				if r.StateType != nil && *r.StateType != api.StateTypeScheduled {
					run = r.ID
					return nil
				}
			}
			return errors.New("there is no run that has begun")
		})
		return run
	}
	switch {
	case r.Scheduled:
		return func() {
			testkit.Eventually(s.t, patience, func() error {
				if len(runs(api.FlowRunFilter{})) < 3 {
					return errors.New("there are no runs for later")
				}
				return nil
			})
		}
	case r.Awaited:
		return func() { s.endsAs(awaited(), r) }
	case r.Event.Name != "":
		event := api.Event{ID: uuid.New(), Event: r.Event.Name, Occurred: api.At(time.Now()), Resource: api.Resource{"prefect.resource.id": r.Event.Resource}}
		must(s.t, func() error { return s.client.CreateEvents(s.t.Context(), []api.Event{event}) })
		return func() { s.endsAs(awaited(), r) }
	}
	request := &api.DeploymentFlowRunCreate{IdempotencyKey: api.Some(uuid.NewString())}
	if r.Parameters != nil {
		request.Parameters = api.Some(value(s.t, r.Parameters))
	}
	if r.Refused != "" {
		_, err := s.client.CreateFlowRunFromDeployment(s.t.Context(), found.ID, request)
		if err == nil || !strings.Contains(err.Error(), r.Refused) {
			s.t.Errorf("a run of %s with %v: %v, want %q", r.Of, r.Parameters, err, r.Refused)
		}
		return func() {}
	}
	run := s.run(found.ID, func(with *api.DeploymentFlowRunCreate) { with.Parameters = request.Parameters })
	return func() { s.endsAs(run, r) }
}

func (s *scene) endsAs(run uuid.UUID, r projectRun) {
	s.t.Helper()
	got := s.ends(run, cmp.Or(r.State, api.StateTypeCompleted))
	if !strings.Contains(text(got.State.Message), r.Message) {
		s.t.Errorf("%s ended with %q, want %q", r.Of, text(got.State.Message), r.Message)
	}
	for _, words := range r.Logs {
		s.logged(run, words)
	}
	logs := s.logs(run)
	for _, words := range r.Unlogged {
		if strings.Contains(logs, words) {
			s.t.Errorf("%s logged %q:\n%s", r.Of, words, logs)
		}
	}
}
