package main

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

// What a seeded database holds besides its runs, whatever their number.
const (
	seedFlows       = 10
	seedDeployments = 20
	seedPerDay      = 100_000 // runs
	seedRunning     = 100     // the newest ones
	seedLate        = 100
	seedTagged      = 200 // have the tag "rare"
)

// seed fills a new database with runs that ended, a few that run and a few that are late.
type seed struct {
	dir   string
	store *store.Store
	now   time.Time
}

// plant makes a database of n runs in dir, and waits until the disk has it: the requests that are
// measured then would pay for it.
func plant(ctx context.Context, dir string, n int) error {
	db, err := store.Open(ctx, store.Config{URL: filepath.Join(dir, "usher.db")})
	if err != nil {
		return err
	}
	s := &seed{dir: dir, store: db, now: time.Now().Truncate(time.Microsecond)}
	err = s.objects(ctx)
	if err == nil {
		err = s.indexedAfter(ctx, func() error {
			const batch = 5000
			for i := 0; i < n; i += batch {
				if err := s.runs(ctx, n, i, min(i+batch, n)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if closed := db.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	file, err := os.Open(filepath.Join(dir, "usher.db"))
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}

// indexedAfter fills tables of runs without their indexes, which are made from what is
// there then: keeping them up to date row by row takes several times as long.
func (s *seed) indexedAfter(ctx context.Context, fill func() error) error {
	var drop, create []string
	err := s.store.Write(ctx, store.DefaultWorkspace, func(tx *store.Tx) error {
		err := tx.Query("select name, sql from sqlite_master where type = 'index' and sql like 'create index%' and tbl_name in ('flow_run', 'flow_run_state')", nil, func(row *store.Row) error {
			var name, sql string
			err := row.Scan(&name, &sql)
			drop, create = append(drop, "drop index "+name), append(create, sql)
			return err
		})
		return cmp.Or(err, execute(tx, drop))
	})
	if err != nil {
		return err
	}
	if err := fill(); err != nil {
		return err
	}
	return s.store.Write(ctx, store.DefaultWorkspace, func(tx *store.Tx) error { return execute(tx, create) })
}

func execute(tx *store.Tx, statements []string) error {
	for _, sql := range statements {
		if _, err := tx.Exec(sql); err != nil {
			return err
		}
	}
	return nil
}

// seedID makes an id of a kind that sorts by its number.
func seedID(kind byte, i int) uuid.UUID {
	var id uuid.UUID
	id[0], id[6], id[8] = kind, 0x70, 0x80
	binary.BigEndian.PutUint32(id[1:], uint32(i)) //nolint:gosec // a few million at most
	return id
}

const (
	ofFlow byte = iota + 1
	ofDeployment
	ofRun
	ofState
)

func (s *seed) objects(ctx context.Context) error {
	now := api.At(s.now)
	return s.store.Write(ctx, store.DefaultWorkspace, func(tx *store.Tx) error {
		flows := make([][]any, seedFlows)
		for i := range flows {
			flows[i] = []any{tx.Workspace(), seedID(ofFlow, i), now, now, fmt.Sprint("flow-", i), []string{}}
		}
		if _, err := tx.Insert("flow", []string{"workspace_id", "id", "created", "updated", "name", "tags"}, flows, ""); err != nil {
			return err
		}
		empty := jsontext.Value("{}")
		deployments := make([][]any, seedDeployments)
		for i := range deployments {
			deployments[i] = []any{tx.Workspace(), seedID(ofDeployment, i), now, now, fmt.Sprint("deployment-", i), seedID(ofFlow, i%seedFlows), []string{}, empty, empty}
		}
		_, err := tx.Insert("deployment", []string{"workspace_id", "id", "created", "updated", "name", "flow_id", "tags", "parameters", "job_variables"}, deployments, "")
		return err
	})
}

var (
	seedRunColumns = []string{
		"id", "created", "updated", "name", "flow_id", "deployment_id", "parameters", "context", "empirical_policy", "tags", "labels",
		"run_count", "expected_start_time", "next_scheduled_start_time", "start_time", "end_time", "total_run_time", "state_id", "state_type", "state_name", "state_timestamp", "state_details",
	}
	seedStateColumns = []string{"id", "flow_run_id", "type", "name", "timestamp", "state_details"}
)

// runs adds runs from..to of n, the last of which is the newest.
func (s *seed) runs(ctx context.Context, n, from, to int) error {
	return s.store.Write(ctx, store.DefaultWorkspace, func(tx *store.Tx) error {
		runs, states := make([][]any, 0, to-from), make([][]any, 0, to-from)
		for i := from; i < to; i++ {
			run, state := s.run(n, i)
			runs, states = append(runs, run), append(states, state)
		}
		if err := tx.InsertTaken("flow_run", seedRunColumns, runs); err != nil {
			return err
		}
		return tx.InsertTaken("flow_run_state", seedStateColumns, states)
	})
}

func (s *seed) run(n, i int) (run, state []any) {
	age := n - 1 - i
	due := s.now.Add(-time.Duration(age) * (24 * time.Hour / seedPerDay))
	kind, name := seedState(i, age)
	at := api.At(due)
	var next, start, end *api.Time
	took := time.Duration(0)
	switch kind {
	case api.StateTypeScheduled:
		next = &at
	case api.StateTypeRunning:
		start = &at
	default:
		took = time.Duration(5+i%50) * time.Second
		ended := api.At(due.Add(took))
		start, end = &at, &ended
	}
	tags := []string{"bench"}
	if i%(n/seedTagged) == 0 {
		tags = append(tags, "rare")
	}
	id := seedID(ofRun, i)
	details := jsontext.Value(`{"flow_run_id":"` + id.String() + `","deferred":false}`)
	return []any{
		id, at, at, fmt.Sprint("run-", i), seedID(ofFlow, i%seedFlows), seedID(ofDeployment, i%seedDeployments),
		jsontext.Value(`{"n":1,"who":"Ada"}`), jsontext.Value("{}"), jsontext.Value(`{"max_retries":0,"retry_delay_seconds":0.0,"retries":null,"retry_delay":null,"pause_keys":[],"resuming":false,"retry_type":null}`),
		tags, jsontext.Value(`{"prefect.flow.id":"` + seedID(ofFlow, i%seedFlows).String() + `"}`),
		1, at, next, start, end, took, seedID(ofState, i), kind, name, at, details,
	}, []any{seedID(ofState, i), id, kind, name, at, details}
}

// seedState says the state of a run: the newest ones run or are late, whatever their number.
func seedState(i, age int) (api.StateType, string) {
	switch {
	case age < seedRunning:
		return api.StateTypeRunning, "Running"
	case age < seedRunning+seedLate:
		return api.StateTypeScheduled, "Late"
	case i%20 == 7:
		return api.StateTypeFailed, "Failed"
	case i%50 == 11:
		return api.StateTypeCrashed, "Crashed"
	}
	return api.StateTypeCompleted, "Completed"
}
