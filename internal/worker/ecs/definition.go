package ecs

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/jobtemplate"
	"github.com/usherhq/usher/internal/worker"
)

const (
	defaultImage     = "prefecthq/prefect:3-latest"
	defaultContainer = "prefect"
	defaultCommand   = "prefect flow-run execute"
	defaultCPU       = 1024
	defaultMemory    = 2048

	fargate     = "FARGATE"
	fargateSpot = "FARGATE_SPOT"
	ec2         = "EC2"
)

// options are what the job configuration says, as much of it as is looked at here.
type options struct {
	job *worker.Job

	task, run             map[string]any // task_definition and task_run_request
	arn                   string         // of a task definition that is there
	container             string
	cluster               string
	vpc                   string
	network               map[string]any
	logs                  bool // configure_cloudwatch_logs
	logPrefix             string
	logOptions            map[string]any
	keySecret, authSecret string
	deregister            bool
	matchFamily           bool
}

func optionsOf(job *worker.Job) (options, error) {
	rest := job.Config.Rest
	text := func(key string) string { s, _ := rest[key].(string); return s }
	flag := func(key string) bool { b, _ := rest[key].(bool); return b }
	object := func(key string) map[string]any { o, _ := rest[key].(map[string]any); return jobtemplate.CloneObject(o) }
	o := options{
		job: job, task: object("task_definition"), run: object("task_run_request"), container: text("container_name"), cluster: text("cluster"),
		vpc: text("vpc_id"), network: object("network_configuration"), logs: flag("configure_cloudwatch_logs"), logPrefix: text("cloudwatch_logs_prefix"),
		logOptions: object("cloudwatch_logs_options"), keySecret: text("prefect_api_key_secret_arn"), authSecret: text("prefect_api_auth_string_secret_arn"),
		deregister: flag("auto_deregister_task_definition"), matchFamily: flag("match_latest_revision_in_family"),
	}
	o.arn, _ = o.run["taskDefinition"].(string)
	o.cluster = cmp.Or(o.cluster, textOf(o.run, "cluster"))
	if job.OwnToken { // which no secret knows
		o.keySecret, o.authSecret = "", ""
	}
	return o, o.check()
}

// check refuses what can't work, before anything is made.
func (o options) check() error {
	containers := objects(o.task["containerDefinitions"])
	role := cmp.Or(textOf(o.job.Config.Rest, "execution_role_arn"), textOf(o.task, "executionRoleArn"))
	switch {
	case o.arn == "" && len(o.task) == 0:
		return api.Errorf(api.CodeInvalid, "the base job template has no task_definition, and task_definition_arn names none")
	case len(containers) > 0 && !slices.ContainsFunc(containers, func(c map[string]any) bool { return c["essential"] != false }):
		return api.Errorf(api.CodeInvalid, "one container of the task definition must be essential")
	case o.logs && o.arn == "" && role == "":
		return api.Errorf(api.CodeInvalid, "configure_cloudwatch_logs needs an execution_role_arn, whose role may write logs")
	case len(o.logOptions) > 0 && !o.logs:
		return api.Errorf(api.CodeInvalid, "cloudwatch_logs_options need configure_cloudwatch_logs")
	case len(o.network) > 0 && o.vpc == "":
		return api.Errorf(api.CodeInvalid, "network_configuration needs a vpc_id")
	}
	return nil
}

func textOf(of map[string]any, key string) string {
	s, _ := of[key].(string)
	return s
}

// objects are the members of a list that are objects.
func objects(list any) []map[string]any {
	var out []map[string]any
	items, _ := list.([]any)
	for _, item := range items {
		if o, ok := item.(map[string]any); ok {
			out = append(out, o)
		}
	}
	return out
}

func listed(list []map[string]any) []any {
	out := make([]any, len(list))
	for i, o := range list {
		out[i] = o
	}
	return out
}

// owner is whose task definitions are remembered: the deployment's, else the flow's.
func (o options) owner() uuid.UUID {
	if o.job.Deployment != nil {
		return o.job.Deployment.ID
	}
	return o.job.Flow.ID
}

func (o options) familyOf(definition map[string]any) string { return textOf(definition, "family") }

func (o options) clusterOr(other string) string { return cmp.Or(o.cluster, other) }

