package worker_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/testkit"
)

// fleet is a scene with an ecs pool of its own cluster.
type fleet struct {
	*scene

	machines *instances
}

// ecsTemplate makes tasks that moto takes: it wants the size of each container.
const ecsTemplate = `{"job_configuration": {
	"command": "{{ command }}", "env": "{{ env }}", "labels": "{{ labels }}", "name": "{{ name }}", "cluster": "{{ cluster }}",
	"task_definition": {"containerDefinitions": [{"image": "{{ image }}", "name": "prefect", "cpu": 256, "memory": 512}], "family": "{{ family }}"},
	"task_run_request": {"launchType": "{{ launch_type }}", "cluster": "{{ cluster }}", "tags": "{{ labels }}", "taskDefinition": "{{ task_definition_arn }}",
		"overrides": {"containerOverrides": [{"name": "prefect", "command": "{{ command }}", "environment": "{{ env }}"}]}},
	"auto_deregister_task_definition": "{{ auto_deregister_task_definition }}",
	"task_watch_poll_interval": 0.1, "task_start_timeout_seconds": "{{ task_start_timeout_seconds }}"},
	"variables": {"type": "object", "properties": {
		"command": {"type": "string"}, "env": {"type": "object"}, "labels": {"type": "object"}, "name": {"type": "string"},
		"cluster": {"type": "string", "default": "flows"}, "image": {"type": "string"}, "family": {"type": "string"}, "launch_type": {"type": "string", "default": "FARGATE"},
		"task_definition_arn": {"type": "string"}, "auto_deregister_task_definition": {"type": "boolean"}, "task_start_timeout_seconds": {"type": "number"}}}}`

// newCluster starts moto with an empty cluster called flows and a stand-in for its machines.
func newCluster(t *testing.T) (*testkit.AWS, testkit.Python, *instances) {
	t.Helper()
	aws, python := testkit.StartAWS(t), testkit.PythonForAWS(t)
	bin := t.TempDir()
	if err := os.Symlink(testkit.Usher(t), filepath.Join(bin, "usher")); err != nil {
		t.Fatal(err)
	}
	machines := newInstances(t, aws, strings.Join([]string{bin, python.Bin, os.Getenv("PATH")}, ":"))
	made := exec.CommandContext(t.Context(), python.Python, "-c", "import boto3; boto3.client('ecs').create_cluster(clusterName='flows')")
	made.Env = testkit.Env(t.TempDir(), aws.Env()...)
	if out, err := made.CombinedOutput(); err != nil {
		t.Fatalf("make the cluster: %v\n%s", err, out)
	}
	return aws, python, machines
}

// TestECS plays against moto, which answers as AWS, with a stand-in for its machines.
func TestECS(t *testing.T) {
	t.Parallel()
	server := testkit.UsherServer(t)
	aws, python, machines := newCluster(t)
	for name, act := range map[string]func(*testing.T, *fleet){
		"programs run as tasks": programsRunAsTasks, "causes are named": taskCausesAreNamed, "a cancelled run stops its task": aCancelledRunStopsItsTask,
		"a killed worker's task is adopted": aKilledWorkersTaskIsAdopted, "a python flow runs": aPythonFlowRunsAsATask,
	} {
		t.Run(name, func(t *testing.T) {
			f := &fleet{scene: newSceneOf(t, server, "ecs"), machines: machines}
			f.python = python
			must(t, func() error {
				return f.client.UpdateWorkPool(t.Context(), f.pool, &api.WorkPoolUpdate{BaseJobTemplate: api.Some(jsontext.Value(ecsTemplate))})
			})
			f.env = append(aws.Env(), "AWS_ENDPOINT_URL="+machines.url)
			act(t, f)
		})
	}
}

// task deploys a command that runs in a task of the image.
func (f *fleet) task(image, command string, variables map[string]any) uuid.UUID {
	f.t.Helper()
	all := map[string]any{"image": image, "command": command}
	for name, v := range variables {
		all[name] = v
	}
	return f.deploy(&api.DeploymentCreate{
		Name: "d-" + uuid.NewString(), FlowID: f.flow, WorkPoolName: api.Some(f.pool), PullSteps: api.Some([]jsontext.Value{}), JobVariables: api.Some(value(f.t, all)),
	})
}

