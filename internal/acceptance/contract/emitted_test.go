package contract_test

import (
	"context"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/usherhq/usher/internal/acceptance/contract"
	"github.com/usherhq/usher/internal/acceptance/replay"
	"github.com/usherhq/usher/internal/store/storetest"
)

// TestEventsOfGeneratedRequests plays the recordings of requests with the events that the
// reference emitted on them against our server, on both databases: names, resources, related
// resources, payloads, what follows what, and the order.
func TestEventsOfGeneratedRequests(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(recordings(), "events")
	known, err := contract.LoadDifferences(filepath.Join(folder, "differences.json"))
	if err != nil {
		t.Fatal(err)
	}
	recording, err := contract.LoadEmissions(filepath.Join(folder, contract.ChangeGroup+".json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	reasons := known[contract.ChangeGroup]
	storetest.RunURL(t, func(t *testing.T, database string) {
		player := &replay.Player{API: startServer(t, database, false), Now: time.Now().UTC()}
		got, err := contract.PlayEmitting(t.Context(), player, contract.Requests(recording), asMany(recording, reasons))
		if err != nil {
			t.Fatal(err)
		}
		for i := range got {
			compareEmission(t, i, recording[i], got[i], reasons[strconv.Itoa(i)])
		}
	})
}

// asMany waits until there are as many events as the reference emitted, and a moment more
// now and then and where other ones are expected, so that one too many is heard near the
// request that it is of.
func asMany(recording []contract.Emission, reasons map[string]string) contract.Settle {
	return func(ctx context.Context, request int, heard func() int) error {
		if reasons[strconv.Itoa(request)] != "" {
			return contract.Quiet(200*time.Millisecond)(ctx, request, heard)
		}
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		for heard() < len(recording[request].Events) {
			select {
			case <-ctx.Done():
				return nil // the comparison tells what is missing
			case <-tick.C:
			}
		}
		if request%20 == 0 || request == len(recording)-1 {
			return contract.Quiet(50*time.Millisecond)(ctx, request, heard)
		}
		return nil
	}
}

// compareEmission compares the events of a request. What a filter or a poll is about comes
// in any order: then only that of the events about one resource counts. Where the reference
// fails, it is enough not to.
func compareEmission(t *testing.T, i int, reference, ours contract.Emission, reason string) {
	t.Helper()
	title := titleOf(i, ours.Exchange)
	if reference.Status >= http.StatusInternalServerError && ours.Status < http.StatusInternalServerError {
		return
	}
	if strings.Contains(ours.Path, "/bulk_") || strings.HasSuffix(ours.Path, "/get_scheduled_flow_runs") {
		byResource(reference.Events)
		byResource(ours.Events)
	}
	diff := cmp.Diff(indented(reference.Events), indented(ours.Events))
	isAlike := reference.Status == ours.Status && diff == ""
	switch {
	case isAlike && reason != "":
		t.Errorf("%s: does not differ any more (%s): take it off the list", title, reason)
	case !isAlike && reason == "":
		t.Errorf("%s: status %d, the reference's is %d (-reference +ours)\n%s", title, ours.Status, reference.Status, diff)
	}
}

func byResource(events []jsontext.Value) {
	resource := func(e jsontext.Value) string {
		var about struct {
			Resource map[string]string `json:"resource"`
		}
		if err := json.Unmarshal(e, &about); err != nil {
			return err.Error()
		}
		return about.Resource["prefect.resource.id"]
	}
	slices.SortStableFunc(events, func(a, b jsontext.Value) int { return strings.Compare(resource(a), resource(b)) })
}

func indented(events []jsontext.Value) (out []string) {
	for _, e := range events {
		e = e.Clone()
		if err := e.Indent(); err != nil {
			return []string{err.Error()}
		}
		out = append(out, string(e))
	}
	return out
}