// containerName is the container that the flow runs in.
func (o options) containerName(definition map[string]any) string {
	if o.container != "" {
		return o.container
	}
	containers := objects(definition["containerDefinitions"])
	if slices.ContainsFunc(containers, func(c map[string]any) bool { return c["name"] == defaultContainer }) || len(containers) == 0 {
		return defaultContainer
	}
	return cmp.Or(textOf(containers[0], "name"), defaultContainer)
}

// define completes the task definition of the template.
func (o options) define(region string) (map[string]any, error) {
	definition := jobtemplate.CloneObject(o.task)
	containers := slices.DeleteFunc(objects(definition["containerDefinitions"]), func(c map[string]any) bool { return len(c) == 0 })
	name := o.containerName(map[string]any{"containerDefinitions": listed(containers)})
	i := slices.IndexFunc(containers, func(c map[string]any) bool { return c["name"] == name })
	if i < 0 {
		if name != defaultContainer {
			return nil, api.Errorf(api.CodeInvalid, "%w %q (job variable container_name)", errNoContainer, name)
		}
		if i = slices.IndexFunc(containers, func(c map[string]any) bool { return textOf(c, "name") == "" }); i < 0 {
			containers, i = append(containers, map[string]any{}), len(containers)
		}
		containers[i]["name"] = name
	}
	container := containers[i]
	if textOf(container, "image") == "" {
		container["image"] = defaultImage
	}
	o.dropUnset(container)
	if o.logs {
		container["logConfiguration"] = o.logging(region)
	}
	definition["containerDefinitions"] = listed(containers)
	definition["family"] = cmp.Or(o.familyOf(definition), "prefect_"+o.job.Pool.Name+"_"+o.owner().String())
	definition["family"] = clean(o.familyOf(definition), isFamilyRune, longFamily)
	if err := o.size(definition, container); err != nil {
		return nil, err
	}
	dropEmpty(definition)
	o.addSecrets(container)
	return definition, nil
}

// dropUnset removes variables of the container that are to be unset.
func (o options) dropUnset(container map[string]any) {
	env := slices.DeleteFunc(objects(container["environment"]), func(e map[string]any) bool {
		value, configured := o.job.Config.Env[textOf(e, "name")]
		return e["value"] == nil || configured && value == nil
	})
	if container["environment"] != nil {
		container["environment"] = listed(env)
	}
}

func (o options) logging(region string) map[string]any {
	logs := map[string]any{
		"awslogs-create-group": "true", "awslogs-group": "prefect", "awslogs-region": region,
		"awslogs-stream-prefix": cmp.Or(o.logPrefix, "prefect-logs_"+o.job.Pool.Name+"_"+o.owner().String()),
	}
	maps.Copy(logs, o.logOptions)
	return map[string]any{"logDriver": "awslogs", "options": logs}
}

// size gives the task, or where it is no Fargate task its container, processors and memory.
func (o options) size(definition, container map[string]any) error {
	cpu, err := whole(definition["cpu"], defaultCPU)
	if err != nil {
		return api.Errorf(api.CodeInvalid, "cpu: %w", err)
	}
	memory, err := whole(definition["memory"], defaultMemory)
	if err != nil {
		return api.Errorf(api.CodeInvalid, "memory: %w", err)
	}
	launch := textOf(o.run, "launchType")
	if launch == fargate || launch == fargateSpot {
		definition["cpu"], definition["memory"] = strconv.FormatInt(cpu, 10), strconv.FormatInt(memory, 10)
		needs, _ := definition["requiresCompatibilities"].([]any)
		if !slices.Contains(needs, any(fargate)) {
			definition["requiresCompatibilities"] = append(needs, fargate)
		}
		if textOf(definition, "networkMode") == "" {
			definition["networkMode"] = "awsvpc"
		}
		return nil
	}
	if container["cpu"] == nil {
		container["cpu"] = cpu
	}
	if container["memory"] == nil {
		container["memory"] = memory
	}
	for _, key := range []string{"cpu", "memory"} {
		if definition[key] != nil {
			definition[key] = jobtemplate.Text(definition[key])
		}
	}
	return nil
}

