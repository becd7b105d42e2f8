package ecs

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/aws"
	"github.com/usherhq/usher/internal/rules/jobtemplate"
	"github.com/usherhq/usher/internal/worker/report"
)

func compatible(definition map[string]any, launch string) bool {
	list, _ := definition["requiresCompatibilities"].([]any)
	return slices.Contains(list, any(launch))
}

// fits refuses a task definition that can't be run as is asked for.
func (o options) fits(definition map[string]any) error {
	if o.logs && textOf(definition, "executionRoleArn") == "" {
		return api.Errorf(api.CodeInvalid, "configure_cloudwatch_logs needs a task definition with an executionRoleArn")
	}
	launch := textOf(o.run, "launchType")
	strategy, _ := o.run["capacityProviderStrategy"].([]any)
	switch {
	case len(strategy) > 0 && launch != fargateSpot, launch == "" && compatible(definition, ec2):
		return nil
	case launch == "" && len(strategy) == 0:
		launch = fargate
	}
	if needs, _ := definition["requiresCompatibilities"].([]any); launch != ec2 && launch != "EXTERNAL" && len(needs) > 0 && !compatible(definition, fargate) {
		return api.Errorf(api.CodeInvalid, "the task definition does not have FARGATE among requiresCompatibilities, so it can't be run with launch type %s", launch)
	}
	mode := cmp.Or(textOf(definition, "networkMode"), "awsvpc")
	if (launch == fargate || launch == fargateSpot) && mode != "awsvpc" {
		return api.Errorf(api.CodeInvalid, "the network mode %s does not go with launch type %s; use awsvpc, or launch type EC2", mode, launch)
	}
	return nil
}

// request completes the request for a task.
func (o options) request(ctx context.Context, client *aws.Client, definition map[string]any, isNew bool) (map[string]any, error) {
	r := jobtemplate.CloneObject(o.run)
	r["taskDefinition"] = arnOf(definition)
	if o.cluster != "" {
		r["cluster"] = o.cluster
	} else {
		delete(r, "cluster")
	}
	o.launch(r, definition)
	if textOf(definition, "networkMode") == "awsvpc" {
		if err := o.connect(ctx, client, r); err != nil {
			return nil, err
		}
	}
	if err := o.override(r, o.containerName(definition)); err != nil {
		return nil, err
	}
	o.tag(r, isNew)
	return r, nil
}

// launch says on what the task runs.
func (o options) launch(r, definition map[string]any) {
	if textOf(r, "launchType") == "" {
		delete(r, "launchType")
		if !compatible(definition, ec2) {
			r["launchType"] = fargate
		}
	}
	strategy, _ := r["capacityProviderStrategy"].([]any)
	switch {
	case len(strategy) > 0:
		if r["launchType"] != nil {
			o.job.Log(report.Warning, "The launch type is left out, since there is a capacity_provider_strategy.")
		}
		delete(r, "launchType")
	case r["launchType"] == fargateSpot:
		delete(r, "launchType")
		r["capacityProviderStrategy"] = []any{map[string]any{"capacityProvider": fargateSpot, "weight": int64(1)}}
	default:
		delete(r, "capacityProviderStrategy")
	}
}

// connect gives a task with a network interface of its own a network.
func (o options) connect(ctx context.Context, client *aws.Client, r map[string]any) error {
	given, _ := r["networkConfiguration"].(map[string]any)
	if len(given) > 0 && len(o.network) == 0 {
		return nil
	}
	what := "the default VPC"
	if o.vpc != "" {
		what = "VPC " + o.vpc
	}
	vpc, err := again(ctx, func() (string, error) { return client.VPC(ctx, o.vpc) })
	if err != nil || vpc == "" {
		if err == nil {
			err = api.Errorf(api.CodeNotFound, "there is none in region %s", client.Region)
		}
		return api.Errorf(api.CodeOf(err), "%s can't be looked up: %w%s. Name one in the job variable vpc_id", what, err, permission(err, "ec2:DescribeVpcs and ec2:DescribeSubnets"))
	}
	subnets, err := again(ctx, func() ([]string, error) { return client.Subnets(ctx, vpc) })
	if err != nil {
		return api.Errorf(api.CodeOf(err), "the subnets of %s can't be looked up: %w%s", what, err, permission(err, "ec2:DescribeSubnets"))
	}
	if len(subnets) == 0 {
		return api.Errorf(api.CodeInvalid, "%s has no subnets, so that no task can run in it", what)
	}
	if len(o.network) == 0 {
		all := make([]any, len(subnets))
		for i, s := range subnets {
			all[i] = s
		}
		r["networkConfiguration"] = map[string]any{"awsvpcConfiguration": map[string]any{"subnets": all, "assignPublicIp": "ENABLED", "securityGroups": []any{}}}
		return nil
	}
	wanted, _ := o.network["subnets"].([]any)
	for _, subnet := range wanted {
		if !slices.Contains(subnets, jobtemplate.Text(subnet)) {
			return api.Errorf(api.CodeInvalid, "subnet %s of network_configuration is not in %s", jobtemplate.Text(subnet), what)
		}
	}
	r["networkConfiguration"] = map[string]any{"awsvpcConfiguration": o.network}
	return nil
}

