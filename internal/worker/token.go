package worker

import (
	"context"
	"net/url"
	"strings"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/worker/report"
)

// keys and passwords are the variables that let a program in at the API, addresses those
// that may have credentials in them.
var (
	keys      = []string{"PREFECT_API_KEY", "USHER_API_KEY"}
	passwords = []string{"PREFECT_API_AUTH_STRING", "USHER_API_AUTH_STRING"}
	addresses = []string{"PREFECT_API_URL", "USHER_API_URL"}
)

// lend lets the program of the run in at the API with a token that is good for the run
// alone, in place of what lets the worker in. A server that has no such tokens, or a job that
// brings credentials of its own, is left as it is. keep is for a run that may have a program
// with a token already.
func (x *execution) lend(ctx context.Context, keep bool) error {
	if x.w.tokenless.Load() || x.job.OwnToken || x.job.Env == nil || !x.bringsWorkers() {
		return nil
	}
	if x.isNative && !x.manifest.APIAccess && (x.job.Deployment == nil || len(x.job.Deployment.PullSteps) == 0) {
		return nil // a program that is not let in
	}
	var lent api.RunToken
	err := report.Persist(ctx, func() (err error) {
		lent, err = x.w.Client.CreateRunToken(ctx, x.job.Run.ID, &api.RunTokenCreate{Keep: keep})
		return err
	})
	switch code := api.CodeOf(err); {
	case err == nil:
	case code == api.CodeNotFound || code == api.CodeUnsupported:
		// Which of the two there is not, the run or the route?
		if _, gone := x.read(ctx); gone != nil {
			return gone
		}
		x.w.tokenless.Store(true)
		return nil
	default:
		return err
	}
	for _, name := range append(keys, passwords...) {
		delete(x.job.Env, name)
	}
	for _, name := range addresses {
		if bare, had := withoutUser(x.job.Env[name]); had {
			x.job.Env[name] = bare
		}
	}
	// Requests of the SDK take the second if there is one; its sockets take either, by what
	// kind of server it thinks to talk to.
	x.job.Env["PREFECT_API_KEY"], x.job.Env["PREFECT_API_AUTH_STRING"] = lent.Token, "run:"+lent.Token
	x.job.OwnToken = true
	return nil
}

// bringsWorkers says that the job would be let in as the worker is.
func (x *execution) bringsWorkers() bool {
	brings := false
	for _, name := range append(keys, passwords...) {
		if own := x.job.Config.Env[name]; own != nil && *own != "" {
			return false
		}
		brings = brings || x.job.Env[name] != ""
	}
	for _, name := range addresses {
		_, has := withoutUser(x.job.Env[name])
		brings = brings || has
	}
	return brings
}

// withoutUser is a URL without the credentials in it, and whether it had some.
func withoutUser(address string) (bare string, had bool) {
	u, err := url.Parse(address)
	if err != nil || u.User == nil {
		return address, false
	}
	u.User = nil
	return strings.TrimSuffix(u.String(), "/"), true
}
