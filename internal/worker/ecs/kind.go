// Package ecs runs flow runs as tasks of Amazon's Elastic Container Service.
package ecs

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/aws"
	"github.com/usherhq/usher/internal/worker"
	"github.com/usherhq/usher/internal/worker/report"
)

//go:embed template.json
var defaultTemplate []byte

// Kind is the work pool type "ecs".
type Kind struct {
	lookup func(string) (string, bool) // of the environment

	mu      sync.Mutex
	clients map[string]*aws.Client // by what the aws-credentials block says
	boards  map[boardKey]*board
	known   map[uuid.UUID]string // the task definition of a deployment, or of a flow without one
	ctx     context.Context      //nolint:containedctx // the life of the boards
	end     context.CancelFunc
	watches sync.WaitGroup
}

type boardKey struct {
	client  *aws.Client
	cluster string
}

var _ worker.Finder = (*Kind)(nil)

// New makes the kind. Close ends its watches.
func New(lookup func(string) (string, bool)) *Kind {
	k := &Kind{lookup: lookup, clients: map[string]*aws.Client{}, boards: map[boardKey]*board{}, known: map[uuid.UUID]string{}}
	k.ctx, k.end = context.WithCancel(context.Background())
	return k
}

// Close ends the watches of the clusters.
func (k *Kind) Close() {
	k.end()
	k.watches.Wait()
}

// Name is the type of pools of this kind.
func (k *Kind) Name() string { return "ecs" }

// Local says that runs execute in tasks, not as processes of this machine.
func (k *Kind) Local() bool { return false }

// DefaultTemplate is the base job template for pools that have none.
func (k *Kind) DefaultTemplate() jsontext.Value { return jsontext.Value(defaultTemplate).Clone() }

// RunHooks does nothing: the code of the flow is in the image, and its engine runs the hooks.
func (k *Kind) RunHooks(context.Context, *worker.Job, worker.Hook) {}

// client is for the account of the job's aws_credentials, else of the worker's own environment.
func (k *Kind) client(config map[string]any) (*aws.Client, error) {
	block, _ := config["aws_credentials"].(map[string]any)
	parameters, _ := block["aws_client_parameters"].(map[string]any)
	role, _ := block["assume_role_kwargs"].(map[string]any)
	text := func(of map[string]any, key string) string {
		s, _ := of[key].(string)
		return s
	}
	c := aws.Config{
		AccessKey: text(block, "aws_access_key_id"), SecretKey: text(block, "aws_secret_access_key"), SessionToken: text(block, "aws_session_token"),
		Profile: text(block, "profile_name"), Region: text(block, "region_name"), Endpoint: text(parameters, "endpoint_url"),
		AssumeRole: text(block, "assume_role_arn"), RoleSession: text(role, "RoleSessionName"), ExternalID: text(role, "ExternalId"),
	}
	data, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(data)
	key := hex.EncodeToString(sum[:])
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.clients[key] == nil {
		made, err := aws.New(c, k.lookup)
		if err != nil {
			return nil, err
		}
		k.clients[key] = made
	}
	return k.clients[key], nil
}

// board is what watches the cluster.
func (k *Kind) board(client *aws.Client, cluster string) *board {
	k.mu.Lock()
	defer k.mu.Unlock()
	key := boardKey{client, cluster}
	if k.boards[key] == nil {
		b := newBoard(client, cluster)
		k.boards[key] = b
		k.watches.Go(func() { b.run(k.ctx) })
	}
	return k.boards[key]
}

const (
	tries = 3
	pause = time.Second
)

// again tries what fails for a moment; pauses grow.
func again[T any](ctx context.Context, act func() (T, error)) (got T, err error) {
	for try, wait := 1, pause; ; try, wait = try+1, 2*wait {
		got, err = act()
		code := api.CodeOf(err)
		if err == nil || try == tries || code != api.CodeUnavailable && code != api.CodeRateLimited || report.Pause(ctx, wait) != nil {
			return got, err
		}
	}
}

