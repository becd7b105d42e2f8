package store_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/filter"
	"github.com/usherhq/usher/internal/store"
	"github.com/usherhq/usher/internal/store/storetest"
	"github.com/usherhq/usher/internal/testkit"
)

// TestFiltersMatchWhatTheyMean compares the databases' answers to random filters with
// those of the plain loops below.
func TestFiltersMatchWhatTheyMean(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		w := newWorld(rand.New(rand.NewPCG(1, 2)))
		w.insert(t, s)
		check := meaning(s, w)
		for range rounds {
			rapid.Check(t, check)
		}
	})
}

// rounds of a hundred filters each.
const rounds = 4

// FuzzFilters goes on where TestFiltersMatchWhatTheyMean stops, on both databases: each
// byte decides one of the draws that make the filters.
func FuzzFilters(f *testing.F) {
	for _, seed := range []string{"", "\x01", "filters", "\xff\x00\x80 any_ all_ is_null_", strings.Repeat("\x07\xe3", 100)} {
		f.Add([]byte(seed))
	}
	w := newWorld(rand.New(rand.NewPCG(1, 2)))
	var checks []func(*testing.T, []byte)
	for _, url := range []string{storetest.SQLiteURL(f), testkit.PostgresURL(f)} {
		s := storetest.Open(f, url)
		w.insert(f, s)
		checks = append(checks, rapid.MakeFuzz(meaning(s, w)))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		defer func() {
			if t.Skipped() {
				t.Errorf("%d draws do not make a filter", draws)
			}
		}()
		for _, check := range checks {
			check(t, bitsOf(input))
		}
	})
}

// draws are more than any filters take.
const draws = 1 << 12

// bitsOf are the bits for all draws: those of the first repeat the bytes of the input, one
// each; those of the rest follow from all of them.
func bitsOf(input []byte) []byte {
	out := make([]byte, 0, 8*draws)
	for _, b := range input[:min(len(input), draws)] {
		out = append(out, bytes.Repeat([]byte{b}, 8)...)
	}
	rest := rand.NewChaCha8(sha256.Sum256(input))
	for len(out) < 8*draws {
		out = binary.LittleEndian.AppendUint64(out, rest.Uint64())
	}
	return out
}

// meaning draws filters and compares what they select from the world in a database with
// what they mean.
func meaning(s *store.Store, w *world) func(*rapid.T) {
	return func(rt *rapid.T) {
		f := drawFilters(rt, w)
		logs, artifacts := drawLogFilter(rt, w), drawArtifactFilter(rt, w)
		err := s.Read(rt.Context(), store.DefaultWorkspace, func(tx *store.Tx) error {
			compare(rt, tx, "flow", tx.WhereFlows(f), idsOf(w.flows, func(x flowFact) uuid.UUID { return x.id }, func(x flowFact) bool { return w.flowMatches(f, x) }))
			compare(rt, tx, "flow_run", tx.WhereFlowRuns(f), idsOf(w.runs, func(x runFact) uuid.UUID { return x.id }, func(x runFact) bool { return w.runMatches(f, x) }))
			compare(rt, tx, "task_run", tx.WhereTaskRuns(f), idsOf(w.taskRuns, func(x taskRunFact) uuid.UUID { return x.id }, func(x taskRunFact) bool { return w.taskRunMatches(f, x) }))
			compare(rt, tx, "deployment", tx.WhereDeployments(f), idsOf(w.deployments, func(x deploymentFact) uuid.UUID { return x.id }, func(x deploymentFact) bool { return w.deploymentMatches(f, x) }))
			compare(rt, tx, "work_pool", tx.WhereWorkPools(f.WorkPools), idsOf(w.pools, func(x poolFact) uuid.UUID { return x.id }, func(x poolFact) bool { return pool(f.WorkPools, x) }))
			compare(rt, tx, "work_queue", tx.WhereWorkQueues(f.WorkQueues), idsOf(w.queues, func(x queueFact) uuid.UUID { return x.id }, func(x queueFact) bool { return queue(f.WorkQueues, x) }))
			compare(rt, tx, "log", tx.WhereLogs(logs), idsOf(w.logs, func(x logFact) uuid.UUID { return x.id }, func(x logFact) bool { return logLine(logs, x) }))
			compare(rt, tx, "artifact", tx.WhereArtifacts(artifacts, f), idsOf(w.artifacts, func(x artifactFact) uuid.UUID { return x.id }, func(x artifactFact) bool { return w.artifactMatches(artifacts, f, x) }))
			return nil
		})
		if err != nil {
			rt.Fatal(err)
		}
	}
}

