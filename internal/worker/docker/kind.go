// Package docker runs flow runs as containers of a Docker or Podman engine.
package docker

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/docker"
	"github.com/usherhq/usher/internal/worker"
	"github.com/usherhq/usher/internal/worker/report"
)

//go:embed template.json
var defaultTemplate []byte

// Kind is the work pool type "docker".
type Kind struct {
	Engine *docker.Client
	Binary string                      // our own program, for flows that are programs
	Lookup func(string) (string, bool) // of the environment
}

var (
	_ worker.Finder = (*Kind)(nil)
	_ worker.Killer = (*Kind)(nil)
)

// Name is the type of pools of this kind.
func (k *Kind) Name() string { return "docker" }

// Local says that runs execute in containers, not as processes of this machine.
func (k *Kind) Local() bool { return false }

// DefaultTemplate is the base job template for pools that have none.
func (k *Kind) DefaultTemplate() jsontext.Value { return jsontext.Value(defaultTemplate).Clone() }

// RunHooks does nothing: the code of the flow is in the image, and its engine runs the hooks.
func (k *Kind) RunHooks(context.Context, *worker.Job, worker.Hook) {}

const (
	runLabel    = "io.prefect.flow-run-id"
	poolLabel   = "io.prefect.work-pool-id"
	workerLabel = "io.prefect.worker-name"
)

// madeFile keeps which container was made for a run.
const madeFile = "container.json"

type made struct {
	ID string `json:"id"`
}

// Start pulls the image if need be, makes the container and starts it.
func (k *Kind) Start(ctx context.Context, job *worker.Job) (worker.Infrastructure, error) { //nolint:ireturn // worker.Kind wants it so
	o, err := optionsOf(job)
	if err != nil {
		return nil, err
	}
	version, err := k.Engine.Version(ctx)
	if err != nil {
		return nil, err
	}
	if err := k.provide(ctx, job, o); err != nil {
		return nil, err
	}
	spec, err := o.spec(job, version)
	if err != nil {
		return nil, err
	}
	r := &running{kind: k, job: job, options: o, done: make(chan struct{})}
	if err := k.create(ctx, r, spec); err != nil {
		job.Emit("prefect.docker.container.creation-failed", job.Worker, uuid.Nil)
		return nil, err
	}
	if err := k.start(ctx, r); err != nil {
		if ctx.Err() == nil {
			k.Engine.Remove(ctx, r.id) //nolint:errcheck // it never ran; why matters more
		}
		return nil, err
	}
	r.emit("running")
	r.follow(ctx, time.Time{})
	return r, nil
}

// sameName is how many containers of a name there may be.
const sameName = 1000

func (k *Kind) create(ctx context.Context, r *running, spec docker.Spec) error {
	name := spec.Name
	for i := 1; ; i++ {
		created, err := k.Engine.Create(ctx, spec)
		if api.CodeOf(err) == api.CodeConflict && i < sameName {
			spec.Name = fmt.Sprintf("%s-%d", name, i)
			continue
		}
		if err != nil {
			return fmt.Errorf("the container of image %s could not be created: %w", r.options.image, err)
		}
		for _, warning := range created.Warnings {
			r.job.Log(report.Warning, warning)
		}
		r.id, r.name = created.ID, spec.Name
		break
	}
	data, err := json.Marshal(made{r.id})
	if err == nil {
		err = os.WriteFile(filepath.Join(r.job.Dir, madeFile), data, 0o600)
	}
	r.emit("created")
	return err
}

func (k *Kind) start(ctx context.Context, r *running) error {
	if r.options.isProgram() {
		if err := k.Engine.CopyIn(ctx, r.id, k.Binary, usherInside); err != nil {
			return fmt.Errorf("usher could not be copied into the container: %w", err)
		}
	}
	for _, network := range r.options.otherNetworks() {
		if err := k.Engine.Connect(ctx, network, r.id); err != nil {
			return fmt.Errorf("the container could not be connected to network %s: %w", network, err)
		}
	}
	err := k.Engine.Start(ctx, r.id)
	if err != nil {
		return unstarted(err, r.options)
	}
	return nil
}

// unstarted says why a container did not start, and what to do about it.
func unstarted(err error, o options) error {
	text := strings.ToLower(err.Error())
	switch {
	case strings.Contains(text, "executable file") && strings.Contains(text, "not found"), strings.Contains(text, "no such file or directory") && strings.Contains(text, "exec"):
		return fmt.Errorf("the command %q was not found in image %s; correct the command, the image's entrypoint or its PATH: %w", strings.Join(o.argv, " "), o.image, err)
	case strings.Contains(text, "permission denied") && strings.Contains(text, "exec"):
		return fmt.Errorf("the command %q in image %s is not executable: %w", strings.Join(o.argv, " "), o.image, err)
	}
	return fmt.Errorf("the container of image %s did not start: %w", o.image, err)
}

