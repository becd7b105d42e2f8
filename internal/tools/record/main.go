// Command record plays generated sequences against the reference's server and writes its
// answers to internal/acceptance/contract/testdata.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

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
	groups := append(contract.Recorded(), contract.ChangeGroup)
	if o.only != "" {
		groups = strings.Split(o.only, ",")
	}
	for _, group := range groups {
		recordOne := recordGroup
		if group == contract.ChangeGroup {
			recordOne = recordEvents
		}
		if err := recordOne(ctx, o, doc, py, group); err != nil {
			return fmt.Errorf("%s: %w", group, err)
		}
	}
	return nil
}

// stored waits until the reference has stored the events of contract.CountedEvents, of
// which it loses some now and then.
func stored(ctx context.Context, player *replay.Player) error {
	ask := replay.Step{Method: "POST", Path: "/events/filter", Body: `{"limit":0,"filter":{"resource":{"id_prefix":["counted."]},"occurred":{"since":"2020-01-01T00:00:00Z"}}}`}
	var page struct {
		Total int `json:"total"`
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	return testkit.Until(ctx, func() error {
		answer, err := player.Play(ctx, ask)
		if err != nil {
			return testkit.Final(err)
		}
		if err := json.Unmarshal(answer.Body, &page); err != nil {
			return testkit.Final(err)
		}
		if page.Total != contract.Counted {
			return fmt.Errorf("%d of %d events were stored", page.Total, contract.Counted)
		}
		return nil
	})
}

// generate makes the sequence of a group, and before it what has to settle first.
func generate(o options, doc *contract.Document, group string) (stage, steps []replay.Step, err error) {
	switch group {
	case contract.FilterGroup:
		steps, err = doc.GenerateFilters(o.seed)
	case contract.NullGroup:
		steps, err = doc.GenerateNulls(o.seed)
	case contract.CountGroup:
		if stage, err = contract.CountedEvents(); err == nil {
			steps, err = doc.GenerateCounts(o.seed, 20*o.perOperation)
		}
	default:
		steps, err = doc.Generate(group, o.seed, o.perOperation)
	}
	return stage, steps, err
}

// untimely are the settings of a server that does nothing because of the time.
var untimely = []string{
	"PREFECT_SERVER_SERVICES_SCHEDULER_ENABLED=false", "PREFECT_SERVER_SERVICES_LATE_RUNS_ENABLED=false", "PREFECT_SERVER_SERVICES_FOREMAN_ENABLED=false",
}

// unlocked are the settings of a server whose database is seldom locked: it stores no
// events, of which subscribers hear nevertheless. A request that it refuses for a lock
// leaves events of what was rolled back. It remembers no names and tags of related objects.
var unlocked = append(slices.Clone(untimely), "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_ENABLED=false", "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_ENABLED=false", "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED=false",
	"PREFECT_SERVER_EVENTS_RELATED_RESOURCE_CACHE_TTL=PT0S")

// playerOn starts a server of the reference with settings, and a player that plays on it
// until stop.
func playerOn(ctx context.Context, py testkit.Python, settings []string) (player *replay.Player, stop func(), err error) {
	home, err := os.MkdirTemp("", "record-*")
	if err != nil {
		return nil, nil, err
	}
	server, err := testkit.StartReferenceServer(ctx, py, home, settings...)
	if err != nil {
		os.RemoveAll(home)
		return nil, nil, err
	}
	stop = func() {
		server.Stop()
		os.RemoveAll(home)
	}
	return &replay.Player{API: server.APIURL(), Now: time.Now().UTC(), Patient: true}, stop, nil
}

// recordEvents records a sequence with the events that the reference emits on it.
func recordEvents(ctx context.Context, o options, doc *contract.Document, py testkit.Python, group string) error {
	steps, err := doc.GenerateChanges(o.seed, 50*o.perOperation)
	if err != nil {
		return err
	}
	player, stop, err := playerOn(ctx, py, unlocked)
	if err != nil {
		return err
	}
	defer stop()
	started := time.Now()
	recording, err := contract.PlayEmitting(ctx, player, steps, contract.Quiet(500*time.Millisecond))
	if err != nil {
		return err
	}
	events := 0
	for _, e := range recording {
		events += len(e.Events)
	}
	fmt.Printf("%s: %d requests, %d events in %s\n", group, len(recording), events, time.Since(started).Round(time.Second))
	return contract.SaveEmissions(filepath.Join(o.out, "events", group+".json.gz"), recording)
}

func recordGroup(ctx context.Context, o options, doc *contract.Document, py testkit.Python, group string) error {
	stage, steps, err := generate(o, doc, group)
	if err != nil {
		return err
	}
	player, stop, err := playerOn(ctx, py, untimely)
	if err != nil {
		return err
	}
	defer stop()
	started := time.Now()
	recording, err := contract.Play(ctx, player, stage)
	if err != nil {
		return err
	}
	if len(stage) > 0 {
		if err := stored(ctx, player); err != nil {
			return err
		}
	}
	rest, err := contract.Play(ctx, player, steps)
	if err != nil {
		return err
	}
	recording = append(recording, rest...)
	fmt.Printf("%s: %d answers in %s\n", group, len(recording), time.Since(started).Round(time.Second))
	return contract.Save(filepath.Join(o.out, group+".json.gz"), recording)
}
