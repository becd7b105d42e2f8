// Command record plays generated sequences against the reference's server and writes its
// answers to internal/acceptance/contract/testdata.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/usherhq/usher/internal/acceptance/contract"
	"github.com/usherhq/usher/internal/acceptance/replay"
	"github.com/usherhq/usher/internal/testkit"
)

type options struct {
	document, out, only string
	seed                uint64
	perOperation        int
}

func main() {
	var o options
	flag.StringVar(&o.document, "contract", "docs/api/openapi.json", "the OpenAPI document")
	flag.StringVar(&o.out, "out", "internal/acceptance/contract/testdata", "where the recordings go")
	flag.StringVar(&o.only, "only", "", "record only these groups, separated by commas")
	flag.Uint64Var(&o.seed, "seed", 1, "what the requests are drawn with")
	flag.IntVar(&o.perOperation, "n", 10, "how many requests each operation with a body gets")
	flag.Parse()
	if err := record(context.Background(), o); err != nil {
		fmt.Fprintln(os.Stderr, "record:", err)
		os.Exit(1)
	}
}

func record(ctx context.Context, o options) error {
	doc, err := contract.Read(o.document)
	if err != nil {
		return err
	}
	py, err := testkit.InstallReference(ctx)
	if err != nil {
		return err
	}
	groups := contract.Recorded()
	if o.only != "" {
		groups = strings.Split(o.only, ",")
	}
	for _, group := range groups {
		if err := recordGroup(ctx, o, doc, py, group); err != nil {
			return fmt.Errorf("%s: %w", group, err)
		}
	}
	return nil
}

func recordGroup(ctx context.Context, o options, doc *contract.Document, py testkit.Python, group string) error {
	var steps []replay.Step
	var err error
	if group == contract.FilterGroup {
		steps, err = doc.GenerateFilters(o.seed)
	} else {
		steps, err = doc.Generate(group, o.seed, o.perOperation)
	}
	if err != nil {
		return err
	}
	home, err := os.MkdirTemp("", "record-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(home)
	server, err := testkit.StartReferenceServer(ctx, py, home, "PREFECT_SERVER_SERVICES_SCHEDULER_ENABLED=false", "PREFECT_SERVER_SERVICES_LATE_RUNS_ENABLED=false")
	if err != nil {
		return err
	}
	defer server.Stop()
	started := time.Now()
	recording, err := contract.Play(ctx, &replay.Player{API: server.APIURL(), Now: started.UTC(), Patient: true}, steps)
	if err != nil {
		return err
	}
	fmt.Printf("%s: %d answers in %s\n", group, len(recording), time.Since(started).Round(time.Second))
	return contract.Save(filepath.Join(o.out, group+".json.gz"), recording)
}
