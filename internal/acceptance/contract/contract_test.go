package contract_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/usherhq/usher/internal/acceptance/contract"
	"github.com/usherhq/usher/internal/acceptance/replay"
	"github.com/usherhq/usher/internal/crypt"
	"github.com/usherhq/usher/internal/server"
	"github.com/usherhq/usher/internal/server/services"
	"github.com/usherhq/usher/internal/store"
	"github.com/usherhq/usher/internal/store/storetest"
)

// TestAnswersOfGeneratedRequests plays the recordings against our server, on both
// databases. USHER_CONTRACT_RECORDINGS names another folder of recordings than testdata,
// for looking for differences with other seeds; USHER_CONTRACT_DIFFERENCES=write writes
// the list of differences instead of comparing with it.
func TestAnswersOfGeneratedRequests(t *testing.T) {
	t.Parallel()
	doc, err := contract.Read("../../../docs/api/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	folder := recordings()
	files, err := filepath.Glob(filepath.Join(folder, "*.json.gz"))
	if err != nil || len(files) == 0 {
		t.Fatal("no recordings", err)
	}
	known, err := contract.LoadDifferences(filepath.Join(folder, "differences.json"))
	if err != nil {
		t.Fatal(err)
	}
	var list *contract.Rewriting
	if os.Getenv("USHER_CONTRACT_DIFFERENCES") == "write" {
		list = contract.Rewrite(known)
		t.Cleanup(func() {
			if err := list.Save(filepath.Join(folder, "differences.json")); err != nil {
				t.Error(err)
			}
		})
	}
	for _, file := range files {
		recording, err := contract.Load(file)
		if err != nil {
			t.Fatal(err)
		}
		group := strings.TrimSuffix(filepath.Base(file), ".json.gz")
		t.Run(group, func(t *testing.T) {
			t.Parallel()
			storetest.RunURL(t, func(t *testing.T, database string) {
				got := play(t, doc, recording, startServer(t, database, true))
				if list != nil {
					list.Add(group, recording, got)
					return
				}
				compare(t, recording, got, known[group])
			})
		})
	}
}

// play makes the requests of a recording to our server. Its answers keep to the contract.
func play(t *testing.T, doc *contract.Document, recording []contract.Exchange, url string) []contract.Exchange {
	t.Helper()
	player := &replay.Player{API: url, Now: time.Now().UTC()}
	got, err := contract.Play(t.Context(), player, contract.Steps(recording))
	if err != nil {
		t.Fatal(err)
	}
	for i, ours := range got {
		title := titleOf(i, ours)
		if problem, err := doc.Check(ours); problem != "" || err != nil {
			t.Errorf("%s: the answer breaks the contract: %s %v", title, problem, err)
		}
		if ours.Status >= 500 && ours.Status != 501 {
			t.Errorf("%s: status %d", title, ours.Status)
		}
	}
	return got
}

func titleOf(i int, x contract.Exchange) string {
	return fmt.Sprintf("request %d, %s %s %.600s", i, x.Method, x.Path, x.Body)
}

func compare(t *testing.T, recording, got []contract.Exchange, known map[string]string) {
	t.Helper()
	for i, ours := range got {
		title := titleOf(i, ours)
		reason := known[strconv.Itoa(i)]
		switch alike := contract.Alike(recording[i], ours); {
		case contract.Unsettled(recording[i]):
			if ours.Status != recording[i].Status {
				t.Errorf("%s: status %d, the reference's is %d", title, ours.Status, recording[i].Status)
			}
		case alike && reason != "":
			t.Errorf("%s: does not differ any more (%s): take it off the list", title, reason)
		case !alike && reason == "":
			t.Errorf("%s (-reference +ours)\n%s", title, cmp.Diff(lines(recording[i]), lines(ours)))
		}
	}
}

// TestEveryOperationIsRecorded fails when the contract has an operation that nothing
// compares.
func TestEveryOperationIsRecorded(t *testing.T) {
	t.Parallel()
	doc, err := contract.Read("../../../docs/api/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	recorded := map[string]int{}
	for _, group := range contract.Recorded() {
		recording, err := contract.Load(filepath.Join("testdata", group+".json.gz"))
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range recording {
			recorded[x.Operation]++
		}
	}
	for _, op := range doc.Operations {
		if recorded[op.String()] == 0 {
			t.Errorf("no recording asks for %s", op)
		}
	}
}

// TestTableIsCurrent compares docs/compatibility.md with what the recordings say.
func TestTableIsCurrent(t *testing.T) {
	t.Parallel()
	doc, err := contract.Read("../../../docs/api/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	known, err := contract.LoadDifferences("testdata/differences.json")
	if err != nil {
		t.Fatal(err)
	}
	decided, err := contract.LoadDecisions("../../server/rest/testdata/decisions.json")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]contract.Exchange{}
	for _, group := range contract.Recorded() {
		if all[group], err = contract.Load(filepath.Join("testdata", group+".json.gz")); err != nil {
			t.Fatal(err)
		}
	}
	const path = "../../../docs/compatibility.md"
	table := contract.Table(doc, all, known, decided)
	if os.Getenv("USHER_CONTRACT_TABLE") == "write" {
		if err := os.WriteFile(path, []byte(table), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil || string(text) != table {
		t.Errorf("%s is not what the recordings say (USHER_CONTRACT_TABLE=write writes it) %v", path, err)
	}
}

// lines are an answer as it is compared.
func lines(x contract.Exchange) []string {
	answer := x.Answer.Clone()
	if err := answer.Indent(); err != nil {
		return []string{err.Error()}
	}
	return append([]string{fmt.Sprint(x.Status), x.Kind}, strings.Split(string(answer), "\n")...)
}

// startServer serves on a database until the test ends, without services or with those
// that do nothing because of the time.
func startServer(t *testing.T, database string, noServices bool) (url string) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	s, err := server.Open(ctx, server.Options{
		Host: "127.0.0.1", Database: store.Config{URL: database}, NoServices: noServices, Services: services.Options{Without: []string{"scheduler", "late-runs", "foreman", "db-vacuum"}},
		Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError})), Clock: time.Now,
		Keys: crypt.NewKeeper("", t.TempDir()),
	})
	if err != nil {
		stop()
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s.URL() + "/api"
}

func recordings() string {
	if folder := os.Getenv("USHER_CONTRACT_RECORDINGS"); folder != "" {
		return folder
	}
	return "testdata"
}
