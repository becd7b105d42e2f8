package deploy

import (
	"strings"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/jobtemplate"
)

// Options are what a command line says on top of a file.
type Options struct {
	Name, Entrypoint, Description string
	Version, VersionType          string
	Tags                          []string
	ConcurrencyLimit              *int
	CollisionStrategy             string
	WorkPool, WorkQueue           string
	JobVariables                  []string // key=value, or a JSON object
	Cron, RRule                   []string
	Interval                      []int
	AnchorDate, Timezone          string
	Param                         []string // key=value; the value is JSON if it can be read so
	Params                        string   // a JSON object
	Triggers, SLA                 []string // JSON, or a file with that key
	NotEnforceSchema              bool     // switches the check of parameters off
	DefaultWorkPool               string   // for deployments that name none
}

// withDefaults fills in the keys that every deployment has.
func withDefaults(c Config) Config {
	out := Config(jobtemplate.CloneObject(c))
	for key, value := range map[string]any{
		"name": nil, "version": nil, "tags": []any{}, "concurrency_limit": nil, "description": nil, "flow_name": nil, "entrypoint": nil,
		"parameters": map[string]any{}, "work_pool": map[string]any{},
	} {
		if _, ok := out[key]; !ok {
			out[key] = value
		}
	}
	pool := out.object("work_pool")
	if pool == nil {
		pool = map[string]any{}
		out["work_pool"] = pool
	}
	for key, value := range map[string]any{"name": nil, "work_queue_name": nil, "job_variables": map[string]any{}} {
		if _, ok := pool[key]; !ok {
			pool[key] = value
		}
	}
	return out
}

// apply lays the options over a deployment. The job variables given are returned too: they
// also fill placeholders.
func (o Options) apply(c Config) (Config, map[string]any, error) {
	c = withDefaults(c)
	if legacy := c["schedule"]; truthy(legacy) {
		if _, both := c["schedules"]; both {
			return nil, nil, api.Errorf(api.CodeInvalid,
				"Both 'schedule' and 'schedules' keys are present in the deployment configuration. Please use only use `schedules`.")
		}
		c["schedules"] = []any{legacy}
	}
	o.applyTexts(c)
	if o.ConcurrencyLimit != nil {
		c["concurrency_limit"] = o.limit()
	}
	if o.NotEnforceSchema {
		c["enforce_parameter_schema"] = false
	}
	variables, err := o.variables()
	if err != nil {
		return nil, nil, err
	}
	pool := c.object("work_pool")
	if len(variables) > 0 {
		pool["job_variables"] = jobtemplate.CloneObject(variables)
	}
	if err := o.applyParameters(c); err != nil {
		return nil, nil, err
	}
	o.applySchedules(c)
	return c, variables, nil
}

func (o Options) applyTexts(c Config) {
	for key, value := range map[string]string{
		"name": o.Name, "entrypoint": o.Entrypoint, "description": o.Description, "version": o.Version,
	} {
		if value != "" {
			c[key] = value
		}
	}
	if o.Tags != nil {
		c["tags"] = anyList(o.Tags)
	}
	pool := c.object("work_pool")
	if o.WorkPool != "" {
		pool["name"] = o.WorkPool
	}
	if pool["name"] == nil && o.DefaultWorkPool != "" {
		pool["name"] = o.DefaultWorkPool
	}
	if o.WorkQueue != "" {
		pool["work_queue_name"] = o.WorkQueue
	}
	if o.VersionType != "" && !truthy(c["version_type"]) {
		c["version_type"] = o.VersionType
	}
}

func (o Options) limit() any {
	if o.CollisionStrategy == "" {
		return int64(*o.ConcurrencyLimit)
	}
	return map[string]any{"limit": int64(*o.ConcurrencyLimit), "collision_strategy": o.CollisionStrategy}
}

func anyList(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}

// truthy is Python's idea of a value that says something.
func truthy(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case string:
		return v != ""
	case int64:
		return v != 0
	case api.Float:
		return v != 0
	case []any:
		return len(v) > 0
	case map[string]any:
		return len(v) > 0
	}
	return true
}

func (o Options) variables() (map[string]any, error) {
	out := map[string]any{}
	for _, text := range o.JobVariables {
		if key, value, ok := strings.Cut(text, "="); ok {
			out[key] = value
			continue
		}
		object, err := jobtemplate.ParseObject([]byte(text))
		if err != nil || strings.TrimSpace(text) == "" {
			return nil, api.Errorf(api.CodeInvalid, "Could not parse variable: %q. Write it as key=value or as a JSON object.", text)
		}
		for key, value := range object {
			out[key] = value
		}
	}
	return out, nil
}

func (o Options) applyParameters(c Config) error {
	if len(o.Param) > 0 && o.Params != "" {
		return api.Errorf(api.CodeInvalid, "Can only pass one of `param` or `params` options")
	}
	parameters := c.object("parameters")
	if parameters == nil {
		parameters = map[string]any{}
		c["parameters"] = parameters
	}
	for _, text := range o.Param {
		key, value, ok := strings.Cut(text, "=")
		if !ok {
			return api.Errorf(api.CodeInvalid, "--param %q: write it as key=value", text)
		}
		parsed, err := jobtemplate.Parse([]byte(value))
		if err != nil || strings.TrimSpace(value) == "" {
			parsed = value
		}
		parameters[key] = parsed
	}
	if o.Params == "" {
		return nil
	}
	object, err := jobtemplate.ParseObject([]byte(o.Params))
	if err != nil {
		return api.Errorf(api.CodeInvalid, "--params is not a JSON object: %w", err)
	}
	for key, value := range object {
		parameters[key] = value
	}
	return nil
}

func (o Options) applySchedules(c Config) {
	list, _ := c["schedules"].([]any)
	add := func(kind string, value any) { list = append(list, map[string]any{kind: value}) }
	for _, cron := range o.Cron {
		add("cron", cron)
	}
	for _, seconds := range o.Interval {
		add("interval", int64(seconds))
	}
	for _, rule := range o.RRule {
		add("rrule", rule)
	}
	for _, entry := range list {
		schedule, ok := entry.(map[string]any)
		if !ok {
			continue
		}
		if o.AnchorDate != "" && truthy(schedule["interval"]) {
			schedule["anchor_date"] = o.AnchorDate
		}
		if o.Timezone != "" {
			schedule["timezone"] = o.Timezone
		}
	}
	if list != nil {
		c["schedules"] = list
	}
}
