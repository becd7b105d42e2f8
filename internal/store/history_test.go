package store_test

import (
	gocmp "cmp"
	"encoding/binary"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
	"github.com/usherhq/usher/internal/store/storetest"
)

// Adding up rows comes to what the database comes to, for runs in every state and with
// every time missing, before and after the present.
func TestHistoriesAgree(t *testing.T) {
	t.Parallel()
	base := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		flow := uuid.New()
		var rows [][]any
		for _, kind := range append(api.StateType("").Values(), "") {
			for i := range 3 * 3 * 3 {
				at := func(n int) *api.Time {
					return []*api.Time{nil, ptr(api.At(base.Add(time.Duration(i) * 7 * time.Minute))), ptr(api.At(base.Add(time.Duration(2*i) * 11 * time.Minute)))}[n]
				}
				name, state := ptr(kind+"!"), ptr(kind)
				if kind == "" {
					state = nil
				}
				if i%5 == 0 {
					name = nil
				}
				rows = append(rows, []any{
					store.DefaultWorkspace, uuid.New(), api.At(base), api.At(base), "r", flow, jsontext.Value("{}"), jsontext.Value("{}"), jsontext.Value("{}"), []string{},
					at(i % 3), at(i / 3 % 3), time.Duration(i) * time.Second, state, name, at(i / 9),
				})
			}
		}
		storetest.Write(t, s, func(tx *store.Tx) error {
			if err := insertFlow(tx, flow, "x"); err != nil {
				return err
			}
			_, err := tx.Insert("flow_run", []string{
				"workspace_id", "id", "created", "updated", "name", "flow_id", "parameters", "context", "empirical_policy", "tags",
				"expected_start_time", "start_time", "total_run_time", "state_type", "state_name", "state_timestamp",
			}, rows, "")
			return err
		})
		steps := store.Steps{Start: api.At(base.Add(time.Minute)), Step: int64(time.Hour / time.Microsecond), Count: 3}
		now := api.At(base.Add(2 * time.Hour))
		storetest.Read(t, s, func(tx *store.Tx) error {
			want, err := tx.HistoryInSQL(steps, now)
			if err != nil {
				return err
			}
			got, err := tx.HistoryOfRows(steps, now)
			sortGroups(want) // by the database's collation
			sortGroups(got)
			if diff := cmp.Diff(want, got); diff != "" || len(want) < 3*8 {
				t.Errorf("%d groups (-SQL +rows):\n%s", len(want), diff)
			}
			return err
		})
	})
}

func sortGroups(groups []store.HistoryGroup) {
	slices.SortFunc(groups, func(a, b store.HistoryGroup) int {
		return gocmp.Or(a.Step-b.Step, strings.Compare(string(a.Type), string(b.Type)), strings.Compare(a.Name, b.Name))
	})
}

// BenchmarkHistory is the history of a day with 100,000 runs, by the hour.
func BenchmarkHistory(b *testing.B) {
	databases(b, func(b *testing.B, s *store.Store) {
		b.Helper()
		day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		flow := uuid.New()
		states := []string{"Completed", "Completed", "Completed", "Failed", "Running", "Crashed", "Scheduled", "Late"}
		types := []string{"COMPLETED", "COMPLETED", "COMPLETED", "FAILED", "RUNNING", "CRASHED", "SCHEDULED", "SCHEDULED"}
		const runs = 100_000
		err := s.Write(b.Context(), store.DefaultWorkspace, func(tx *store.Tx) error {
			if err := insertFlow(tx, flow, "bench"); err != nil {
				return err
			}
			rows := make([][]any, runs)
			for i := range rows {
				var id uuid.UUID
				binary.BigEndian.PutUint64(id[:], uint64(i))
				at := api.At(day.Add(time.Duration(i) * (24 * time.Hour / runs)))
				rows[i] = []any{
					tx.Workspace(), id, at, at, "r", flow, jsontext.Value("{}"), jsontext.Value("{}"), jsontext.Value("{}"), []string{}, at, at, at, 5_000_000,
					types[i%8], states[i%8], at,
				}
			}
			_, err := tx.Insert("flow_run", []string{
				"workspace_id", "id", "created", "updated", "name", "flow_id", "parameters", "context", "empirical_policy", "tags", "expected_start_time", "start_time", "end_time", "total_run_time",
				"state_type", "state_name", "state_timestamp",
			}, rows, "")
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
		steps := store.Steps{Start: api.At(day), Step: int64(time.Hour / time.Microsecond), Count: 24}
		for b.Loop() {
			err := s.Read(b.Context(), store.DefaultWorkspace, func(tx *store.Tx) error {
				groups, err := tx.FlowRunHistory(store.Filters{}, steps, api.At(day.Add(24*time.Hour)))
				if err == nil && len(groups) != 24*6 {
					b.Errorf("%d groups", len(groups))
				}
				return err
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}
