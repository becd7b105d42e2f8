package store_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
	"github.com/usherhq/usher/internal/store/storetest"
)

// world is a small database in memory, with few different values, so that random
// filters meet something.
type world struct {
	flows       []flowFact
	deployments []deploymentFact
	pools       []poolFact
	queues      []queueFact
	runs        []runFact
	taskRuns    []taskRunFact
	logs        []logFact
	artifacts   []artifactFact
}

type flowFact struct {
	id   uuid.UUID
	name string
	tags []string
}

type deploymentFact struct {
	id, flow  uuid.UUID
	name      string
	tags      []string
	paused    bool
	queue     *uuid.UUID
	queueName *string
}

type poolFact struct {
	id         uuid.UUID
	name, kind string
}

type queueFact struct {
	id, pool uuid.UUID
	name     string
}

type runFact struct {
	id, flow                   uuid.UUID
	name                       string
	tags                       []string
	deployment, queue, parent  *uuid.UUID
	queueName, version, key    *string
	stateType                  *api.StateType
	stateName                  *string
	start, end, expected, next *api.Time
	createdBy                  *api.CreatedBy
}

type taskRunFact struct {
	id                   uuid.UUID
	run                  *uuid.UUID
	name                 string
	tags                 []string
	stateType            *api.StateType
	stateName            *string
	start, end, expected *api.Time
}

type logFact struct {
	id, run       uuid.UUID
	taskRun       *uuid.UUID
	level         int
	name, message string
	at            api.Time
}

type artifactFact struct {
	id           uuid.UUID
	key, kind    *string
	run, taskRun *uuid.UUID
}

var (
	someNames      = []string{"etl", "ETL-nightly", "load_a", "loadXa", "50% off", "report"}
	someTags       = []string{"prod", "dev", "a b", `q"uote`}
	someStateTypes = []api.StateType{api.StateTypeScheduled, api.StateTypeRunning, api.StateTypeCompleted}
	someStateNames = []string{"Scheduled", "Late", "Running", "Completed"}
	someWords      = []string{"error", "Warning", "load", "done"}
)

func someTime(r *rand.Rand) api.Time { return api.At(time.Unix(int64(r.IntN(6)), 0)) }

func someID(r *rand.Rand) (id uuid.UUID) {
	for i := range id {
		id[i] = byte(r.Uint32())
	}
	return id
}