func whole(value any, otherwise int64) (int64, error) {
	switch v := value.(type) {
	case nil:
		return otherwise, nil
	case int64:
		return cmp.Or(v, otherwise), nil
	case string:
		if v == "" {
			return otherwise, nil
		}
		if n, err := strconv.ParseInt(v, 10, 64); err == nil {
			return n, nil
		}
	}
	return 0, fmt.Errorf("want a whole number, got %s", jobtemplate.Text(value))
}

// dropEmpty removes what says nothing; false says something.
func dropEmpty(object map[string]any) {
	for key, value := range object {
		switch v := value.(type) {
		case nil:
			delete(object, key)
		case string:
			if v == "" {
				delete(object, key)
			}
		case int64:
			if v == 0 {
				delete(object, key)
			}
		case []any:
			for _, o := range objects(v) {
				dropEmpty(o)
			}
			if len(v) == 0 {
				delete(object, key)
			}
		case map[string]any:
			dropEmpty(v)
			if len(v) == 0 {
				delete(object, key)
			}
		}
	}
}

// secretNames are the variables that may come from AWS's secrets.
var secretNames = []string{"PREFECT_API_KEY", "PREFECT_API_AUTH_STRING"}

// secrets are the variables that come from AWS's secrets, by their names.
func (o options) secrets() map[string]string {
	out := map[string]string{}
	for name, arn := range map[string]string{"PREFECT_API_KEY": o.keySecret, "PREFECT_API_AUTH_STRING": o.authSecret} {
		if arn != "" {
			out[name] = arn
		}
	}
	return out
}

func (o options) addSecrets(container map[string]any) {
	ours := o.secrets()
	if len(ours) == 0 {
		return
	}
	isOurs := func(e map[string]any) bool { return ours[textOf(e, "name")] != "" }
	if env := objects(container["environment"]); len(env) > 0 {
		container["environment"] = listed(slices.DeleteFunc(env, isOurs))
	}
	list := objects(container["secrets"])
	for _, secret := range list {
		if arn := ours[textOf(secret, "name")]; arn != "" {
			secret["valueFrom"] = arn
			delete(ours, textOf(secret, "name"))
		}
	}
	for _, name := range secretNames {
		if arn := ours[name]; arn != "" {
			list = append(list, map[string]any{"name": name, "valueFrom": arn})
		}
	}
	container["secrets"] = listed(list)
}

// registered are what AWS adds to a task definition.
var registered = []string{"compatibilities", "taskDefinitionArn", "revision", "status", "requiresAttributes", "registeredAt", "registeredBy", "deregisteredAt"}

// alike says that a task definition which AWS keeps is what is wanted.
func alike(wanted, kept map[string]any) bool {
	a, errA := normal(wanted)
	b, errB := normal(kept)
	return errA == nil && errB == nil && reflect.DeepEqual(a, b)
}

// normal writes down what AWS takes for granted, and orders what has no order.
func normal(definition map[string]any) (map[string]any, error) {
	data, err := json.Marshal(definition)
	if err != nil {
		return nil, err
	}
	out, err := jobtemplate.ParseObject(data)
	if err != nil {
		return nil, err
	}
	for _, key := range registered {
		delete(out, key)
	}
	if out["networkMode"] == nil {
		out["networkMode"] = "bridge"
	}
	for _, c := range objects(out["containerDefinitions"]) {
		if c["essential"] == nil {
			c["essential"] = true
		}
		for _, key := range []string{"environment", "secrets", "environmentFiles"} {
			list, _ := c[key].([]any)
			slices.SortFunc(list, func(x, y any) int { return strings.Compare(jobtemplate.Text(x), jobtemplate.Text(y)) })
		}
	}
	dropEmpty(out)
	return out, nil
}

const longFamily = 255

func isFamilyRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_'
}

func isTagRune(r rune) bool { return isFamilyRune(r) || strings.ContainsRune("./=+:@", r) }

// clean replaces what AWS does not take by hyphens.
func clean(text string, good func(rune) bool, most int) string {
	var b strings.Builder
	for _, r := range text {
		if good(r) {
			b.WriteRune(r)
		} else {
			b.WriteByte('-')
		}
	}
	out := b.String()
	for strings.Contains(out, "--") {
		out = strings.ReplaceAll(out, "--", "-")
	}
	out = strings.Trim(out, "-")
	return out[:min(len(out), most)]
}