func compare(t *rapid.T, tx *store.Tx, table string, c store.Condition, want []string) {
	t.Helper()
	got, err := tx.SelectIDs(table, c, table+".id", -1, 0)
	if err != nil {
		t.Fatalf("%s: %v\n%+v", table, err, c)
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("%s: %d rows, want %d\n%+v", table, len(got), len(want), c)
	}
}

// What filters mean. A part is what a field of a filter says: nothing when the field is
// not in the request.

func decide(operator api.Opt[api.Operator], parts ...[]bool) bool {
	all := slices.Concat(parts...)
	if operator.Or(api.OperatorAnd) == api.OperatorAnd || len(all) == 0 {
		return !slices.Contains(all, false)
	}
	return slices.Contains(all, true)
}

func matches[T comparable](m *api.Match[T], v *T) []bool {
	if m == nil {
		return nil
	}
	ok := true
	if m.Any != nil {
		ok = ok && v != nil && slices.Contains(m.Any, *v)
	}
	if len(m.NotAny) > 0 {
		ok = ok && v != nil && !slices.Contains(m.NotAny, *v)
	}
	if text, isText := any(v).(*string); m.Like != nil && *m.Like != "" {
		ok = ok && isText && text != nil && likes("%"+*m.Like+"%", *text)
	}
	return []bool{ok}
}

// likes is SQL's like without regard to case.
func likes(pattern, text string) bool {
	expr := strings.NewReplacer("%", "(?s:.*)", "_", "(?s:.)").Replace(regexp.QuoteMeta(pattern))
	return regexp.MustCompile("(?i)^" + expr + "$").MatchString(text)
}

func tagged(f *api.FlowRunFilterTags, tags []string) []bool {
	if f == nil {
		return nil
	}
	var p []bool
	if len(f.All) > 0 {
		p = append(p, !slices.ContainsFunc(f.All, func(tag string) bool { return !slices.Contains(tags, tag) }))
	}
	if f.Any != nil {
		p = append(p, slices.ContainsFunc(f.Any, func(tag string) bool { return slices.Contains(tags, tag) }))
	}
	if f.IsNull != nil {
		p = append(p, *f.IsNull == (len(tags) == 0))
	}
	return []bool{decide(f.Operator, p)}
}

func taggedAll(f *api.FlowFilterTags, tags []string) []bool {
	if f == nil {
		return nil
	}
	return tagged(&api.FlowRunFilterTags{Operator: f.Operator, All: f.All, IsNull: f.IsNull}, tags)
}

func inSpan(before, after, at *api.Time) bool {
	return (before == nil || at != nil && !at.After(before.Time)) && (after == nil || at != nil && !at.Before(after.Time))
}

func span(f *api.Span, at *api.Time) []bool {
	if f == nil {
		return nil
	}
	return []bool{inSpan(f.Before, f.After, at)}
}

func moment(f *api.FlowRunFilterStartTime, at, nullable *api.Time) []bool {
	if f == nil {
		return nil
	}
	return []bool{inSpan(f.Before, f.After, at) && (f.IsNull == nil || *f.IsNull == (nullable == nil))}
}

func refers[T comparable](operator api.Opt[api.Operator], values []T, isNull *bool, v *T) []bool {
	var p []bool
	if values != nil {
		p = append(p, v != nil && slices.Contains(values, *v))
	}
	if isNull != nil {
		p = append(p, *isNull == (v == nil))
	}
	return []bool{decide(operator, p)}
}

