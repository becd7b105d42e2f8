package kubernetes

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/kubernetes"
	"github.com/usherhq/usher/internal/rules/jobtemplate"
	"github.com/usherhq/usher/internal/worker"
)

// filled is a job of the default template with the variables, and the run's environment.
func filled(t *testing.T, template jsontext.Value, variables, env map[string]string) *worker.Job {
	t.Helper()
	parsed, err := jobtemplate.ParseObject(template)
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]any{}
	for name, v := range variables {
		values[name] = v
	}
	config, err := jobtemplate.Fill(parsed, values, func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	job := &worker.Job{Flow: api.Flow{Name: "etl"}, Env: env}
	if job.Config, err = jobtemplate.Settle(config); err != nil {
		t.Fatal(err)
	}
	job.Config.Name, job.Config.Labels = "my run!", map[string]string{runLabel: "R", "odd key/Ä b": "c d", "prefect.io/version": "3.8.3"}
	return job
}

func none(string) (string, bool) { return "", false }

func TestTheDefaultTemplateMakesAJob(t *testing.T) {
	t.Parallel()
	job := filled(t, defaultTemplate, map[string]string{"image": "i:1", "memory_limit": "1Gi", "command": "a 'b c'"}, map[string]string{"A": "1"})
	b, err := build(job, &kubernetes.Client{Namespace: "mine"}, none)
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(b.job, json.Deterministic(true))
	if err != nil {
		t.Fatal(err)
	}
	labels := `{"app.kubernetes.io/managed-by":"prefect","app.kubernetes.io/name":"etl","app.kubernetes.io/part-of":"prefect","app.kubernetes.io/version":"3.8.3","odd-key/b":"c-d","prefect.io/flow-run-id":"r","prefect.io/version":"3.8.3"}`
	want := `{"apiVersion":"batch/v1","kind":"Job","metadata":{"generateName":"my-run-","labels":` + labels + `,"namespace":"default"},` +
		`"spec":{"backoffLimit":0,"template":{"metadata":{"labels":` + labels + `},"spec":{"completions":1,"containers":[{"args":["a","b c"],` +
		`"env":[{"name":"A","value":"1"},{"name":"PREFECT_FLOW_RUN_EXECUTE_SIGTERM_BEHAVIOR","value":"reschedule"}],"image":"i:1","imagePullPolicy":"IfNotPresent",` +
		`"name":"prefect-job","resources":{"limits":{"memory":"1Gi"},"requests":{}}}],"parallelism":1,"restartPolicy":"Never"}}}}`
	if diff := cmp.Diff(want, string(data)); diff != "" {
		t.Error(diff)
	}
}

func TestSecretsStayOutOfTheManifest(t *testing.T) {
	t.Parallel()
	env := map[string]string{"PREFECT_API_KEY": "k-e-y", "A": "1"}
	b, err := build(filled(t, defaultTemplate, nil, env), &kubernetes.Client{}, func(name string) (string, bool) {
		value := map[string]string{settings + "API_KEY_SECRET_NAME": "s", settings + "STORE_ENV_AS_SECRET": "true"}[name]
		return value, value != ""
	})
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(b.job)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(data), "k-e-y") || !strings.Contains(string(data), "secretKeyRef") || !strings.Contains(string(data), b.secretName) {
		t.Errorf("%s", data)
	}
	if data := b.secret["stringData"].(map[string]any); data["A"] != "1" || data["PREFECT_API_KEY"] != nil {
		t.Errorf("%v", data)
	}
}

// A token of the run's own goes through a secret that is removed with the job, whatever else
// is set; what is no secret stays in the manifest.
func TestTheTokenOfARunIsInASecret(t *testing.T) {
	t.Parallel()
	job := filled(t, defaultTemplate, nil, map[string]string{"PREFECT_API_KEY": "t-o-k-e-n", "PREFECT_API_AUTH_STRING": "run:t-o-k-e-n", "A": "1"})
	job.OwnToken = true
	b, err := build(job, &kubernetes.Client{}, none)
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(b.job)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(data), "t-o-k-e-n") || !strings.Contains(string(data), `{"secretRef":{"name":"`+b.secretName+`"}}`) || !strings.Contains(string(data), `{"name":"A","value":"1"}`) {
		t.Errorf("%s", data)
	}
	want := map[string]any{"PREFECT_API_KEY": "t-o-k-e-n", "PREFECT_API_AUTH_STRING": "run:t-o-k-e-n"}
	if diff := cmp.Diff(want, b.secret["stringData"]); diff != "" {
		t.Error(diff)
	}
}