// Start registers the task definition if need be, and runs a task of it.
func (k *Kind) Start(ctx context.Context, job *worker.Job) (worker.Infrastructure, error) { //nolint:ireturn // worker.Kind wants it so
	client, err := k.client(job.Config.Rest)
	if err != nil {
		return nil, err
	}
	o, err := optionsOf(job)
	if err != nil {
		return nil, err
	}
	definition, isNew, err := k.definition(ctx, client, o)
	if err != nil {
		return nil, err
	}
	if err := o.fits(definition); err != nil {
		return nil, err
	}
	request, err := o.request(ctx, client, definition, isNew)
	if err != nil {
		return nil, err
	}
	request["clientToken"], request["startedBy"] = uuid.NewString(), startedBy(job.Run.ID) // asked again, AWS starts no second task
	job.Log(report.Info, "Creating a task of "+arnOf(definition))
	task, err := again(ctx, func() (aws.Task, error) { return runTask(ctx, client, request) })
	if err != nil {
		return nil, o.unstarted(err)
	}
	r := k.running(job, client, o.clusterOr(task.Cluster), task.ARN)
	r.container, r.logs = o.containerName(definition), logsOf(definition, o.containerName(definition), client.Region)
	if isNew && o.deregister {
		r.definition = arnOf(definition)
	}
	r.follow(ctx)
	return r, nil
}

func runTask(ctx context.Context, client *aws.Client, request map[string]any) (aws.Task, error) {
	tasks, failures, err := client.RunTask(ctx, request)
	switch {
	case err != nil:
		return aws.Task{}, err
	case len(failures) > 0:
		return aws.Task{}, api.Errorf(api.CodeInvalid, "%s", strings.TrimSpace(failures[0].Reason+" "+failures[0].Detail))
	case len(tasks) == 0:
		return aws.Task{}, api.Errorf(api.CodeInvalid, "AWS started no task and gave no reason")
	}
	return tasks[0], nil
}

// definition is the task definition to run, and whether it was registered for this run.
func (k *Kind) definition(ctx context.Context, client *aws.Client, o options) (definition map[string]any, isNew bool, err error) {
	if o.arn != "" {
		o.job.Log(report.Warning, "The task definition "+o.arn+" is used as it is; what the work pool says of task definitions has no effect.")
		definition, err = again(ctx, func() (map[string]any, error) { return client.TaskDefinition(ctx, o.arn) })
		if err != nil {
			return nil, false, fmt.Errorf("the task definition %s can't be read: %w", o.arn, err)
		}
		return definition, false, nil
	}
	wanted, err := o.define(client.Region)
	if err != nil {
		return nil, false, err
	}
	owner := o.owner()
	k.mu.Lock()
	known := k.known[owner]
	k.mu.Unlock()
	candidates := []string{known}
	if o.matchFamily {
		candidates = append(candidates, o.familyOf(wanted))
	}
	for _, name := range candidates {
		if name == "" {
			continue
		}
		found, err := client.TaskDefinition(ctx, name)
		if err == nil && found["status"] != "INACTIVE" && alike(wanted, found) {
			k.remember(owner, found)
			return found, false, nil
		}
	}
	o.job.Log(report.Info, "Registering a task definition of family "+o.familyOf(wanted))
	registered, err := again(ctx, func() (map[string]any, error) { return client.RegisterTaskDefinition(ctx, wanted) })
	if err != nil {
		return nil, false, fmt.Errorf("the task definition could not be registered: %w%s", err, permission(err, "ecs:RegisterTaskDefinition, and iam:PassRole for its roles"))
	}
	k.remember(owner, registered)
	return registered, true, nil
}

func (k *Kind) remember(owner uuid.UUID, definition map[string]any) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.known[owner] = arnOf(definition)
}

func arnOf(definition map[string]any) string {
	arn, _ := definition["taskDefinitionArn"].(string)
	return arn
}

// permission says which rights are missing when that is the cause.
func permission(err error, rights string) string {
	switch api.CodeOf(err) {
	case api.CodeForbidden:
		return ". Give the worker's credentials the rights " + rights
	case api.CodeUnauthenticated:
		return ". The worker's AWS credentials are not taken; renew them"
	}
	return ""
}

// unstarted says why there is no task, and what to do about it.
func (o options) unstarted(err error) error {
	text := strings.ToLower(err.Error())
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, w) })
	}
	hint := permission(err, "ecs:RunTask, and iam:PassRole for the task's roles")
	switch {
	case hint != "":
	case aws.Is(err, "ClusterNotFoundException"):
		hint = fmt.Sprintf(". There is no cluster %q in the region; create it, or name another one in the job variable cluster", o.clusterOr("default"))
	case has("no container instances"):
		hint = fmt.Sprintf(". The cluster %q has no EC2 instances; add some, or use the launch type FARGATE", o.clusterOr("default"))
	case has("inactive"):
		hint = ". Register the task definition anew, or leave task_definition_arn empty"
	case has("resource:memory", "resource:cpu", "resource:gpu"):
		hint = ". No instance of the cluster has as much left; ask for less, or add instances"
	case has("capacity"):
		hint = ". Look at the cluster's capacity providers, or ask for less"
	case has("quota", "limit"):
		hint = ". Raise the account's quota, or run less at once"
	case has("subnet", "security group", "network"):
		hint = ". Look at the job variables vpc_id and network_configuration"
	}
	return fmt.Errorf("the ECS task could not be started: %w%s", err, hint)
}