func state(f *api.FlowRunFilterState, kind *api.StateType, name *string) []bool {
	if f == nil {
		return nil
	}
	var p []bool
	if f.Type != nil && (f.Type.Any != nil || len(f.Type.NotAny) > 0) {
		p = append(p, matches(f.Type, kind)...)
	}
	if f.Name != nil && (f.Name.Any != nil || len(f.Name.NotAny) > 0 || f.Name.Like != nil && *f.Name.Like != "") {
		p = append(p, matches(f.Name, name)...)
	}
	return []bool{decide(f.Operator, p)}
}

func (w *world) flow(f *api.FlowFilter, x flowFact) bool {
	if f == nil {
		return true
	}
	var deployed []bool
	if f.Deployment != nil {
		has := slices.ContainsFunc(w.deployments, func(d deploymentFact) bool { return d.flow == x.id })
		deployed = []bool{f.Deployment.IsNull == nil || *f.Deployment.IsNull == !has}
	}
	return decide(f.Operator, matches(f.ID, &x.id), deployed, matches(f.Name, &x.name), taggedAll(f.Tags, x.tags))
}

func (w *world) run(f *api.FlowRunFilter, x runFact) bool {
	if f == nil {
		return true
	}
	start := x.start
	if start == nil {
		start = x.expected
	}
	var deployment, queueName, parentRun, parent, by []bool
	if f.DeploymentID != nil {
		deployment = refers(f.DeploymentID.Operator, f.DeploymentID.Any, f.DeploymentID.IsNull, x.deployment)
	}
	if f.WorkQueueName != nil {
		queueName = refers(f.WorkQueueName.Operator, f.WorkQueueName.Any, f.WorkQueueName.IsNull, x.queueName)
	}
	if f.ParentTaskRunID != nil {
		parent = refers(f.ParentTaskRunID.Operator, f.ParentTaskRunID.Any, f.ParentTaskRunID.IsNull, x.parent)
	}
	if f.ParentFlowRunID != nil {
		parentRun = []bool{f.ParentFlowRunID.Any == nil || slices.ContainsFunc(w.taskRuns, func(t taskRunFact) bool {
			return x.parent != nil && t.id == *x.parent && t.run != nil && slices.Contains(f.ParentFlowRunID.Any, *t.run)
		})}
	}
	if f.CreatedBy != nil {
		var id *uuid.UUID
		var kind *string
		if x.createdBy != nil {
			id, kind = x.createdBy.ID, x.createdBy.Type
		}
		var p []bool
		if f.CreatedBy.ID != nil {
			p = append(p, id != nil && slices.Contains(f.CreatedBy.ID, *id))
		}
		if f.CreatedBy.Type != nil {
			p = append(p, kind != nil && slices.Contains(f.CreatedBy.Type, *kind))
		}
		if f.CreatedBy.IsNull != nil {
			p = append(p, *f.CreatedBy.IsNull == (x.createdBy == nil))
		}
		by = []bool{decide(f.CreatedBy.Operator, p)}
	}
	return decide(f.Operator,
		matches(f.ID, &x.id), matches(f.Name, &x.name), tagged(f.Tags, x.tags), deployment, queueName,
		state(f.State, x.stateType, x.stateName), matches(f.FlowVersion, x.version),
		moment(f.StartTime, start, x.start), moment((*api.FlowRunFilterStartTime)(f.EndTime), x.end, x.end),
		span(f.ExpectedStartTime, x.expected), span(f.NextScheduledStartTime, x.next),
		parentRun, parent, matches(f.IdempotencyKey, x.key), by)
}