// override says what the flow's container executes, and with which environment.
func (o options) override(r map[string]any, name string) error {
	overrides, _ := r["overrides"].(map[string]any)
	if overrides == nil {
		overrides = map[string]any{}
	}
	containers := objects(overrides["containerOverrides"])
	if len(containers) == 0 {
		containers = []map[string]any{{}}
	}
	if textOf(containers[0], "name") == "" {
		containers[0]["name"] = name
	}
	i := slices.IndexFunc(containers, func(c map[string]any) bool { return c["name"] == name })
	if i < 0 {
		i, containers = len(containers), append(containers, map[string]any{"name": name})
	}
	for n, c := range containers {
		command := textOf(c, "command")
		if n == i {
			command = cmp.Or(o.job.Config.Command, command, defaultCommand)
			if _, isList := c["command"].([]any); isList && o.job.Config.Command == "" {
				command = ""
			}
		}
		if command != "" {
			argv, err := jobtemplate.Split(command)
			if err != nil {
				return api.Errorf(api.CodeInvalid, "the command %q: %w", command, err)
			}
			words := make([]any, len(argv))
			for w, word := range argv {
				words[w] = word
			}
			c["command"] = words
		}
		setEnvironment(c, n == i, o.environment())
		dropEmpty(c)
	}
	overrides["containerOverrides"] = listed(containers)
	for _, key := range []string{"cpu", "memory"} {
		if overrides[key] != nil {
			overrides[key] = jobtemplate.Text(overrides[key])
		}
	}
	dropEmpty(overrides)
	r["overrides"] = overrides
	return nil
}

// environment is what the run gets, but for what comes from secrets.
func (o options) environment() map[string]string {
	env := maps.Clone(o.job.Env)
	for name := range o.secrets() {
		delete(env, name)
	}
	return env
}

// setEnvironment writes a container's environment as AWS takes it, with ours in the flow's.
func setEnvironment(c map[string]any, isFlow bool, ours map[string]string) {
	values := map[string]string{}
	if written, ok := c["environment"].(map[string]any); ok {
		for name, v := range written {
			if v != nil {
				values[name] = jobtemplate.Text(v)
			}
		}
	}
	for _, e := range objects(c["environment"]) {
		if e["value"] != nil {
			values[textOf(e, "name")] = jobtemplate.Text(e["value"])
		}
	}
	if isFlow {
		for _, secret := range secretNames { // the configured one may come from a secret
			if _, ok := ours[secret]; !ok {
				delete(values, secret)
			}
		}
		maps.Copy(values, ours)
	}
	list := []any{}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		list = append(list, map[string]any{"name": name, "value": values[name]})
	}
	c["environment"] = list
}

const (
	longTagKey   = 128
	longTagValue = 256
	mostTags     = 50
)

// tag marks the task with the job's labels.
func (o options) tag(r map[string]any, isNew bool) {
	tags := map[string]string{}
	if written, ok := r["tags"].(map[string]any); ok {
		for key, v := range written {
			tags[key] = jobtemplate.Text(v)
		}
	}
	for _, t := range objects(r["tags"]) {
		tags[textOf(t, "key")] = jobtemplate.Text(t["value"])
	}
	maps.Copy(tags, o.job.Config.Labels)
	if isNew && o.deregister {
		tags["prefect.io/degregister-task-definition"] = "true" // what the reference's observer looks for
	}
	list := []any{}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, map[string]any{"key": clean(key, isTagRune, longTagKey), "value": clean(tags[key], isTagRune, longTagValue)})
	}
	r["tags"] = list[:min(len(list), mostTags)]
}