func programsRunAsTasks(t *testing.T, f *fleet) {
	t.Helper()
	f.worker("w")
	before := f.machines.definitions()
	deployment := f.task("run", `usher exec -- sh -c 'echo hello $GREETING; exit "${USHER_PARAM_CODE:-0}"'`, map[string]any{
		"env": map[string]string{"GREETING": "world"}, "labels": map[string]string{"team/x": "y z"},
	})
	run := f.run(deployment, nil)
	got := f.ends(run, api.StateTypeCompleted)
	f.logged(run, "20 hello world")
	if pid := text(got.InfrastructurePID); !strings.HasPrefix(pid, "flows::arn:aws:ecs:us-east-1:") {
		t.Errorf("infrastructure %s", pid)
	}
	failed := f.run(deployment, func(r *api.DeploymentFlowRunCreate) { r.Parameters = api.Some(value(t, map[string]any{"code": 3})) })
	f.ends(failed, api.StateTypeFailed)
	if n := f.machines.definitions() - before; n != 1 {
		t.Errorf("%d task definitions for two runs that need the same", n)
	}
	silent := f.ends(f.run(f.task("run", "sh -c 'exit 4'", map[string]any{"auto_deregister_task_definition": true}), nil), api.StateTypeCrashed)
	if !strings.Contains(text(silent.State.Message), "status code 4.") {
		t.Errorf("message %q", text(silent.State.Message))
	}
	if n := f.machines.deregistered(); n != 1 {
		t.Errorf("%d task definitions were deregistered", n)
	}
}

func taskCausesAreNamed(t *testing.T, f *fleet) {
	t.Helper()
	f.worker("w")
	for _, c := range []struct {
		image     string
		variables map[string]any
		want      string
	}{
		{"unpullable", nil, "CannotPullContainerError: pull image manifest has been retried 1 time(s): denied: access forbidden. The registry denied access"},
		{"oom", nil, "OutOfMemoryError: Container killed due to memory usage. Give the task more memory"},
		{"lost", nil, "Host EC2 (instance i-0123) terminated. The machine that it ran on is gone"},
		{"waiting", map[string]any{"task_start_timeout_seconds": 2}, "did not start within 2s"},
		{"run", map[string]any{"cluster": "nowhere"}, `There is no cluster "nowhere" in the region`},
		{"run", map[string]any{"task_definition_arn": "nothing:1"}, "the task definition nothing:1 can't be read"},
		{"run", map[string]any{"launch_type": "EC2", "command": "'"}, "never closed"},
	} {
		got := f.ends(f.run(f.task(c.image, "usher exec -- true", c.variables), nil), api.StateTypeCrashed)
		if !strings.Contains(text(got.State.Message), c.want) {
			t.Errorf("%s %v: message %q, want %q", c.image, c.variables, text(got.State.Message), c.want)
		}
	}
	waits := f.run(f.task("waiting", "", nil), nil)
	testkit.Eventually(t, patience, func() error {
		got, err := f.client.ReadFlowRun(t.Context(), waits)
		if err == nil && (text(got.StateName) != "InfrastructurePending" || !strings.Contains(text(got.State.Message), "provisioning")) {
			err = fmt.Errorf("the run is %s: %s", text(got.StateName), text(got.State.Message))
		}
		return err
	})
}

func aCancelledRunStopsItsTask(t *testing.T, f *fleet) {
	t.Helper()
	f.worker("w")
	mark := filepath.Join(t.TempDir(), "pid")
	run := f.run(f.task("run", "sh -c 'echo $$ > "+mark+"; sleep 300'", nil), nil) // no engine that hears anything
	pid := pidIn(t, mark)
	f.cancel(run)
	f.ends(run, api.StateTypeCancelled)
	gone(t, pid)
}

func aKilledWorkersTaskIsAdopted(t *testing.T, f *fleet) {
	t.Helper()
	w := f.worker("first")
	dir := t.TempDir()
	mark, end := filepath.Join(dir, "pid"), filepath.Join(dir, "end")
	run := f.run(f.task("run", "usher exec -- sh -c 'echo $$ >> "+mark+"; while ! test -e "+end+"; do sleep 0.1; done'", nil), nil)
	pidIn(t, mark)
	w.Kill()
	f.worker("second")
	if err := os.WriteFile(end, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f.ends(run, api.StateTypeCompleted)
	if data, err := os.ReadFile(mark); err != nil || strings.Count(string(data), "\n") != 1 {
		t.Errorf("it ran %q: %v", data, err)
	}
}

func aPythonFlowRunsAsATask(t *testing.T, f *fleet) {
	t.Helper()
	f.worker("w")
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "f.py"), []byte("from prefect import flow\n@flow(log_prints=True)\ndef f():\n    print('hello from a task')\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	step := map[string]any{"prefect.deployments.steps.set_working_directory": map[string]any{"directory": dir}}
	run := f.run(f.deploy(&api.DeploymentCreate{
		Name: "python", FlowID: f.flow, WorkPoolName: api.Some(f.pool), Entrypoint: api.Some("f.py:f"), PullSteps: api.Some([]jsontext.Value{value(t, step)}),
		JobVariables: api.Some(value(t, map[string]any{"image": "run"})),
	}), nil)
	f.ends(run, api.StateTypeCompleted)
	f.logged(run, "hello from a task")
}

func (i *instances) definitions() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.defined
}

func (i *instances) deregistered() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.inactive
}
