package worker_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
	"go.yaml.in/yaml/v4"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/testkit"
)

// cluster is a scene with a kubernetes pool on a real control plane.
type cluster struct {
	*scene

	nodes *kubelet
	share string
}

const testNamespace = "flows"

// TestKubernetes plays against kube-apiserver, with the rights of deploy/kubernetes alone.
func TestKubernetes(t *testing.T) {
	if !testkit.KubernetesWanted() {
		t.Skip("building a control plane takes minutes: make test-kubernetes")
	}
	server, control := testkit.UsherServer(t), testkit.StartKubernetes(t)
	path := filepath.Dir(testkit.Usher(t)) + ":" + os.Getenv("PATH")
	nodes := newKubelet(t, control, path)
	config := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(config, control.Config(nodes.workerToken(), testNamespace), 0o600); err != nil {
		t.Fatal(err)
	}
	play := func(name string, act func(*testing.T, *cluster)) {
		t.Run(name, func(t *testing.T) {
			c := &cluster{scene: newSceneOf(t, server, "kubernetes"), nodes: nodes, share: t.TempDir()}
			c.env = []string{"KUBECONFIG=" + config}
			act(t, c)
		})
	}
	t.Run("the chart is valid", func(t *testing.T) {
		worker := chart(t, map[string]any{"storeEnvAsSecret": true, "apiKeySecret": "key", "limit": 3, "workQueues": []any{"q"}, "env": map[string]any{"A": "b c"}})[3]
		nodes.do("POST", "/apis/apps/v1/namespaces/flows/statefulsets?dryRun=All&fieldValidation=Strict", worker, nil)
	})
	play("runs are jobs", runsAreJobs)
	play("causes are named", podCausesAreNamed)
	play("cancelled runs delete their jobs", cancelledRunsDeleteTheirJobs)
	play("what a cancelled run of a dead worker left is deleted", whatACancelledRunOfADeadWorkerLeftIsDeleted)
	play("a killed worker's jobs are taken over", aKilledWorkersJobsAreTakenOver)
	t.Run("managed runs are jobs of the operator's", func(t *testing.T) {
		c := &cluster{scene: newSceneOf(t, testkit.UsherServer(t), "prefect:managed"), nodes: nodes, share: t.TempDir()}
		c.env = []string{"KUBECONFIG=" + config, "OPERATORS=secret"}
		managedRunsAreJobsOfTheOperators(t, c)
	})
}

// workerToken makes the namespace with what the repository's manifest grants, and a token of
// its service account.
func (k *kubelet) workerToken() string {
	k.t.Helper()
	k.do("POST", "/api/v1/namespaces", object{"apiVersion": "v1", "kind": "Namespace", "metadata": object{"name": testNamespace}}, nil)
	root, err := testkit.Checkout()
	if err != nil {
		k.t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(root, "deploy/kubernetes/worker.yaml"))
	if err != nil {
		k.t.Fatal(err)
	}
	places := map[string]string{
		"ServiceAccount": "/api/v1/namespaces/flows/serviceaccounts", "Role": "/apis/rbac.authorization.k8s.io/v1/namespaces/flows/roles",
		"RoleBinding": "/apis/rbac.authorization.k8s.io/v1/namespaces/flows/rolebindings",
	}
	for _, document := range strings.Split(string(data), "\n---\n") {
		var manifest object
		if err := yaml.Unmarshal([]byte(document), &manifest); err != nil {
			k.t.Fatal(err)
		}
		if subjects, ok := manifest["subjects"].([]any); ok { // kubectl does as much
			subjects[0].(object)["namespace"] = testNamespace
		}
		k.do("POST", places[manifest["kind"].(string)], manifest, nil)
	}
	var answer struct {
		Status struct {
			Token string `json:"token"`
		} `json:"status"`
	}
	k.do("POST", "/api/v1/namespaces/flows/serviceaccounts/usher-worker/token", object{"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": object{}}, &answer)
	return answer.Status.Token
}

// job deploys a command in an image; variables are more of the job's.
func (c *cluster) job(image, command string, variables map[string]any) uuid.UUID {
	c.t.Helper()
	all := map[string]any{"image": image, "command": command, "namespace": testNamespace, "pod_watch_timeout_seconds": 5}
	for name, v := range variables {
		all[name] = v
	}
	return c.deploy(&api.DeploymentCreate{
		Name: "d-" + uuid.NewString(), FlowID: c.flow, WorkPoolName: api.Some(c.pool), PullSteps: api.Some([]jsontext.Value{}), JobVariables: api.Some(value(c.t, all)),
	})
}

