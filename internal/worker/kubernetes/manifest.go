package kubernetes

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/kubernetes"
	"github.com/usherhq/usher/internal/rules/jobtemplate"
	"github.com/usherhq/usher/internal/worker"
)

const (
	defaultImage = "prefecthq/prefect:3-latest"
	// sigterm is what the Python engine does when its pod is evicted.
	sigterm = "PREFECT_FLOW_RUN_EXECUTE_SIGTERM_BEHAVIOR"
	// settings of the worker begin like this, as the reference's do.
	settings = "PREFECT_INTEGRATIONS_KUBERNETES_WORKER_"
)

// limits are how long things may take; 0 means for ever.
type limits struct{ pod, job time.Duration }

// built is what is created for a run.
type built struct {
	namespace  string
	job        map[string]any
	secret     map[string]any // nil: none
	secretName string
	limits     limits
	isPython   bool
}

// isPython says that the command is the reference's, which hears of cancellations itself.
func isPython(command string) bool {
	return command == "" || strings.HasPrefix(command, "prefect flow-run")
}

// build makes the job's manifest of what the template makes of it.
func build(job *worker.Job, client *kubernetes.Client, lookup func(string) (string, bool)) (built, error) {
	manifest, ok := job.Config.Rest["job_manifest"].(map[string]any)
	if !ok {
		return built{}, api.Errorf(api.CodeInvalid, "the base job template has no job_manifest, which is the Kubernetes job to create")
	}
	b := built{namespace: namespaceOf(job.Config.Rest, client), job: manifest, isPython: isPython(job.Config.Command)}
	var err error
	if b.limits.pod, err = duration(job.Config.Rest, "pod_watch_timeout_seconds"); err != nil {
		return b, err
	}
	if b.limits.job, err = duration(job.Config.Rest, "job_watch_timeout_seconds"); err != nil {
		return b, err
	}
	meta := object(manifest, "metadata")
	labels := labelsOf(job)
	annotations := slugged(object(meta, "annotations"))
	meta["labels"], meta["namespace"], meta["annotations"] = merged(slugged(object(meta, "labels")), labels), b.namespace, annotations
	if len(annotations) == 0 {
		delete(meta, "annotations")
	}
	if err := check(manifest); err != nil {
		return b, err
	}
	b.nameIt(meta, job)
	spec := object(manifest, "spec")
	template := object(spec, "template")
	podMeta := object(template, "metadata")
	podMeta["labels"] = merged(slugged(object(podMeta, "labels")), labels)
	if len(annotations) > 0 {
		podMeta["annotations"] = merged(slugged(object(podMeta, "annotations")), annotations)
	}
	pod := object(template, "spec")
	if name, given := pod["serviceAccountName"]; given && name == nil {
		delete(pod, "serviceAccountName")
	}
	if ttl, given := spec["ttlSecondsAfterFinished"]; given && ttl == nil {
		delete(spec, "ttlSecondsAfterFinished")
	}
	b.fill(pod["containers"].([]any)[0].(map[string]any), job, spec, lookup) //nolint:forcetypeassert // check has looked
	return b, nil
}

// nameIt gives the job a name that the cluster completes.
func (b *built) nameIt(meta map[string]any, job *worker.Job) {
	name, _ := meta["generateName"].(string)
	if strings.Contains(name, "{{") || name == "" || name == "-" || name == "None-" {
		name = job.Config.Name
	}
	name = slug(strings.TrimSuffix(name, "-"), longName)
	if name == "" {
		name = "prefect-job"
	}
	meta["generateName"] = name + "-"
}

// fill completes the container that the flow runs in.
func (b *built) fill(container map[string]any, job *worker.Job, spec map[string]any, lookup func(string) (string, bool)) {
	if image, _ := container["image"].(string); image == "" {
		container["image"] = defaultImage
	}
	if policy, given := container["imagePullPolicy"]; given && policy == nil {
		delete(container, "imagePullPolicy")
	}
	args := []any{"prefect", "flow-run", "execute"}
	switch written := container["args"].(type) {
	case []any:
		args = written
	case string:
		if argv, err := jobtemplate.Split(written); err == nil && len(argv) > 0 {
			args = anys(argv)
		}
	default:
		if argv, err := jobtemplate.Split(job.Config.Command); err == nil && len(argv) > 0 {
			args = anys(argv)
		}
	}
	container["args"] = args
	env := maps.Clone(job.Env)
	if limit, _ := spec["backoffLimit"].(int64); limit != 0 {
		env[sigterm] = "relinquish"
	} else if env[sigterm] == "" {
		env[sigterm] = "reschedule"
	}
	setting := func(name string) string {
		value, _ := lookup(settings + name)
		return value
	}
	var list []any
	for _, s := range [][2]string{{"PREFECT_API_KEY", "API_KEY_SECRET_"}, {"PREFECT_API_AUTH_STRING", "API_AUTH_STRING_SECRET_"}} {
		if name := setting(s[1] + "NAME"); name != "" && env[s[0]] != "" && !job.OwnToken {
			delete(env, s[0])
			list = append(list, map[string]any{"name": s[0], "valueFrom": map[string]any{
				"secretKeyRef": map[string]any{"name": name, "key": or(setting(s[1]+"KEY"), "value")},
			}})
		}
	}
	hidden := map[string]string{}
	switch strings.ToLower(setting("STORE_ENV_AS_SECRET")) {
	case "1", "true", "yes", "on":
		hidden, env = env, hidden
	default:
		// Who may read jobs and pods need not be who may act for the run.
		for _, name := range credentials {
			if value := env[name]; value != "" && job.OwnToken {
				hidden[name] = value
				delete(env, name)
			}
		}
	}
	if len(hidden) > 0 {
		b.keepSecret(hidden, container, job)
	}
	for _, name := range slices.Sorted(maps.Keys(env)) {
		list = append(list, map[string]any{"name": name, "value": env[name]})
	}
	container["env"] = append(list, theirs(container["env"], job.Env)...)
}

