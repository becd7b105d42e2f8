package store_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
	"github.com/usherhq/usher/internal/store/storetest"
)

// Reading a run allocates its texts and what may be null, not more; a page reads two hundred.
func TestReadingARunAllocatesLittle(t *testing.T) { //nolint:paralleltest // counts what is allocated meanwhile
	const most = 43
	s := storetest.Open(t, storetest.SQLiteURL(t))
	id, now := uuid.UUID{7}, api.At(time.UnixMicro(1_800_000_000_000_000))
	storetest.Write(t, s, func(tx *store.Tx) error {
		if err := insertFlow(tx, id, "x"); err != nil {
			return err
		}
		_, err := tx.Exec(`
			insert into flow_run (workspace_id, id, created, updated, name, flow_id, parameters, context, empirical_policy, tags, expected_start_time, start_time, state_id, state_type, state_name, state_timestamp, state_details)
			values (?, ?, ?, ?, 'r', ?, '{}', '{}', '{}', '["a"]', ?, ?, ?, 'RUNNING', 'Running', ?, '{}')`, tx.Workspace(), id, now, now, id, now, now, id, now)
		return err
	})
	storetest.Read(t, s, func(tx *store.Tx) error {
		var err error
		n := testing.AllocsPerRun(100, func() { _, err = tx.FlowRun(id, now) })
		if n > most {
			t.Errorf("%v allocations, at most %d are needed", n, most)
		}
		t.Logf("%v allocations", n)
		return err
	})
}