// jobs lists the jobs of a run.
func (c *cluster) jobs(run uuid.UUID) (found struct {
	Items []struct {
		Metadata struct {
			Name        string            `json:"name"`
			Labels      map[string]string `json:"labels"`
			Annotations map[string]string `json:"annotations"`
		} `json:"metadata"`
		Spec struct {
			TTL      int `json:"ttlSecondsAfterFinished"`
			Template struct {
				Spec struct {
					Containers []struct {
						Resources struct {
							Limits map[string]string `json:"limits"`
						} `json:"resources"`
						EnvFrom []object `json:"envFrom"`
						Env     []struct {
							Name, Value string
						} `json:"env"`
					} `json:"containers"`
				} `json:"spec"`
			} `json:"template"`
		} `json:"spec"`
	} `json:"items"`
}) {
	c.t.Helper()
	c.nodes.do("GET", "/apis/batch/v1/namespaces/flows/jobs?labelSelector=prefect.io/flow-run-id="+run.String(), nil, &found)
	return found
}

func runsAreJobs(t *testing.T, c *cluster) {
	t.Helper()
	c.env = append(c.env, "PREFECT_INTEGRATIONS_KUBERNETES_WORKER_STORE_ENV_AS_SECRET=true")
	w := c.worker("Worker One")
	run := c.run(c.job("run", `usher exec -- sh -c 'echo hello $GREETING'`, map[string]any{
		"env": map[string]string{"GREETING": "world"}, "annotations": map[string]string{"team/x": "y"}, "memory_limit": "256Mi", "finished_job_ttl": 3600,
		"name": "My {{ ctx.flow.name }}!",
	}), nil)
	got := c.ends(run, api.StateTypeCompleted)
	c.logged(run, "20 hello world")
	found := c.jobs(run)
	if len(found.Items) != 1 {
		t.Fatalf("%d jobs", len(found.Items))
	}
	job := found.Items[0]
	if want := "my-flow-" + c.pool + "-"; !strings.HasPrefix(job.Metadata.Name, want) {
		t.Errorf("the job is called %s, want %s…", job.Metadata.Name, want)
	}
	if text(got.InfrastructurePID) != "flows:"+job.Metadata.Name {
		t.Errorf("infrastructure %s", text(got.InfrastructurePID))
	}
	l := job.Metadata.Labels
	if l["prefect.io/worker-name"] != "worker-one" || l["app.kubernetes.io/managed-by"] != "prefect" || job.Metadata.Annotations["team/x"] != "y" {
		t.Errorf("labels %v, annotations %v", l, job.Metadata.Annotations)
	}
	container := job.Spec.Template.Spec.Containers[0]
	if job.Spec.TTL != 3600 || container.Resources.Limits["memory"] != "256Mi" || len(container.EnvFrom) != 1 || len(container.Env) != 0 {
		t.Errorf("the job is %+v", job.Spec)
	}
	testkit.Eventually(t, patience, func() error {
		if !strings.Contains(w.Log(), "hello world") {
			return fmt.Errorf("the output is not copied: %s", w.Log())
		}
		return nil
	})
	failed := c.run(c.job("run", "usher exec -- sh -c 'exit 3'", nil), nil)
	c.ends(failed, api.StateTypeFailed)
	silent := c.ends(c.run(c.job("run", "sh -c 'exit 4'", nil), nil), api.StateTypeCrashed)
	if !strings.Contains(text(silent.State.Message), "status code 4.") {
		t.Errorf("message %q", text(silent.State.Message))
	}
}

