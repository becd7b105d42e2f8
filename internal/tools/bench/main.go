// Command bench measures usher and the reference side by side on this machine
// and compares the ratios with the bars that the product promises. It installs
// the reference from its pins, needs Linux, and exits with 1 if a bar is missed.
//
//	go run ./internal/tools/bench [group …]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
)

// groups are measured in this order.
var groups = []struct {
	name    string
	measure func(context.Context, *rig) ([]result, error)
}{
	{"start", measureStart},
	{"idle", measureIdle},
	{"cli", measureCLI},
	{"requests", measureRequests},
	{"accounts", measureAccounts},
	{"events", measureEvents},
	{"soak", measureSoak},
	{"blocks", measureBlocks},
	{"creators", measureCreators},
	{"polls", measurePolls},
	{"scheduling", measureScheduling},
	{"pickup", measurePickup},
	{"worker", measureWorker},
	{"size", measureSize},
	{"growth", measureGrowth},
}

func main() { os.Exit(run()) }

// run returns 1 if a bar is missed, 2 if one can't be measured.
func run() int {
	flag.Usage = func() {
		fmt.Fprintf(flag.CommandLine.Output(), "usage: bench [group …]\nThe groups are %s; without any, all are measured.\n", strings.Join(groupNames(), ", "))
	}
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	missed, err := bench(ctx, flag.Args())
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 2
	case missed > 0:
		return 1
	}
	return 0
}

// bench reports what was measured even if the rest can't be.
func bench(ctx context.Context, names []string) (missed int, err error) {
	chosen, err := choose(names)
	if err != nil {
		return 0, err
	}
	r, err := newRig(ctx)
	if err != nil {
		return 0, err
	}
	defer r.close()
	var all []result
	var failed error
	for _, group := range groups {
		if !chosen[group.name] {
			continue
		}
		fmt.Fprintf(os.Stderr, "measuring %s …\n", group.name)
		results, err := group.measure(ctx, r)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("measure %s: %w", group.name, err))
		}
		all = append(all, results...)
		if ctx.Err() != nil {
			break
		}
	}
	missed, err = report(os.Stdout, all)
	return missed, errors.Join(failed, err)
}

func choose(names []string) (map[string]bool, error) {
	if len(names) == 0 {
		names = groupNames()
	}
	chosen := map[string]bool{}
	for _, name := range names {
		if !slices.Contains(groupNames(), name) {
			return nil, fmt.Errorf("there is no group %q; there are %s", name, strings.Join(groupNames(), ", "))
		}
		chosen[name] = true
	}
	return chosen, nil
}

func groupNames() []string {
	names := make([]string, 0, len(groups))
	for _, group := range groups {
		names = append(names, group.name)
	}
	return names
}
