package store_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/store"
	"github.com/usherhq/usher/internal/store/storetest"
	"github.com/usherhq/usher/internal/testkit"
)

func databases(b *testing.B, run func(b *testing.B, s *store.Store)) {
	b.Helper()
	b.Run("sqlite", func(b *testing.B) { run(b, storetest.Open(b, storetest.SQLiteURL(b))) })
	b.Run("postgres", func(b *testing.B) { run(b, storetest.Open(b, testkit.PostgresURL(b))) })
}

// BenchmarkWrite is durable transactions of one insert, by so many callers at once.
func BenchmarkWrite(b *testing.B) {
	databases(b, func(b *testing.B, s *store.Store) {
		b.Helper()
		for _, callers := range []int{1, 8, 64} {
			b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
				var left atomic.Int64
				left.Store(int64(b.N))
				done := make(chan error)
				for range callers {
					go func() {
						var err error
						for left.Add(-1) >= 0 && err == nil {
							err = s.Write(b.Context(), store.DefaultWorkspace, func(tx *store.Tx) error {
								return insertFlow(tx, uuid.New(), uuid.NewString())
							})
						}
						done <- err
					}()
				}
				for range callers {
					if err := <-done; err != nil {
						b.Error(err)
					}
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "writes/s")
			})
		}
	})
}

// BenchmarkRead is one row by its key, and a page of two hundred rows.
func BenchmarkRead(b *testing.B) {
	databases(b, func(b *testing.B, s *store.Store) {
		b.Helper()
		key := uuid.New()
		rows := [][]any{flowRow(key, "the one")}
		for i := range 1000 {
			rows = append(rows, flowRow(uuid.New(), fmt.Sprint("flow ", i)))
		}
		storetest.Write(b, s, func(tx *store.Tx) error {
			_, err := tx.Insert("flow", flowColumns, rows, "")
			return err
		})
		b.Run("row", func(b *testing.B) {
			for b.Loop() {
				storetest.Read(b, s, func(tx *store.Tx) error {
					return tx.QueryRow("select name from flow where workspace_id = ? and id = ?", []any{tx.Workspace(), key}, new(string))
				})
			}
		})
		b.Run("page", func(b *testing.B) {
			for b.Loop() {
				storetest.Read(b, s, readPage)
			}
		})
	})
}

func readPage(tx *store.Tx) error {
	var id uuid.UUID
	var name, tags string
	var created, updated int64
	return tx.Query("select id, created, updated, name, tags from flow where workspace_id = ? order by name limit 200", []any{tx.Workspace()}, func(row *store.Row) error {
		return row.Scan(&id, &created, &updated, &name, &tags)
	})
}

// BenchmarkOpen is the start of a server: a new database, and one that is up to date.
func BenchmarkOpen(b *testing.B) {
	b.Run("new", func(b *testing.B) {
		for b.Loop() {
			open(b, storetest.SQLiteURL(b))
		}
	})
	b.Run("again", func(b *testing.B) {
		url := storetest.SQLiteURL(b)
		for b.Loop() {
			open(b, url)
		}
	})
}

func open(b *testing.B, url string) {
	b.Helper()
	s, err := store.Open(b.Context(), store.Config{URL: url})
	if err != nil {
		b.Fatal(err)
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}
