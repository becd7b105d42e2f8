package executor

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/jobtemplate"
	"github.com/usherhq/usher/internal/worker"
)

// defaultImage is what a managed run executes in unless it says otherwise.
const defaultImage = "prefecthq/prefect-client:3-latest"

// Engine is a kind whose infrastructure is not a process of this machine.
type Engine interface {
	worker.Kind
	worker.Finder
	worker.Killer
}

// Managed is the work pool type "prefect:managed": runs in containers of an engine, or pods of
// a cluster, that the operator attaches. Of a pool's configuration only the image, the
// environment, the packages and the command count; volumes, networks and rights are the
// operator's.
type Managed struct {
	Engine

	Bounds Bounds
	// Configure makes the engine's configuration of a run: Containers, or what Jobs returns.
	Configure func(image string, b Bounds) map[string]any
	// Allowance says why a run may not start, such as a quota that is used up; nil allows.
	Allowance func(ctx context.Context) error
}

// Name is the type of pools of this kind.
func (m *Managed) Name() string { return ManagedPools }

// DefaultTemplate is the base job template for pools that have none.
func (m *Managed) DefaultTemplate() jsontext.Value { return jobtemplate.Managed() }

// Extra are the variables that count whatever the template of the pool passes on.
func (m *Managed) Extra() []string { return []string{"image", "pip_packages"} }

// Start starts the run within the bounds.
func (m *Managed) Start(ctx context.Context, job *worker.Job) (worker.Infrastructure, error) { //nolint:ireturn // worker.Kind wants it so
	if err := m.Allowance(ctx); err != nil {
		return nil, err
	}
	if err := ownToken(job); err != nil {
		return nil, err
	}
	if err := m.confine(job); err != nil {
		return nil, err
	}
	started, err := m.Engine.Start(ctx, job)
	return m.bounded(ctx, job, started, err)
}

// Adopt finds what an earlier executor started for the run.
func (m *Managed) Adopt(ctx context.Context, job *worker.Job) (worker.Infrastructure, error) { //nolint:ireturn // worker.Kind wants it so
	if err := m.confine(job); err != nil {
		return nil, err
	}
	found, err := m.Engine.Adopt(ctx, job)
	return m.bounded(ctx, job, found, err)
}

// Kill ends what an executor that is gone started for the run.
func (m *Managed) Kill(ctx context.Context, job *worker.Job, identifier string) error {
	if err := m.confine(job); err != nil {
		return err
	}
	return m.Engine.Kill(ctx, job, identifier)
}

// confine puts the operator's configuration in place of the pool's.
func (m *Managed) confine(job *worker.Job) error {
	image := of(job.Config.Rest, "image")
	if image == "" {
		image = defaultImage
	}
	bare := strings.TrimPrefix(image, "docker.io/")
	if !slices.ContainsFunc(m.Bounds.Images, func(prefix string) bool { return strings.HasPrefix(bare, prefix) }) {
		return api.Errorf(api.CodeInvalid, "the image %s is not among those of managed execution, which begin with %s", image, strings.Join(m.Bounds.Images, " or "))
	}
	if packages, err := packagesOf(job.Config.Rest["pip_packages"]); err != nil {
		return err
	} else if packages != "" {
		job.Env["EXTRA_PIP_PACKAGES"] = packages // the image's entrypoint installs them
	}
	job.Config.Rest = m.Configure(image, m.Bounds)
	// Labels of its own would let a run pass as another, or as something that others reach.
	maps.DeleteFunc(job.Config.Labels, func(name, _ string) bool { return !strings.HasPrefix(name, "prefect.io/") })
	maps.Copy(job.Config.Labels, map[string]string{
		"prefect.io/flow-run-id": job.Run.ID.String(), "prefect.io/work-pool-id": job.Pool.ID.String(), "prefect.io/work-pool-name": job.Pool.Name,
	})
	return nil
}

func packagesOf(value any) (string, error) {
	if value == nil {
		return "", nil
	}
	list, isList := value.([]any)
	if !isList {
		return "", api.Errorf(api.CodeInvalid, "pip_packages is a list of requirements, not %s", jobtemplate.Text(value))
	}
	var words []string
	for _, item := range list {
		word, isText := item.(string)
		if !isText || strings.ContainsAny(word, " \t\r\n") || strings.HasPrefix(word, "-") {
			return "", api.Errorf(api.CodeInvalid, "pip_packages has %s, which is no requirement", jobtemplate.Text(item))
		}
		words = append(words, word)
	}
	return strings.Join(words, " "), nil
}

// bounded ends a run that takes longer than one may.
func (m *Managed) bounded(ctx context.Context, job *worker.Job, started worker.Infrastructure, err error) (worker.Infrastructure, error) { //nolint:ireturn // worker.Kind wants it so
	if err != nil || m.Bounds.Longest == 0 {
		return started, err
	}
	b := &bounded{Infrastructure: started, longest: m.Bounds.Longest}
	left := b.longest
	if job.Run.StartTime != nil {
		left -= time.Since(job.Run.StartTime.Time)
	}
	go func() {
		timer := time.NewTimer(max(left, 0))
		defer timer.Stop()
		select {
		case <-timer.C:
			b.tooLong.Store(true)
			started.Stop(ctx, grace)
		case <-started.Done():
		case <-ctx.Done():
		}
	}()
	return b, nil
}

// grace is what the program of a run that took too long has to end by itself.
const grace = 30 * time.Second

// bounded is infrastructure that does not outlive the longest time of a run.
type bounded struct {
	worker.Infrastructure

	longest time.Duration
	tooLong atomic.Bool
}

// Exit says how it ended, after Done.
func (b *bounded) Exit() worker.Exit {
	exit := b.Infrastructure.Exit()
	if b.tooLong.Load() {
		exit.Error = fmt.Sprintf("It was ended after %s, the longest that a managed run may take", b.longest)
	}
	return exit
}

// LastWords are the last lines that it printed, after Done.
func (b *bounded) LastWords() string {
	if talker, isOne := b.Infrastructure.(worker.Talker); isOne {
		return talker.LastWords()
	}
	return ""
}
