package worker

import (
	"path/filepath"
	"time"

	"github.com/spf13/pflag"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/python/environment"
	"github.com/usherhq/usher/internal/worker"
)

// environmentOptions say which Python environments a worker makes, and keeps.
type environmentOptions struct {
	mode    string
	timeout time.Duration
	maxAge  time.Duration
	maxSize float64
}

// The modes: for deployments and pools that ask for one, for all whose code says what it
// needs, or for none.
const (
	asked  = "asked"
	always = "always"
	never  = "never"
)

// longest is how long a server of ours lets a run wait for what it needs, less some minutes.
const longest = 25 * time.Minute

func (o *environmentOptions) define(flags *pflag.FlagSet) {
	flags.StringVar(&o.mode, "environments", asked, "`when` to make a Python environment for a flow from its lock, requirements.txt or pyproject.toml: asked (by the job variable python_environment), always, never")
	flags.DurationVar(&o.timeout, "environment-timeout", 15*time.Minute, "how long making an environment may take")
	flags.DurationVar(&o.maxAge, "environments-max-age", 30*24*time.Hour, "remove environments that were not used for so long")
	flags.Float64Var(&o.maxSize, "environments-max-size", 20, "how many `gigabytes` of environments to keep")
}

// store is where the environments are, nil where none are made.
func (o *environmentOptions) store(options *worker.Options) (*environment.Store, error) {
	switch {
	case o.mode != asked && o.mode != always && o.mode != never:
		return nil, cli.Usagef("--environments %s: say %s, %s or %s", o.mode, asked, always, never)
	case o.timeout <= 0 || o.timeout > longest:
		return nil, cli.Usagef("--environment-timeout %s: at most %s, since a run that waits longer counts as lost", o.timeout, longest)
	case o.maxAge < 0 || o.maxSize < 0:
		return nil, cli.Usagef("--environments-max-age and --environments-max-size can't be negative; 0 keeps all")
	case o.mode == never:
		return nil, nil
	}
	store := environment.NewStore(filepath.Join(options.Home, "environments"), o.timeout, options.Now)
	store.MaxAge, store.MaxSize = o.maxAge, int64(o.maxSize*1e9)
	store.Prune()
	return store, nil
}