func (w *world) taskRun(f *api.TaskRunFilter, x taskRunFact) bool {
	if f == nil {
		return true
	}
	var subflow, run []bool
	if f.SubflowRuns != nil {
		has := slices.ContainsFunc(w.runs, func(r runFact) bool { return r.parent != nil && *r.parent == x.id })
		subflow = []bool{f.SubflowRuns.Exists == nil || *f.SubflowRuns.Exists == has}
	}
	if r := f.FlowRunID; r != nil {
		switch {
		case r.IsNull != nil && *r.IsNull:
			run = []bool{x.run == nil}
		case r.Any != nil:
			run = []bool{x.run != nil && slices.Contains(r.Any, *x.run)}
		default:
			run = []bool{r.IsNull == nil || x.run != nil}
		}
	}
	return decide(f.Operator,
		matches(f.ID, &x.id), matches(f.Name, &x.name), taggedAll((*api.FlowFilterTags)(f.Tags), x.tags),
		state((*api.FlowRunFilterState)(f.State), x.stateType, x.stateName),
		moment((*api.FlowRunFilterStartTime)(f.StartTime), x.start, x.start), moment((*api.FlowRunFilterStartTime)(f.EndTime), x.end, x.end),
		span(f.ExpectedStartTime, x.expected), subflow, run)
}

func (w *world) deployment(f *api.DeploymentFilter, x deploymentFact) bool {
	if f == nil {
		return true
	}
	var either, paused []bool
	if f.FlowOrDeploymentName != nil {
		flow := w.flows[slices.IndexFunc(w.flows, func(y flowFact) bool { return y.id == x.flow })]
		either = []bool{slices.Contains(matches(f.FlowOrDeploymentName, &x.name), true) || slices.Contains(matches(f.FlowOrDeploymentName, &flow.name), true)}
	}
	if f.Paused != nil {
		paused = []bool{f.Paused.Eq == nil || *f.Paused.Eq == x.paused}
	}
	return decide(f.Operator, matches(f.ID, &x.id), matches(f.Name, &x.name), either, paused,
		tagged((*api.FlowRunFilterTags)(f.Tags), x.tags), matches(f.WorkQueueName, x.queueName))
}

func pool(f *api.WorkPoolFilter, x poolFact) bool {
	return f == nil || decide(f.Operator, matches(f.ID, &x.id), matches(f.Name, &x.name), matches(f.Type, &x.kind))
}

func queue(f *api.WorkQueueFilter, x queueFact) bool {
	if f == nil {
		return true
	}
	var name []bool
	if f.Name != nil && (f.Name.Any != nil || f.Name.Startswith == nil || len(f.Name.Startswith) > 0) {
		starts := func(start string) bool { return likes(start+"%", x.name) }
		name = []bool{(f.Name.Any == nil || slices.Contains(f.Name.Any, x.name)) && (len(f.Name.Startswith) == 0 || slices.ContainsFunc(f.Name.Startswith, starts))}
	}
	return decide(f.Operator, matches(f.ID, &x.id), name)
}

func logLine(f *api.LogFilter, x logFact) bool {
	if f == nil {
		return true
	}
	var level, taskRun, text []bool
	if f.Level != nil {
		level = []bool{(f.Level.Ge == nil || x.level >= *f.Level.Ge) && (f.Level.Le == nil || x.level <= *f.Level.Le)}
	}
	if f.TaskRunID != nil {
		taskRun = refers(api.Some(api.OperatorAnd), f.TaskRunID.Any, f.TaskRunID.IsNull, x.taskRun)
	}
	if f.Text != nil && strings.TrimSpace(f.Text.Query) != "" {
		text = []bool{filter.ParseText(f.Text.Query).Matches(x.message + " " + x.name)}
	}
	return decide(f.Operator, level, span(f.Timestamp, &x.at), matches(f.FlowRunID, &x.run), taskRun, text)
}

// How entities are related.

func (w *world) queueMatches(f store.Filters, id *uuid.UUID) bool {
	if f.WorkPools == nil && f.WorkQueues == nil {
		return true
	}
	return id != nil && slices.ContainsFunc(w.queues, func(q queueFact) bool {
		return q.id == *id && queue(f.WorkQueues, q) && (f.WorkPools == nil || slices.ContainsFunc(w.pools, func(p poolFact) bool { return p.id == q.pool && pool(f.WorkPools, p) }))
	})
}