// credentials are the variables in which a run gets a token of its own.
var credentials = []string{"PREFECT_API_KEY", "PREFECT_API_AUTH_STRING"}

// keepSecret puts variables into a secret of the run's own.
func (b *built) keepSecret(env map[string]string, container map[string]any, job *worker.Job) {
	var random [4]byte
	rand.Read(random[:]) //nolint:errcheck // it never fails
	base := slug(job.Config.Name, longName)
	b.secretName = or(base, "prefect-job") + "-env-" + hex.EncodeToString(random[:])
	data := map[string]any{}
	for name, value := range env {
		data[name] = value
	}
	b.secret = map[string]any{
		"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "stringData": data,
		"metadata": map[string]any{"name": b.secretName, "namespace": b.namespace, "labels": labelsOf(job)},
	}
	from, _ := container["envFrom"].([]any)
	container["envFrom"] = append(from, map[string]any{"secretRef": map[string]any{"name": b.secretName}})
}

// theirs are the entries of a list that the template has itself and that are not ours.
func theirs(written any, ours map[string]string) []any {
	entries, _ := written.([]any)
	var kept []any
	for _, entry := range entries {
		e, ok := entry.(map[string]any)
		if !ok {
			continue
		}
		name, _ := e["name"].(string)
		if _, same := ours[name]; !same || e["valueFrom"] != nil {
			kept = append(kept, e)
		}
	}
	return kept
}

func anys(argv []string) []any {
	out := make([]any, len(argv))
	for i, a := range argv {
		out[i] = a
	}
	return out
}

// object is a member that is an object, made if it is not there.
func object(of map[string]any, key string) map[string]any {
	if o, ok := of[key].(map[string]any); ok {
		return o
	}
	o := map[string]any{}
	of[key] = o
	return o
}

func merged(a, b map[string]any) map[string]any {
	out := maps.Clone(a)
	maps.Copy(out, b)
	return out
}

func duration(config map[string]any, key string) (time.Duration, error) {
	switch v := config[key].(type) {
	case nil:
		return 0, nil
	case int64:
		return time.Duration(v) * time.Second, nil
	case api.Float:
		return time.Duration(float64(v) * float64(time.Second)), nil
	default:
		return 0, api.Errorf(api.CodeInvalid, "job variable %q must be a number of seconds, got %s", key, jobtemplate.Text(v))
	}
}

// required are the members that every job manifest has, and their values; nil is any.
var required = []struct {
	path  string
	value any
}{
	{"/apiVersion", "batch/v1"},
	{"/kind", "Job"},
	{"/spec/template/spec/parallelism", int64(1)},
	{"/spec/template/spec/completions", int64(1)},
	{"/spec/template/spec/restartPolicy", "Never"},
	{"/spec/template/spec/containers/0/name", "prefect-job"},
}

// check tells of members that a manifest lacks, or that would make it another thing than one
// run of one pod.
func check(manifest map[string]any) error {
	var missing, wrong []string
	for _, r := range required {
		value, ok := jobtemplate.Lookup(manifest, strings.ReplaceAll(strings.TrimPrefix(r.path, "/"), "/", "."))
		switch {
		case !ok:
			missing = append(missing, r.path)
		case value != r.value:
			wrong = append(wrong, fmt.Sprintf("%s must have value %s", r.path, jobtemplate.Text(r.value)))
		}
	}
	switch {
	case len(missing) > 0:
		return api.Errorf(api.CodeInvalid, "Job is missing required attributes at the following paths: %s", strings.Join(missing, ", "))
	case len(wrong) > 0:
		return api.Errorf(api.CodeInvalid, "Job has incompatible values for the following attributes: %s", strings.Join(wrong, ", "))
	}
	return nil
}

// labelsOf are the labels of the job and its pods.
func labelsOf(job *worker.Job) map[string]any {
	out := map[string]any{}
	for name, value := range job.Config.Labels {
		out[name] = value
	}
	name := job.Flow.Name
	if job.Deployment != nil {
		name = job.Deployment.Name
	}
	out["app.kubernetes.io/managed-by"], out["app.kubernetes.io/part-of"] = "prefect", "prefect"
	out["app.kubernetes.io/version"], out["app.kubernetes.io/name"] = job.Config.Labels["prefect.io/version"], name
	out = slugged(out)
	for key, value := range out {
		out[key] = slug(jobtemplate.Text(value), longName)
	}
	return out
}

const (
	longName   = 63 // of names, and of values of labels
	longPrefix = 253
)

// slugged gives the keys a form that the cluster takes: prefix/name.
func slugged(of map[string]any) map[string]any {
	out := map[string]any{}
	for key, value := range of {
		prefix, name, ok := strings.Cut(key, "/")
		if !ok {
			prefix, name = "", key
		}
		name = slug(name, longName)
		if prefix = slug(prefix, longPrefix); prefix != "" {
			name = prefix + "/" + name
		}
		if value != nil {
			out[name] = jobtemplate.Text(value)
		}
	}
	return out
}

// slug makes a name, or a value of a label, that the cluster takes.
func slug(text string, long int) string {
	var b strings.Builder
	for _, r := range strings.ToLower(text) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '.', r == '_' && b.Len() > 0, r == '-':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	out := b.String()
	return strings.Trim(out[:min(len(out), long)], "-_.")
}
