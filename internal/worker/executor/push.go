package executor

import (
	"context"
	"slices"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/worker"
	"github.com/usherhq/usher/internal/worker/ecs"
)

// Push is the work pool type "ecs:push": tasks of the customer's own account at Amazon, with
// the credentials of the customer's block and never those of the executor's machine.
type Push struct {
	*ecs.Kind

	endpoints []string
}

var _ worker.Finder = (*Push)(nil)

// NewPush makes the kind. The addresses are those that blocks may name in place of Amazon's
// own. Close ends its watches.
func NewPush(endpoints []string) *Push {
	return &Push{Kind: ecs.New(func(string) (string, bool) { return "", false }), endpoints: endpoints}
}

// Name is the type of pools of this kind.
func (p *Push) Name() string { return ECSPush }

// Start starts the task.
func (p *Push) Start(ctx context.Context, job *worker.Job) (worker.Infrastructure, error) { //nolint:ireturn // worker.Kind wants it so
	if err := p.judge(job); err != nil {
		return nil, err
	}
	return p.Kind.Start(ctx, job)
}

// Adopt finds the task that an earlier worker started for the run.
func (p *Push) Adopt(ctx context.Context, job *worker.Job) (worker.Infrastructure, error) { //nolint:ireturn // worker.Kind wants it so
	if err := p.judge(job); err != nil {
		return nil, err
	}
	return p.Kind.Adopt(ctx, job)
}

// judge refuses what would act as somebody else, or somewhere else.
func (p *Push) judge(job *worker.Job) error {
	block, _ := job.Config.Rest["aws_credentials"].(map[string]any)
	if of(block, "aws_access_key_id") == "" || of(block, "aws_secret_access_key") == "" {
		return api.Errorf(api.CodeInvalid, "a push work pool needs aws_credentials with a key; name a block of them in the pool's base job template")
	}
	if of(block, "profile_name") != "" {
		return api.Errorf(api.CodeInvalid, "aws_credentials of a push work pool can't name a profile; give the key itself")
	}
	parameters, _ := block["aws_client_parameters"].(map[string]any)
	if endpoint := of(parameters, "endpoint_url"); endpoint != "" && !slices.Contains(p.endpoints, endpoint) {
		return api.Errorf(api.CodeInvalid, "aws_credentials name the endpoint %s, which the executor's operator does not allow", endpoint)
	}
	return ownToken(job)
}

func of(object map[string]any, key string) string {
	text, _ := object[key].(string)
	return text
}

// ownToken refuses a run that would be let in with the executor's credentials.
func ownToken(job *worker.Job) error {
	if job.OwnToken || job.Env["PREFECT_API_KEY"] == "" && job.Env["PREFECT_API_AUTH_STRING"] == "" {
		return nil
	}
	return api.Errorf(api.CodeInvalid, "the server gives out no tokens for single runs, and the executor does not lend its own; that takes a server of usher with accounts, or one that asks nobody who they are")
}
