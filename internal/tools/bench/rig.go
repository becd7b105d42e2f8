package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/usherhq/usher/internal/testkit"
)

// side is one of the two products, with a server that is started when first
// asked for.
type side struct {
	name   string
	cli    string
	dir    string
	launch func(ctx context.Context, home string) (*testkit.Server, error)
	server *testkit.Server
	python testkit.Python
}

// rig holds both sides and everything they write.
type rig struct {
	dir          string
	ours, theirs *side
}

func newRig(ctx context.Context) (*rig, error) {
	fmt.Fprintln(os.Stderr, "building usher and installing the reference …")
	binary, err := testkit.BuildUsher(ctx)
	if err != nil {
		return nil, err
	}
	python, err := testkit.InstallReference(ctx)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "usher-bench-*")
	if err != nil {
		return nil, err
	}
	r := &rig{dir: dir}
	r.ours = &side{name: "usher", cli: binary, dir: dir, python: python}
	r.ours.launch = func(ctx context.Context, home string) (*testkit.Server, error) {
		return testkit.StartUsherServer(ctx, binary, home)
	}
	r.theirs = &side{name: "reference", cli: python.Prefect, dir: dir, python: python}
	r.theirs.launch = func(ctx context.Context, home string) (*testkit.Server, error) {
		return testkit.StartReferenceServer(ctx, python, home)
	}
	return r, nil
}

func (r *rig) close() {
	for _, s := range []*side{r.ours, r.theirs} {
		if s.server != nil {
			s.server.Stop()
		}
	}
	os.RemoveAll(r.dir)
}

// both runs measure for each side, the reference first.
func (r *rig) both(measure func(*side) (float64, error)) (ours, theirs float64, err error) {
	if theirs, err = measure(r.theirs); err != nil {
		return 0, 0, fmt.Errorf("%s: %w", r.theirs.name, err)
	}
	if ours, err = measure(r.ours); err != nil {
		return 0, 0, fmt.Errorf("%s: %w", r.ours.name, err)
	}
	return ours, theirs, nil
}

// home makes a new directory for the side to write to.
func (s *side) home() (string, error) { return os.MkdirTemp(s.dir, s.name+"-*") }

// running returns the side's server, started on a fresh database.
func (s *side) running(ctx context.Context) (*testkit.Server, error) {
	if s.server != nil {
		return s.server, nil
	}
	home, err := s.home()
	if err != nil {
		return nil, err
	}
	s.server, err = s.launch(ctx, home)
	if err != nil {
		s.server = nil
		return nil, err
	}
	return s.server, pause(ctx, settle)
}

// env is for clients of the side's server, which share its home.
func (s *side) env(server *testkit.Server) []string {
	return testkit.WithPath(server.Env(server.Home), s.python.Bin)
}

// settle is how long a server may tidy up after its start before it is
// measured.
const settle = 3 * time.Second

// pause lets measured time pass.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}
