package aws

import (
	"context"
	"time"
)

// Task is a task of ECS, as much of it as matters here.
type Task struct {
	ARN           string      `json:"taskArn"`
	Cluster       string      `json:"clusterArn"`
	Status        string      `json:"lastStatus"` // PROVISIONING … RUNNING … STOPPED
	StopCode      string      `json:"stopCode"`
	StoppedReason string      `json:"stoppedReason"`
	Containers    []Container `json:"containers"`
	Tags          []Tag       `json:"tags"`
}

// Container is one of a task.
type Container struct {
	Name     string `json:"name"`
	ExitCode *int   `json:"exitCode"`
	Reason   string `json:"reason"`
}

// Tag is one of a task.
type Tag struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// Failure says why something was not done.
type Failure struct {
	ARN    string `json:"arn"`
	Reason string `json:"reason"`
	Detail string `json:"detail"`
}

const ecsVersion = "AmazonEC2ContainerServiceV20141113."

// RegisterTaskDefinition makes a new revision and returns it as AWS keeps it.
func (c *Client) RegisterTaskDefinition(ctx context.Context, definition map[string]any) (map[string]any, error) {
	return c.definition(ctx, "RegisterTaskDefinition", definition)
}

// TaskDefinition reads a revision by its ARN, or the newest active one of a family.
func (c *Client) TaskDefinition(ctx context.Context, name string) (map[string]any, error) {
	return c.definition(ctx, "DescribeTaskDefinition", map[string]any{"taskDefinition": name})
}

// DeregisterTaskDefinition makes a revision inactive.
func (c *Client) DeregisterTaskDefinition(ctx context.Context, arn string) error {
	return c.call(ctx, "ecs", ecsVersion+"DeregisterTaskDefinition", map[string]any{"taskDefinition": arn}, nil)
}

func (c *Client) definition(ctx context.Context, operation string, body map[string]any) (map[string]any, error) {
	var answer struct {
		Definition map[string]any `json:"taskDefinition"`
	}
	err := c.call(ctx, "ecs", ecsVersion+operation, body, &answer)
	return answer.Definition, err
}

// RunTask starts a task; failures say why there is none.
func (c *Client) RunTask(ctx context.Context, request map[string]any) (tasks []Task, failures []Failure, err error) {
	var answer struct {
		Tasks    []Task    `json:"tasks"`
		Failures []Failure `json:"failures"`
	}
	err = c.call(ctx, "ecs", ecsVersion+"RunTask", request, &answer)
	return answer.Tasks, answer.Failures, err
}

// MostTasks is how many tasks one call of Tasks may ask for.
const MostTasks = 100

// Tasks reads tasks of a cluster, with their tags; missing are those that AWS no longer knows.
func (c *Client) Tasks(ctx context.Context, cluster string, arns []string) (found []Task, missing []Failure, err error) {
	var answer struct {
		Tasks    []Task    `json:"tasks"`
		Failures []Failure `json:"failures"`
	}
	err = c.call(ctx, "ecs", ecsVersion+"DescribeTasks", inCluster(cluster, map[string]any{"tasks": arns, "include": []string{"TAGS"}}), &answer)
	return answer.Tasks, answer.Failures, err
}

// ListTasks lists the tasks that somebody started ("": anybody), in the wanted status: RUNNING
// or STOPPED.
func (c *Client) ListTasks(ctx context.Context, cluster, startedBy, status string) (arns []string, err error) {
	next := ""
	for {
		request := inCluster(cluster, map[string]any{"desiredStatus": status})
		if startedBy != "" {
			request["startedBy"] = startedBy
		}
		if next != "" {
			request["nextToken"] = next
		}
		var answer struct {
			ARNs []string `json:"taskArns"`
			Next string   `json:"nextToken"`
		}
		if err := c.call(ctx, "ecs", ecsVersion+"ListTasks", request, &answer); err != nil {
			return nil, err
		}
		arns = append(arns, answer.ARNs...)
		if next = answer.Next; next == "" {
			return arns, nil
		}
	}
}

// StopTask asks a task to stop.
func (c *Client) StopTask(ctx context.Context, cluster, arn, reason string) error {
	return c.call(ctx, "ecs", ecsVersion+"StopTask", inCluster(cluster, map[string]any{"task": arn, "reason": reason}), nil)
}

func inCluster(cluster string, request map[string]any) map[string]any {
	if cluster != "" {
		request["cluster"] = cluster
	}
	return request
}

// LogLines are the last lines of a stream of CloudWatch's logs, oldest first.
func (c *Client) LogLines(ctx context.Context, region, group, stream string, most int) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	at := c
	if region != "" && region != c.Region {
		at = &Client{Region: region, config: c.config, lookup: c.lookup, http: c.http}
		at.login.sources = c.login.sources
	}
	var answer struct {
		Events []struct {
			Message string `json:"message"`
		} `json:"events"`
	}
	err := at.call(ctx, "logs", "Logs_20140328.GetLogEvents", map[string]any{"logGroupName": group, "logStreamName": stream, "limit": most, "startFromHead": false}, &answer)
	lines := make([]string, len(answer.Events))
	for i, e := range answer.Events {
		lines[i] = e.Message
	}
	return lines, err
}