func podCausesAreNamed(t *testing.T, c *cluster) {
	t.Helper()
	c.worker("w")
	for image, want := range map[string]string{
		"unpullable": "ImagePullError: image unpullable can't be pulled: ImagePullBackOff: pull access denied for unpullable. The registry denied access",
		"oom":        "OOMKilled: container prefect-job ran out of memory. Raise the job variable memory_limit",
		"missing":    "CommandError: exec: \"nothing\": executable file not found",
		"evicted":    "Evicted: The node was low on resource: memory.",
	} {
		got := c.ends(c.run(c.job(image, "", nil), nil), api.StateTypeCrashed)
		if !strings.Contains(text(got.State.Message), want) {
			t.Errorf("%s: message %q, want %q", image, text(got.State.Message), want)
		}
	}
	waits := c.run(c.job("unschedulable", "", nil), nil)
	testkit.Eventually(t, patience, func() error {
		got, err := c.client.ReadFlowRun(t.Context(), waits)
		if err == nil && (text(got.StateName) != "InfrastructurePending" || !strings.Contains(text(got.State.Message), "Unschedulable.InsufficientResources: 0/3 nodes")) {
			err = fmt.Errorf("the run is %s: %s", text(got.StateName), text(got.State.Message))
		}
		return err
	})
	c.cancel(waits)
	c.ends(waits, api.StateTypeCancelled)
	elsewhere := c.ends(c.run(c.job("run", "", map[string]any{"namespace": "nowhere"}), nil), api.StateTypeCrashed)
	if m := text(elsewhere.State.Message); !strings.Contains(m, "Let the worker's service account create") {
		t.Errorf("message %q", m)
	}
	c.nodes.do("POST", "/api/v1/namespaces/flows/resourcequotas", object{
		"apiVersion": "v1", "kind": "ResourceQuota", "metadata": object{"name": "none"}, "spec": object{"hard": object{"limits.memory": "1Mi"}},
	}, nil)
	defer c.nodes.do("DELETE", "/api/v1/namespaces/flows/resourcequotas/none", object{}, nil)
	over := c.ends(c.run(c.job("run", "", map[string]any{"memory_limit": "1Gi"}), nil), api.StateTypeCrashed)
	if m := text(over.State.Message); !strings.Contains(m, "No pod was created") || !strings.Contains(m, "quota") {
		t.Errorf("message %q", m)
	}
}

func cancelledRunsDeleteTheirJobs(t *testing.T, c *cluster) {
	t.Helper()
	c.worker("w")
	run := c.run(c.job("run", fmt.Sprintf("sh -c 'touch %s/begun; sleep 300'", c.share), nil), nil)
	c.begun("begun")
	c.cancel(run)
	c.ends(run, api.StateTypeCancelled)
	testkit.Eventually(t, patience, func() error {
		if n := len(c.jobs(run).Items); n > 0 {
			return fmt.Errorf("%d jobs are left", n)
		}
		return nil
	})
}

// whatACancelledRunOfADeadWorkerLeftIsDeleted cancels a run whose worker is gone. The server
// gives up waiting for the worker, and asks another one to delete the job.
func whatACancelledRunOfADeadWorkerLeftIsDeleted(t *testing.T, c *cluster) {
	t.Helper()
	server, env := testkit.UsherServerIn(t, t.TempDir(), "PREFECT_SERVER_SERVICES_CANCELLATION_CLEANUP_CANCELLING_TIMEOUT_SECONDS=1"), c.env
	c.scene = newSceneOf(t, server, "kubernetes")
	c.env = env
	gone := c.worker("gone")
	run := c.run(c.job("run", fmt.Sprintf("sh -c 'touch %s/left; sleep 300'", c.share), nil), nil)
	c.begun("left")
	testkit.Eventually(t, patience, func() error {
		got, err := c.client.ReadFlowRun(t.Context(), run)
		if err == nil && got.InfrastructurePID == nil {
			err = errors.New("the run does not know its job")
		}
		return err
	})
	gone.Kill()
	c.cancel(run)
	c.home = t.TempDir()
	other := c.worker("other")
	c.ends(run, api.StateTypeCancelled)
	testkit.Eventually(t, 2*patience, func() error {
		if n := len(c.jobs(run).Items); n > 0 {
			return fmt.Errorf("%d jobs are left", n)
		}
		return nil
	})
	testkit.Eventually(t, patience, func() error {
		if !strings.Contains(other.Log(), "Tore down what was left of run") {
			return fmt.Errorf("the worker does not say what it did: %s", other.Log())
		}
		return nil
	})
	if got := c.states(run); !strings.HasSuffix(got, " Cancelling Cancelled") {
		t.Errorf("states %s", got)
	}
}

func (c *cluster) begun(name string) {
	c.t.Helper()
	testkit.Eventually(c.t, patience, func() error {
		_, err := os.Stat(filepath.Join(c.share, name))
		return err
	})
}