// maybe is nil or a value.
func maybe[T any](r *rand.Rand, v T) *T {
	if r.IntN(3) == 0 {
		return nil
	}
	return &v
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

func someOf[T any](r *rand.Rand, from []T) []T {
	list := []T{}
	for _, v := range from {
		if r.IntN(3) == 0 {
			list = append(list, v)
		}
	}
	return list
}

func newWorld(r *rand.Rand) *world {
	w := &world{}
	for i := range 4 {
		w.flows = append(w.flows, flowFact{someID(r), fmt.Sprint(someNames[i], i), someOf(r, someTags)})
	}
	for i := range 2 {
		pool := poolFact{someID(r), someNames[i], pick(r, []string{"process", "docker"})}
		w.pools = append(w.pools, pool)
		for j := range 2 {
			w.queues = append(w.queues, queueFact{someID(r), pool.id, someNames[i+j]})
		}
	}
	for i := range 6 {
		d := deploymentFact{id: someID(r), flow: w.flows[r.IntN(3)].id, name: fmt.Sprint(pick(r, someNames), i), tags: someOf(r, someTags), paused: r.IntN(2) == 0}
		if q := pick(r, w.queues); r.IntN(3) > 0 {
			d.queue, d.queueName = &q.id, &q.name
		}
		w.deployments = append(w.deployments, d)
	}
	for range 40 {
		w.addRun(r)
	}
	for range 30 {
		w.logs = append(w.logs, logFact{
			someID(r), pick(r, w.runs).id, maybe(r, pick(r, w.taskRuns).id), 10 * (1 + r.IntN(4)),
			"prefect." + pick(r, someNames), pick(r, someWords) + " " + pick(r, someWords), someTime(r),
		})
		w.artifacts = append(w.artifacts, artifactFact{
			someID(r), maybe(r, pick(r, someNames)), maybe(r, pick(r, []string{"table", "link"})),
			maybe(r, pick(r, w.runs).id), maybe(r, pick(r, w.taskRuns).id),
		})
	}
	return w
}

func (w *world) addRun(r *rand.Rand) {
	run := runFact{
		id: someID(r), flow: pick(r, w.flows).id, name: pick(r, someNames), tags: someOf(r, someTags),
		deployment: maybe(r, pick(r, w.deployments).id), version: maybe(r, pick(r, []string{"1", "2"})), key: maybe(r, someID(r).String()),
		stateType: maybe(r, pick(r, someStateTypes)), stateName: maybe(r, pick(r, someStateNames)),
		start: maybe(r, someTime(r)), end: maybe(r, someTime(r)), expected: maybe(r, someTime(r)), next: maybe(r, someTime(r)),
	}
	if q := pick(r, w.queues); r.IntN(3) > 0 {
		run.queue, run.queueName = &q.id, &q.name
	}
	if r.IntN(2) == 0 {
		run.createdBy = &api.CreatedBy{ID: ptr(pick(r, w.deployments).id), Type: ptr(pick(r, []string{"DEPLOYMENT", "SCHEDULE"}))}
	}
	if len(w.taskRuns) > 0 && r.IntN(3) == 0 {
		run.parent = ptr(pick(r, w.taskRuns).id)
	}
	w.runs = append(w.runs, run)
	w.taskRuns = append(w.taskRuns, taskRunFact{
		id: someID(r), run: maybe(r, pick(r, w.runs).id), name: pick(r, someNames), tags: someOf(r, someTags),
		stateType: maybe(r, pick(r, someStateTypes)), stateName: maybe(r, pick(r, someStateNames)),
		start: maybe(r, someTime(r)), end: maybe(r, someTime(r)), expected: maybe(r, someTime(r)),
	})
}

// insert stores the world in one workspace, and its flows and runs with other names in
// another one, which must never be seen.
func (w *world) insert(t testing.TB, s *store.Store) {
	t.Helper()
	storetest.Write(t, s, func(tx *store.Tx) error {
		for _, x := range w.flows {
			add(t, tx, "flow", "name, tags", x.id, x.name, x.tags)
		}
		for _, x := range w.pools {
			add(t, tx, "work_pool", "name, type, base_job_template, storage_configuration", x.id, x.name, x.kind, free, free)
		}
		for _, x := range w.queues {
			add(t, tx, "work_queue", "work_pool_id, name", x.id, x.pool, x.name)
		}
		for _, x := range w.deployments {
			add(t, tx, "deployment", "flow_id, name, tags, paused, work_queue_id, work_queue_name, parameters, job_variables",
				x.id, x.flow, x.name, x.tags, x.paused, x.queue, x.queueName, free, free)
		}
		for _, x := range w.runs {
			var by jsontext.Value
			if x.createdBy != nil {
				by = fmt.Appendf(nil, `{"id": %q, "type": %q, "display_value": null}`, *x.createdBy.ID, *x.createdBy.Type)
			}
			add(t, tx, "flow_run", "flow_id, name, tags, deployment_id, work_queue_id, work_queue_name, flow_version, idempotency_key, state_type, state_name, start_time, end_time, expected_start_time, next_scheduled_start_time, created_by, parent_task_run_id, parameters, context, empirical_policy",
				x.id, x.flow, x.name, x.tags, x.deployment, x.queue, x.queueName, x.version, x.key, x.stateType, x.stateName, x.start, x.end, x.expected, x.next, by, x.parent, free, free, free)
		}
		for i, x := range w.taskRuns {
			add(t, tx, "task_run", "flow_run_id, name, tags, state_type, state_name, start_time, end_time, expected_start_time, task_key, dynamic_key, task_inputs, empirical_policy",
				x.id, x.run, x.name, x.tags, x.stateType, x.stateName, x.start, x.end, x.expected, "k", fmt.Sprint(i), free, free)
		}
		for _, x := range w.logs {
			_, err := tx.Exec("insert into log (workspace_id, id, created, name, level, message, timestamp, flow_run_id, task_run_id) values (?, ?, 0, ?, ?, ?, ?, ?, ?)",
				tx.Workspace(), x.id, x.name, x.level, x.message, x.at, x.run, x.taskRun)
			if err != nil {
				return err
			}
		}
		for _, x := range w.artifacts {
			add(t, tx, "artifact", "key, type, flow_run_id, task_run_id", x.id, x.key, x.kind, x.run, x.taskRun)
		}
		return nil
	})
	err := s.Write(t.Context(), uuid.UUID{1}, func(tx *store.Tx) error {
		for _, x := range w.flows {
			add(t, tx, "flow", "name, tags", x.id, x.name, x.tags)
		}
		for _, x := range w.runs {
			add(t, tx, "flow_run", "flow_id, name, tags, parameters, context, empirical_policy", x.id, x.flow, x.name, x.tags, free, free, free)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

var free = jsontext.Value("{}")

func add(t testing.TB, tx *store.Tx, table, columns string, id uuid.UUID, values ...any) {
	t.Helper()
	args := append([]any{tx.Workspace(), id, 0, 0}, values...)
	_, err := tx.Exec("insert into "+table+" (workspace_id, id, created, updated, "+columns+") values ("+strings.TrimSuffix(strings.Repeat("?, ", len(args)), ", ")+")", args...)
	if err == nil && table == "flow_run" {
		err = tx.BookTaken(id)
	}
	if err != nil {
		t.Fatalf("%s: %v", table, err)
	}
}

func idsOf[T any](all []T, id func(T) uuid.UUID, keep func(T) bool) []string {
	var ids []string
	for _, x := range all {
		if keep(x) {
			key := id(x)
			ids = append(ids, string(key[:]))
		}
	}
	slices.Sort(ids)
	return ids
}
