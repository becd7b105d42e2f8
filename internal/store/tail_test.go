package store_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
	"github.com/usherhq/usher/internal/store/storetest"
)

func TestRowsAreReadByTheirNumber(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		now := api.At(time.Now())
		storetest.Write(t, s, func(tx *store.Tx) error {
			_, err := tx.InsertLogs([]api.LogCreate{{Name: "a"}, {Name: "b"}, {Name: "c"}}, now)
			return err
		})
		for range 2 {
			storetest.Write(t, s, func(tx *store.Tx) error {
				_, err := tx.InsertEvents([]*api.ReceivedEvent{{ID: uuid.New(), Event: "e", Resource: api.Resource{"prefect.resource.id": "x"}, Payload: []byte("{}")}})
				return err
			})
		}
		storetest.Read(t, s, func(tx *store.Tx) error {
			last, err := tx.LastLogRows(2)
			if err != nil || len(last) != 2 || last[0] != last[1]+1 {
				t.Fatalf("the last are %v, %v", last, err)
			}
			logs, err := tx.LogRows(store.Rows{After: last[1], Missing: []int64{last[1] - 1, 999}, Limit: 5})
			if err != nil || len(logs) != 2 || logs[0].Value.Name != "a" || logs[1].Value.Name != "c" || logs[1].Seq != last[0] {
				t.Errorf("the lines are %+v, %v", logs, err)
			}
			events, err := tx.EventRows(store.Rows{Limit: 1})
			if err != nil || len(events) != 1 || events[0].Value.Event != "e" {
				t.Errorf("the events are %+v, %v", events, err)
			}
			last, err = tx.LastEventRows(10)
			if err != nil || len(last) != 2 || last[1] != events[0].Seq {
				t.Errorf("the last events are %v, %v", last, err)
			}
			return nil
		})
		for _, table := range []string{"event", "log"} {
			storetest.UsesIndex(t, s, "INTEGER PRIMARY KEY", "select id\nfrom "+table+"\nwhere seq > ?\norder by seq\nlimit ?", 7, 10)
			storetest.UsesIndex(t, s, "INTEGER PRIMARY KEY", "select id\nfrom "+table+"\nwhere seq in (?, ?)\norder by seq", 7, 10)
		}
		storetest.UsesIndex(t, s, "sqlite_autoindex_task_worker_1", "select name\nfrom task_worker\nwhere workspace_id = ?\nand expiration >= ?\norder by name", store.DefaultWorkspace, now)
	})
}