// aKilledWorkersJobsAreTakenOver kills a worker and forgets its files, as when its pod goes.
func aKilledWorkersJobsAreTakenOver(t *testing.T, c *cluster) {
	t.Helper()
	w := c.worker("stable")
	script := `usher exec -- sh -c 'touch %[1]s/%[2]s; while [ ! -e %[1]s/go ]; do sleep 0.1; done; exit %[3]d'`
	good := c.run(c.job("run", fmt.Sprintf(script, c.share, "good", 0), nil), nil)
	bad := c.run(c.job("run", fmt.Sprintf("sh -c 'touch %[1]s/bad; while [ ! -e %[1]s/go ]; do sleep 0.1; done; exit 5'", c.share), nil), nil)
	c.begun("good")
	c.begun("bad")
	w.Kill()
	c.home = t.TempDir()
	if err := os.WriteFile(filepath.Join(c.share, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c.worker("stable")
	c.ends(good, api.StateTypeCompleted)
	if m := text(c.ends(bad, api.StateTypeCrashed).State.Message); !strings.Contains(m, "status code 5.") {
		t.Errorf("message %q", m)
	}
}

// greedyJob is what somebody may try who can edit the pool.
const greedyJob = `{"job_configuration": {"command": "{{ command }}", "env": "{{ env }}", "image": "{{ image }}", "labels": {"app": "payments", "prefect.io/flow-run-id": "another"},
	"namespace": "kube-system", "cluster_config": {"config": {"clusters": []}}, "job_manifest": {"apiVersion": "batch/v1", "kind": "Job", "spec": {"template": {"spec": {
	"hostNetwork": true, "serviceAccountName": "usher-worker", "containers": [{"securityContext": {"privileged": true}}]}}}}},
	"variables": {"type": "object", "properties": {"command": {"type": "string"}, "env": {"type": "object"}, "image": {"type": "string"}}}}`

func managedRunsAreJobsOfTheOperators(t *testing.T, c *cluster) {
	t.Helper()
	must(t, func() error {
		return c.client.UpdateWorkPool(t.Context(), c.pool, &api.WorkPoolUpdate{BaseJobTemplate: api.Some(jsontext.Value(greedyJob))})
	})
	start := func() *testkit.Process {
		return c.executor("--engine", "kubernetes", "--namespace", testNamespace, "--image", "run", "--memory", "512m", "--cpus", "1.5", "--max-run-time", "1h")
	}
	first := start()
	script := "usher exec -- sh -c 'echo hello $GREETING $OPERATORS; touch %[1]s/begun; while [ ! -e %[1]s/go ]; do sleep 0.1; done'"
	run := c.run(c.managed(fmt.Sprintf(script, c.share), map[string]any{"image": "run", "env": map[string]string{"GREETING": "world"}}), nil)
	c.is(run, api.StateTypeRunning)
	c.begun("begun")
	var found struct {
		Items []struct {
			Metadata struct {
				Labels map[string]string `json:"labels"`
			} `json:"metadata"`
			Spec struct {
				Template struct {
					Spec object `json:"spec"`
				} `json:"template"`
			} `json:"spec"`
		} `json:"items"`
	}
	c.nodes.do("GET", "/apis/batch/v1/namespaces/flows/jobs?labelSelector=prefect.io/flow-run-id="+run.String(), nil, &found)
	if len(found.Items) != 1 {
		t.Fatalf("%d jobs", len(found.Items))
	}
	pod := found.Items[0].Spec.Template.Spec
	container, _ := pod["containers"].([]any)[0].(object)
	if pod["hostNetwork"] != nil || pod["serviceAccountName"] != nil || pod["automountServiceAccountToken"] != false || found.Items[0].Metadata.Labels["app"] != "" ||
		fmt.Sprint(container["resources"]) != "map[limits:map[cpu:1500m memory:512Mi] requests:map[cpu:1500m memory:512Mi]]" ||
		fmt.Sprint(container["securityContext"]) != "map[allowPrivilegeEscalation:false capabilities:map[drop:[ALL]] seccompProfile:map[type:RuntimeDefault]]" {
		t.Errorf("labels %v, pod %v", found.Items[0].Metadata.Labels, pod)
	}
	first.Kill()
	start()
	if err := os.WriteFile(filepath.Join(c.share, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c.ends(run, api.StateTypeCompleted)
	c.logged(run, "20 hello world\n")
	c.says(c.run(c.managed("usher exec -- true", map[string]any{"image": "other"}), nil), "is not among those of managed execution, which begin with run")
	stuck := c.run(c.managed("sh -c 'sleep 300'", map[string]any{"image": "run"}), nil)
	testkit.Eventually(t, patience, func() error {
		if n := len(c.jobs(stuck).Items); n != 1 {
			return fmt.Errorf("%d jobs", n)
		}
		return nil
	})
	c.cancel(stuck)
	c.ends(stuck, api.StateTypeCancelled)
}
