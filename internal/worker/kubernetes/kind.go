// Package kubernetes runs flow runs as jobs of a Kubernetes cluster.
package kubernetes

import (
	"context"
	_ "embed"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/kubernetes"
	"github.com/usherhq/usher/internal/worker"
	"github.com/usherhq/usher/internal/worker/report"
)

//go:embed template.json
var defaultTemplate []byte

// Kind is the work pool type "kubernetes".
type Kind struct {
	Lookup func(string) (string, bool) // of the environment
	Warn   func(format string, args ...any)
	// Namespace is where jobs are that name none, in place of the configuration's own.
	Namespace string

	mu      sync.Mutex
	usual   *kubernetes.Client            // of the worker's own configuration
	others  map[string]*kubernetes.Client // of cluster_config blocks, by their content
	boards  map[boardKey]*board
	ctx     context.Context //nolint:containedctx // the life of the boards
	end     context.CancelFunc
	watches sync.WaitGroup
}

type boardKey struct {
	client    *kubernetes.Client
	namespace string
}

var (
	_ worker.Finder = (*Kind)(nil)
	_ worker.Killer = (*Kind)(nil)
)

// New makes the kind. Close ends its watches.
func New(lookup func(string) (string, bool), warn func(format string, args ...any)) *Kind {
	k := &Kind{Lookup: lookup, Warn: warn, others: map[string]*kubernetes.Client{}, boards: map[boardKey]*board{}}
	k.ctx, k.end = context.WithCancel(context.Background())
	return k
}

// Close ends the watches of the clusters.
func (k *Kind) Close() {
	k.end()
	k.watches.Wait()
}

// Name is the type of pools of this kind.
func (k *Kind) Name() string { return "kubernetes" }

// Local says that runs execute in pods, not as processes of this machine.
func (k *Kind) Local() bool { return false }

// DefaultTemplate is the base job template for pools that have none.
func (k *Kind) DefaultTemplate() jsontext.Value { return jsontext.Value(defaultTemplate).Clone() }

// RunHooks does nothing: the code of the flow is in the image, and its engine runs the hooks.
func (k *Kind) RunHooks(context.Context, *worker.Job, worker.Hook) {}

const (
	runLabel    = "prefect.io/flow-run-id"
	poolLabel   = "prefect.io/work-pool-id"
	workerLabel = "prefect.io/worker-name"
)

// client is the cluster of the job's cluster_config, else of the worker's own configuration.
func (k *Kind) client(config map[string]any) (*kubernetes.Client, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	block, _ := config["cluster_config"].(map[string]any)
	if block == nil {
		if k.usual == nil {
			client, err := kubernetes.New(k.Lookup)
			if err != nil {
				return nil, err
			}
			if k.Namespace != "" {
				client.Namespace = k.Namespace
			}
			k.usual = client
		}
		return k.usual, nil
	}
	data, err := json.Marshal(block["config"], json.Deterministic(true))
	if err != nil {
		return nil, err
	}
	if text, ok := block["config"].(string); ok {
		data = []byte(text)
	}
	context, _ := block["context_name"].(string)
	key := context + "\n" + string(data)
	if k.others[key] == nil {
		client, err := kubernetes.FromConfig(data, context, "")
		if err != nil {
			return nil, err
		}
		k.others[key] = client
	}
	return k.others[key], nil
}

// Connect says whether the cluster of the worker's own configuration can be reached.
func (k *Kind) Connect(ctx context.Context) error {
	client, err := k.client(nil)
	if err != nil {
		return err
	}
	_, err = client.Jobs(ctx, namespaceOf(nil, client), runLabel+"=none")
	return err
}

// board is what watches the namespace.
func (k *Kind) board(client *kubernetes.Client, namespace string) *board {
	k.mu.Lock()
	defer k.mu.Unlock()
	key := boardKey{client, namespace}
	if k.boards[key] == nil {
		b := newBoard(client, namespace)
		k.boards[key] = b
		k.watches.Go(func() { b.run(k.ctx, k.Warn) })
	}
	return k.boards[key]
}

const (
	createTries = 3
	createPause = time.Second
)

// Start creates the job.
func (k *Kind) Start(ctx context.Context, job *worker.Job) (worker.Infrastructure, error) { //nolint:ireturn // worker.Kind wants it so
	client, err := k.client(job.Config.Rest)
	if err != nil {
		return nil, err
	}
	m, err := build(job, client, k.Lookup)
	if err != nil {
		return nil, err
	}
	if m.secret != nil {
		if err := client.CreateSecret(ctx, m.namespace, m.secret); err != nil {
			return nil, fmt.Errorf("the secret with the run's environment could not be created: %w", err)
		}
	}
	var made kubernetes.Job
	for try := 1; ; try++ {
		made, err = client.CreateJob(ctx, m.namespace, m.job)
		if err == nil || try == createTries || !passing(err) || report.Pause(ctx, createPause) != nil {
			break
		}
	}
	if err != nil {
		if m.secret != nil {
			client.DeleteSecret(ctx, m.namespace, m.secretName) //nolint:errcheck // why there is no job matters more
		}
		return nil, uncreated(err, m.namespace)
	}
	if m.secret != nil {
		if err := client.OwnSecret(ctx, m.namespace, m.secretName, made); err != nil {
			job.Log(report.Warning, fmt.Sprintf("The secret %s stays when the job goes: %v", m.secretName, err))
		}
	}
	r := k.running(job, client, m.namespace, made.Meta.Name)
	r.limits, r.isPython = m.limits, m.isPython
	r.follow(ctx, time.Time{})
	return r, nil
}