func (w *world) flowMatches(f store.Filters, x flowFact) bool {
	ok := w.flow(f.Flows, x)
	if f.Deployments != nil || f.WorkPools != nil {
		ok = ok && slices.ContainsFunc(w.deployments, func(d deploymentFact) bool {
			return d.flow == x.id && w.deployment(f.Deployments, d) && w.queueMatches(store.Filters{WorkPools: f.WorkPools}, d.queue)
		})
	}
	return ok && w.someRun(f, func(r runFact) bool { return r.flow == x.id })
}

func (w *world) someRun(f store.Filters, of func(runFact) bool) bool {
	if f.FlowRuns == nil && f.TaskRuns == nil {
		return true
	}
	return slices.ContainsFunc(w.runs, func(r runFact) bool { return of(r) && w.run(f.FlowRuns, r) && w.someTaskRun(f.TaskRuns, r) })
}

func (w *world) someTaskRun(f *api.TaskRunFilter, r runFact) bool {
	return f == nil || slices.ContainsFunc(w.taskRuns, func(t taskRunFact) bool { return t.run != nil && *t.run == r.id && w.taskRun(f, t) })
}

func (w *world) runMatches(f store.Filters, x runFact) bool {
	return w.run(f.FlowRuns, x) && w.someTaskRun(f.TaskRuns, x) && w.surroundings(f, x)
}

func (w *world) surroundings(f store.Filters, x runFact) bool {
	ok := f.Flows == nil || slices.ContainsFunc(w.flows, func(y flowFact) bool { return y.id == x.flow && w.flow(f.Flows, y) })
	if f.Deployments != nil {
		ok = ok && x.deployment != nil && slices.ContainsFunc(w.deployments, func(d deploymentFact) bool { return d.id == *x.deployment && w.deployment(f.Deployments, d) })
	}
	return ok && w.queueMatches(f, x.queue)
}

func (w *world) runOf(f store.Filters, id *uuid.UUID) bool {
	if f.Flows == nil && f.FlowRuns == nil && f.Deployments == nil && f.WorkPools == nil && f.WorkQueues == nil {
		return true
	}
	return id != nil && slices.ContainsFunc(w.runs, func(r runFact) bool { return r.id == *id && w.run(f.FlowRuns, r) && w.surroundings(f, r) })
}

func (w *world) taskRunMatches(f store.Filters, x taskRunFact) bool {
	return w.taskRun(f.TaskRuns, x) && w.runOf(f, x.run)
}

func (w *world) deploymentMatches(f store.Filters, x deploymentFact) bool {
	ok := f.Flows == nil || slices.ContainsFunc(w.flows, func(y flowFact) bool { return y.id == x.flow && w.flow(f.Flows, y) })
	return ok && w.deployment(f.Deployments, x) && w.queueMatches(f, x.queue) &&
		w.someRun(f, func(r runFact) bool { return r.deployment != nil && *r.deployment == x.id })
}

func (w *world) artifactMatches(a *api.ArtifactFilter, f store.Filters, x artifactFact) bool {
	ok := true
	if a != nil {
		var key []bool
		if a.Key != nil {
			key = matches(&api.Match[string]{Any: a.Key.Any, Like: a.Key.Like}, x.key)
			key = []bool{!slices.Contains(key, false) && (a.Key.Exists == nil || *a.Key.Exists == (x.key != nil))}
		}
		ok = decide(a.Operator, matches(a.ID, &x.id), key, matches(a.FlowRunID, x.run), matches(a.TaskRunID, x.taskRun), matches(a.Type, x.kind))
	}
	if f.TaskRuns != nil {
		ok = ok && x.taskRun != nil && slices.ContainsFunc(w.taskRuns, func(t taskRunFact) bool { return t.id == *x.taskRun && w.taskRun(f.TaskRuns, t) })
	}
	return ok && w.runOf(f, x.run)
}