func TestManifestsThatAreNoRunAreRefused(t *testing.T) {
	t.Parallel()
	for broken, want := range map[string]string{
		`"kind":"CronJob"`: "Job has incompatible values for the following attributes: /kind must have value Job",
		`"apiVersion":"batch/v1","kind":"Job","spec":{"template":{"spec":{"parallelism":1,"completions":1,"restartPolicy":"Never"}}}`: "Job is missing required attributes at the following paths: /spec/template/spec/containers/0/name",
	} {
		template := jsontext.Value(`{"job_configuration":{"job_manifest":{` + broken + `}},"variables":{"properties":{}}}`)
		_, err := build(filled(t, template, nil, nil), &kubernetes.Client{}, none)
		if err == nil || !strings.Contains(err.Error(), want) && !strings.Contains(err.Error(), "missing required attributes") {
			t.Errorf("%s: %v", broken, err)
		}
	}
}

func TestATemplatesOwnEnvironmentIsKept(t *testing.T) {
	t.Parallel()
	template := jsontext.Value(`{"job_configuration":{"job_manifest":{"apiVersion":"batch/v1","kind":"Job","spec":{"backoffLimit":2,"template":{"spec":{
		"parallelism":1,"completions":1,"restartPolicy":"Never","containers":[{"name":"prefect-job","args":"x y","env":[
		{"name":"A","value":"theirs"},{"name":"B","value":"theirs"},{"name":"A","valueFrom":{"fieldRef":{}}}]}]}}}}},"variables":{"properties":{}}}`)
	b, err := build(filled(t, template, nil, map[string]string{"A": "ours"}), &kubernetes.Client{}, none)
	if err != nil {
		t.Fatal(err)
	}
	value, _ := jobtemplate.Lookup(b.job, "spec.template.spec.containers.0")
	got, err := json.Marshal(value, json.Deterministic(true))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"args":["x","y"],"env":[{"name":"A","value":"ours"},{"name":"PREFECT_FLOW_RUN_EXECUTE_SIGTERM_BEHAVIOR","value":"relinquish"},` +
		`{"name":"B","value":"theirs"},{"name":"A","valueFrom":{"fieldRef":{}}}],"image":"prefecthq/prefect:3-latest","name":"prefect-job"}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
}

func TestPodsTellWhatIsWrong(t *testing.T) {
	t.Parallel()
	for pod, want := range map[string]string{
		`{"status":{"phase":"Running"}}`: "",
		`{"status":{"containerStatuses":[{"image":"i","state":{"waiting":{"reason":"ErrImagePull","message":"manifest unknown"}}}]}}`:                            "ImagePullError: image i can't be pulled: ErrImagePull: manifest unknown. The registry has no such image or tag.",
		`{"status":{"initContainerStatuses":[{"name":"c","state":{"terminated":{"exitCode":137,"reason":"OOMKilled"}}}]}}`:                                       "OOMKilled: container c ran out of memory. Raise the job variable memory_limit, or have the flow use less.",
		`{"status":{"conditions":[{"type":"PodScheduled","status":"False","reason":"Unschedulable","message":"3 node(s) had untolerated taint."}]}}`:             "Unschedulable.Taint: 3 node(s) had untolerated taint. Add a toleration to the job manifest, or take the taint off a node.",
		`{"spec":{"nodeName":"n"},"status":{"conditions":[{"type":"DisruptionTarget","status":"True","reason":"DeletionByTaintManager","message":"deleting"}]}}`: "NodeLost: node n is gone or not ready. deleting. Run it again; look at the node.",
	} {
		var p kubernetes.Pod
		if err := json.Unmarshal([]byte(pod), &p); err != nil {
			t.Fatal(err)
		}
		d, bad := diagnose(p)
		if got := d.String(); bad != (want != "") || bad && got != want {
			t.Errorf("%s: %q, want %q", pod, got, want)
		}
	}
}