// Adopt finds the container that an earlier worker started for the run.
func (k *Kind) Adopt(ctx context.Context, job *worker.Job) (worker.Infrastructure, error) { //nolint:ireturn // worker.Kind wants it so
	r := &running{kind: k, job: job, done: make(chan struct{})}
	var known made
	if data, err := os.ReadFile(filepath.Join(job.Dir, madeFile)); err == nil {
		json.Unmarshal(data, &known) //nolint:errcheck // half a file is none
	}
	err := report.Persist(ctx, func() (err error) {
		r.id, err = k.find(ctx, known.ID, job.Run.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	if r.id == "" && known.ID == "" {
		return nil, api.NotFound("container of run " + job.Run.ID.String())
	}
	if r.id == "" {
		r.id = known.ID
		r.end(worker.Exit{Error: "The container was removed while no worker looked after it"})
		return r, nil
	}
	found, err := k.Engine.Inspect(ctx, r.id)
	if err != nil {
		return nil, err
	}
	begun := job.Run.StateType != nil && *job.Run.StateType != api.StateTypePending
	if isUnstarted(found.State.Status) && !begun { // an engine that was killed may not know that it runs
		k.Engine.Remove(ctx, r.id) //nolint:errcheck // it never ran, and the run starts anew
		return nil, api.NotFound("container that ran")
	}
	r.follow(ctx, time.Now())
	return r, nil
}

// find answers the id of the run's container, "" if there is none any more.
func (k *Kind) find(ctx context.Context, id string, run uuid.UUID) (string, error) {
	if id != "" {
		_, err := k.Engine.Inspect(ctx, id)
		if api.CodeOf(err) == api.CodeNotFound {
			return "", nil
		}
		return id, err
	}
	found, err := k.Engine.List(ctx, runLabel+"="+run.String())
	if err != nil {
		return "", err
	}
	for _, c := range found {
		if c.State == "running" || len(found) == 1 {
			return c.ID, nil
		}
	}
	if len(found) > 0 { // the newest comes first
		return found[0].ID, nil
	}
	return "", nil
}

// Find lists the containers of the pool's runs.
func (k *Kind) Find(ctx context.Context, pool uuid.UUID) ([]worker.Found, error) {
	listed, err := k.Engine.List(ctx, poolLabel+"="+pool.String())
	if err != nil {
		return nil, err
	}
	var found []worker.Found
	for _, c := range listed {
		if run, err := uuid.Parse(c.Labels[runLabel]); err == nil {
			found = append(found, worker.Found{Run: run, Worker: c.Labels[workerLabel]})
		}
	}
	return found, nil
}

// Kill stops the container of a run, which a worker that is gone may have started.
func (k *Kind) Kill(ctx context.Context, job *worker.Job, identifier string) error {
	id, isOurs := strings.CutPrefix(identifier, k.Engine.Name()+":")
	if !isOurs {
		return api.Errorf(api.CodeUnavailable, "the container %s is not of the engine %s", identifier, k.Engine.Name())
	}
	found, err := k.Engine.Inspect(ctx, id)
	if err != nil {
		return err
	}
	if found.Config.Labels[runLabel] != job.Run.ID.String() {
		return api.NotFound("container of run " + job.Run.ID.String())
	}
	r := &running{kind: k, job: job, id: id, followed: time.Now(), done: make(chan struct{})}
	go r.watch(ctx)
	r.Stop(ctx, stopGrace)
	r.Release()
	return ctx.Err()
}

// provide sees that the engine has the image.
func (k *Kind) provide(ctx context.Context, job *worker.Job, o options) error {
	policy := o.pullPolicy
	if policy == "" {
		policy = ifNotPresent
		if tag := docker.Tag(docker.Tagged(o.image)); tag == "latest" {
			policy = always
		}
	}
	if policy != always && policy != ifPossible {
		has, err := k.Engine.HasImage(ctx, o.image)
		if err != nil || has {
			return err
		}
		if policy == never {
			return fmt.Errorf("the image %s is not there and image_pull_policy is Never; pull or build it on the engine's machine", o.image)
		}
	}
	login := o.login
	if login == nil {
		login = docker.Configured(ctx, o.image, k.Lookup)
	}
	job.Log(report.Info, "Pulling image "+o.image)
	err := k.Engine.Pull(ctx, o.image, o.platform, login)
	if err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	err = unpulled(err, o, login)
	if policy != ifPossible {
		return err
	}
	has, lookErr := k.Engine.HasImage(ctx, o.image)
	if lookErr == nil && has {
		job.Log(report.Warning, fmt.Sprintf("%v. The image that the engine has is used.", err))
		return nil
	}
	return errors.Join(err, lookErr)
}

// unpulled says why an image could not be pulled, and what to do about it.
func unpulled(err error, o options, login *docker.Login) error {
	text := strings.ToLower(err.Error())
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(text, w) {
				return true
			}
		}
		return false
	}
	hint := "check the name of the image and that the engine reaches the registry"
	switch {
	case has("unauthorized", "denied", "authentication required", "no basic auth", "403 forbidden", "invalid username/password"):
		hint = "the registry denied access; give the pool registry_credentials that may pull it"
		if login != nil {
			hint = fmt.Sprintf("the registry denied access to user %q; check registry_credentials and the user's rights", login.Username)
		}
	case has("manifest unknown", "not found", "name unknown", "404"):
		hint = "the registry has no such image or tag"
	case has("no such host", "connection refused", "timeout", "dial tcp"):
		hint = "the registry can't be reached from the engine's machine"
	case has("certificate", "x509", "server gave http response"):
		hint = "the registry's certificate is not trusted by the engine"
	}
	return fmt.Errorf("the image %s can't be pulled (%s): %w", o.image, hint, err)
}
