package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/asset"
	"github.com/usherhq/usher/internal/store"
	"github.com/usherhq/usher/internal/store/storetest"
)

// manyAssets makes a graph of n assets, each made of up to three others.
func manyAssets(t testing.TB, s *store.Store, n int) {
	t.Helper()
	now, done := time.Now(), asset.Event{Kind: asset.Materialization, Properties: api.AssetProperties{Owners: []string{}}, Tools: []string{}}
	status := "succeeded"
	done.Status = &status
	storetest.Write(t, s, func(tx *store.Tx) error {
		for i := range n {
			e := done
			e.ID, e.Key, e.Occurred, e.Upstream = uuid.New(), fmt.Sprintf("s3://lake/%05d", i), api.At(now.Add(time.Duration(i)*time.Second)), []string{}
			for k := range min(i, 3) { // near ones and far ones
				e.Upstream = append(e.Upstream, fmt.Sprintf("s3://lake/%05d", (i-1-k)/(k+1)))
			}
			slices.Sort(e.Upstream)
			e.Upstream = slices.Compact(e.Upstream)
			if err := tx.CatalogueAsset(&e); err != nil {
				return err
			}
		}
		return nil
	})
}

// A graph of 10,000 assets with all that depends on what is read in less than 200 ms.
func TestAGraphOfTenThousandAssetsIsReadAtOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out the graph of 10,000 assets, which takes long to plant")
	}
	const n, bound = 10_000, 200 * time.Millisecond
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		manyAssets(t, s, n)
		best := time.Hour
		for range 5 { // other tests run beside
			began := time.Now()
			storetest.Read(t, s, func(tx *store.Tx) error {
				assets, err := tx.Assets(&store.AssetQuery{}, -1)
				if err != nil {
					return err
				}
				edges, err := tx.AssetDependencies(nil)
				if len(assets) != n || len(edges) < 2*n {
					t.Fatalf("%d assets, %d dependencies", len(assets), len(edges))
				}
				return err
			})
			best = min(best, time.Since(began))
		}
		t.Logf("read in %s", best)
		if best > bound {
			t.Errorf("a graph of %d assets takes %s, more than %s", n, best, bound)
		}
	})
}

func TestAssetsAreReadThroughTheirIndexes(t *testing.T) {
	t.Parallel()
	key, id := "s3://lake/00007", uuid.UUID{1}
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		manyAssets(t, s, 500)
		storetest.Write(t, s, func(tx *store.Tx) error {
			if s.Dialect().Name() != "postgres" {
				return nil
			}
			_, err := tx.Exec("analyze asset, asset_event, asset_dependency")
			return err
		})
		for index, q := range map[string]store.AssetEventQuery{
			"ix_asset_event_asset":    {Kind: asset.Materialization, Key: &key, Limit: 10},
			"ix_asset_event_flow_run": {Kind: asset.Materialization, FlowRuns: []uuid.UUID{id}, Limit: 10},
			"ix_asset_event_task_run": {Kind: asset.Reference, TaskRuns: []uuid.UUID{id}, Limit: 10},
		} {
			var sql string
			var args []any
			storetest.Read(t, s, func(tx *store.Tx) error { sql, args = tx.AssetEventsSQL(&q); return nil })
			storetest.UsesIndex(t, s, index, sql, args...)
		}
	})
}

// What is too old goes, but for what is known of an asset last.
func TestTheLatestOfAnAssetIsKept(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		now := time.Now()
		storetest.Write(t, s, func(tx *store.Tx) error {
			for i := range 5 {
				e := asset.Event{ID: uuid.New(), Key: "s3://a", Kind: asset.Reference, Occurred: api.At(now.Add(time.Duration(i) * time.Second)), Upstream: []string{}, Tools: []string{}, Properties: api.AssetProperties{Owners: []string{}}}
				if err := tx.CatalogueAsset(&e); err != nil {
					return err
				}
			}
			if n, err := tx.DeleteAssetEvents(api.At(now.Add(time.Hour)), 100); err != nil || n != 4 {
				t.Errorf("%d events are gone, not 4: %v", n, err)
			}
			a, err := tx.Asset("s3://a")
			if err == nil && (a.LatestReference.Occurred == nil || !a.LatestReference.Occurred.Equal(api.At(now.Add(4*time.Second)).Time)) {
				t.Errorf("%+v", a.LatestReference)
			}
			return err
		})
	})
}

// A page of spans costs the same queries whatever its size, each through its index.
func TestSpansAreReadThroughTheirIndexes(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		if s.Dialect().Name() != "sqlite" {
			return // it takes any way through tables that are empty
		}
		sql, args := "", []any(nil)
		storetest.Read(t, s, func(tx *store.Tx) error {
			sql, args = tx.SpansSQL(uuid.UUID{1})
			return nil
		})
		plan := storetest.Plan(t, s, sql, args...)
		for _, index := range []string{"ix_task_run_flow_run_", "ix_flow_run_parent"} {
			if !strings.Contains(plan, index) {
				t.Errorf("not by %s:\n%s", index, plan)
			}
		}
		for _, scan := range []string{"SCAN t\n", "SCAN r\n", "SCAN task_run", "SCAN flow_run"} {
			if strings.Contains(plan+"\n", scan) {
				t.Errorf("it reads a whole table:\n%s", plan)
			}
		}
	})
}