func (k *Kind) running(job *worker.Job, client *aws.Client, cluster, arn string) *running {
	return &running{job: job, client: client, board: k.board(client, cluster), cluster: cluster, arn: arn, done: make(chan struct{}), changed: make(chan struct{}, 1)}
}

// startedBy marks the tasks of a run, by which they are found.
func startedBy(run uuid.UUID) string { return "prefect-" + run.String() }

// Adopt finds the task that an earlier worker started for the run.
func (k *Kind) Adopt(ctx context.Context, job *worker.Job) (worker.Infrastructure, error) { //nolint:ireturn // worker.Kind wants it so
	client, err := k.client(job.Config.Rest)
	if err != nil {
		return nil, err
	}
	cluster, arn := "", ""
	if pid := job.Run.InfrastructurePID; pid != nil {
		cluster, arn, _ = strings.Cut(*pid, "::")
	}
	if arn == "" {
		cluster, _ = job.Config.Rest["cluster"].(string)
		err := report.Persist(ctx, func() (err error) {
			for _, status := range []string{"RUNNING", "STOPPED"} {
				found, err := client.ListTasks(ctx, cluster, startedBy(job.Run.ID), status)
				if err != nil {
					return err
				}
				if len(found) > 0 {
					arn = found[0]
					return nil
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	if arn == "" {
		return nil, api.NotFound("ECS task of run " + job.Run.ID.String())
	}
	if cluster == "" {
		cluster = clusterIn(arn)
	}
	r := k.running(job, client, cluster, arn)
	r.container, _ = job.Config.Rest["container_name"].(string)
	r.follow(ctx)
	return r, nil
}

// clusterIn is the cluster in the ARN of a task: …:task/CLUSTER/ID.
func clusterIn(arn string) string {
	parts := strings.Split(arn, "/")
	if len(parts) == 3 {
		return parts[1]
	}
	return "default"
}

// Find lists the tasks of the pool's runs, in the default cluster of the worker's own
// credentials and in those that this worker has started tasks in.
func (k *Kind) Find(ctx context.Context, pool uuid.UUID) ([]worker.Found, error) {
	places := map[boardKey]bool{}
	usual, err := k.client(nil)
	if err == nil { // else the pool's aws_credentials are the only ones, which Adopt knows
		places[boardKey{usual, "default"}] = true
	}
	k.mu.Lock()
	for key := range k.boards {
		places[key] = true
	}
	k.mu.Unlock()
	var found []worker.Found
	for at := range places {
		tasks, err := everyTask(ctx, at.client, at.cluster)
		if err != nil && at.client == usual && at.cluster == "default" {
			continue // there may be no such cluster, or no credentials
		}
		if err != nil {
			return nil, err
		}
		for _, task := range tasks {
			tags := map[string]string{}
			for _, tag := range task.Tags {
				tags[tag.Key] = tag.Value
			}
			run, err := uuid.Parse(tags["prefect.io/flow-run-id"])
			if err == nil && tags["prefect.io/work-pool-id"] == pool.String() {
				found = append(found, worker.Found{Run: run, Worker: tags["prefect.io/worker-name"]})
			}
		}
	}
	return found, nil
}

func everyTask(ctx context.Context, client *aws.Client, cluster string) ([]aws.Task, error) {
	var all []aws.Task
	for _, status := range []string{"RUNNING", "STOPPED"} {
		arns, err := client.ListTasks(ctx, cluster, "", status)
		if err != nil {
			return nil, err
		}
		for page := range slices.Chunk(arns, aws.MostTasks) {
			tasks, _, err := client.Tasks(ctx, cluster, page)
			if err != nil {
				return nil, err
			}
			all = append(all, tasks...)
		}
	}
	return all, nil
}

var errNoContainer = errors.New("no container of the task definition has the name")