func passing(err error) bool {
	code := api.CodeOf(err)
	return code == api.CodeUnavailable || code == api.CodeRateLimited
}

// uncreated says why there is no job, and what to do about it.
func uncreated(err error, namespace string) error {
	hint := ""
	switch {
	case strings.Contains(err.Error(), "exceeded quota"):
		hint = " Raise the quota of the namespace, or ask for less."
	case api.CodeOf(err) == api.CodeForbidden:
		hint = " Let the worker's service account create, get, list, watch and delete jobs, and read pods, their logs and events, in the namespace " + namespace + "."
	case api.CodeOf(err) == api.CodeUnauthenticated:
		hint = " The credentials of the worker are not taken by the cluster; renew them."
	case api.CodeOf(err) == api.CodeNotFound:
		hint = " Create the namespace " + namespace + ", or name another one in the job variable namespace."
	case api.CodeOf(err) == api.CodeInvalid:
		hint = " Correct the job manifest of the work pool, or the job variables."
	}
	return fmt.Errorf("unable to create the Kubernetes job: %w.%s", err, hint)
}

func (k *Kind) running(job *worker.Job, client *kubernetes.Client, namespace, name string) *running {
	return &running{job: job, client: client, board: k.board(client, namespace), namespace: namespace, name: name, done: make(chan struct{}), changed: make(chan struct{}, 1)}
}

// Adopt finds the job that an earlier worker created for the run.
func (k *Kind) Adopt(ctx context.Context, job *worker.Job) (worker.Infrastructure, error) { //nolint:ireturn // worker.Kind wants it so
	var client *kubernetes.Client
	var namespace, name string
	if pid := job.Run.InfrastructurePID; pid != nil {
		namespace, name, _ = strings.Cut(*pid, ":")
	}
	err := report.Persist(ctx, func() (err error) {
		if client, err = k.client(job.Config.Rest); err != nil {
			return err
		}
		if namespace == "" {
			namespace = namespaceOf(job.Config.Rest, client)
		}
		found, err := client.Jobs(ctx, namespace, runLabel+"="+job.Run.ID.String())
		for _, j := range found.Items {
			if name == "" || j.Meta.Name == name {
				name = j.Meta.Name
				return err
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if name == "" {
		return nil, api.NotFound("Kubernetes job of run " + job.Run.ID.String())
	}
	r := k.running(job, client, namespace, name)
	r.isPython = isPython(job.Config.Command)
	r.follow(ctx, time.Now())
	return r, nil
}

// Find lists the jobs of the pool's runs, in the namespace of the worker's own configuration
// and in those that this worker has created jobs in.
func (k *Kind) Find(ctx context.Context, pool uuid.UUID) ([]worker.Found, error) {
	client, err := k.client(nil)
	if err != nil {
		return nil, nil //nolint:nilerr // the pool's cluster_config is the only one, which Adopt knows
	}
	k.mu.Lock()
	places := map[boardKey]bool{{client, namespaceOf(nil, client)}: true}
	for key := range k.boards {
		places[key] = true
	}
	k.mu.Unlock()
	var found []worker.Found
	for at := range places {
		jobs, err := at.client.Jobs(ctx, at.namespace, poolLabel+"="+pool.String())
		if err != nil {
			return nil, err
		}
		for _, j := range jobs.Items {
			if run, err := uuid.Parse(j.Meta.Labels[runLabel]); err == nil {
				found = append(found, worker.Found{Run: run, Worker: j.Meta.Labels[workerLabel]})
			}
		}
	}
	return found, nil
}

// Kill deletes the job of a run, which a worker that is gone may have created.
func (k *Kind) Kill(ctx context.Context, job *worker.Job, identifier string) error {
	client, err := k.client(job.Config.Rest)
	if err != nil {
		return err
	}
	namespace, name, _ := strings.Cut(identifier, ":")
	found, err := client.Job(ctx, namespace, name)
	if err != nil {
		return err
	}
	if found.Meta.Labels[runLabel] != job.Run.ID.String() {
		return api.NotFound("Kubernetes job of run " + job.Run.ID.String())
	}
	r := k.running(job, client, namespace, name)
	r.follow(ctx, time.Now())
	r.Stop(ctx, stopGrace)
	r.Release()
	return ctx.Err()
}

// namespaceOf is where the job goes.
func namespaceOf(config map[string]any, client *kubernetes.Client) string {
	if named, ok := config["namespace"].(string); ok && named != "" {
		return named
	}
	if client.Namespace != "" {
		return client.Namespace
	}
	return "default"
}
