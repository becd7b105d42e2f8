package store_test

import (
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

// drawn is v or, twice as often, nil: filters with many fields match nothing.
func drawn[T any](t *rapid.T, name string, draw func() T) *T {
	if rapid.IntRange(0, 2).Draw(t, name) > 0 {
		return nil
	}
	v := draw()
	return &v
}

func drawList[T any](t *rapid.T, name string, from []T) []T {
	if rapid.IntRange(0, 2).Draw(t, name+"?") > 0 {
		return nil
	}
	return rapid.SliceOfN(rapid.SampledFrom(from), 0, 3).Draw(t, name)
}

func drawOperator(t *rapid.T) api.Opt[api.Operator] {
	return rapid.SampledFrom([]api.Opt[api.Operator]{{}, api.Some(api.OperatorAnd), api.Some(api.OperatorOr)}).Draw(t, "operator")
}

func drawFlag(t *rapid.T, name string) *bool {
	return drawn(t, name, func() bool { return rapid.Bool().Draw(t, name) })
}

func drawTime(t *rapid.T, name string) *api.Time {
	return drawn(t, name, func() api.Time { return api.At(time.Unix(int64(rapid.IntRange(0, 6).Draw(t, name)), 0)) })
}

func drawMatch[T any](t *rapid.T, name string, from []T) *api.Match[T] {
	return drawn(t, name, func() api.Match[T] {
		return api.Match[T]{Any: drawList(t, name+".any", from), NotAny: drawList(t, name+".not_any", from)}
	})
}

func drawName(t *rapid.T, name string, from []string) *api.Match[string] {
	m := drawMatch(t, name, from)
	if m != nil {
		m.Like = drawLike(t, name)
	}
	return m
}

func drawLike(t *rapid.T, name string) *string {
	return drawn(t, name+".like", func() string {
		return rapid.SampledFrom([]string{"", "etl", "LOAD", "d_a", "l%g", "%", "\\", "zzz"}).Draw(t, name+".like")
	})
}

func drawTags(t *rapid.T, name string) *api.FlowRunFilterTags {
	return drawn(t, name, func() api.FlowRunFilterTags {
		return api.FlowRunFilterTags{Operator: drawOperator(t), All: drawList(t, "all", someTags), Any: drawList(t, "any", someTags), IsNull: drawFlag(t, "is_null")}
	})
}

func drawAllTags(t *rapid.T, name string) *api.FlowFilterTags {
	return drawn(t, name, func() api.FlowFilterTags {
		return api.FlowFilterTags{Operator: drawOperator(t), All: drawList(t, "all", someTags), IsNull: drawFlag(t, "is_null")}
	})
}

func drawSpan(t *rapid.T, name string) *api.Span {
	return drawn(t, name, func() api.Span { return api.Span{Before: drawTime(t, "before"), After: drawTime(t, "after")} })
}

func drawMoment(t *rapid.T, name string) *api.FlowRunFilterStartTime {
	return drawn(t, name, func() api.FlowRunFilterStartTime {
		return api.FlowRunFilterStartTime{Before: drawTime(t, "before"), After: drawTime(t, "after"), IsNull: drawFlag(t, "is_null")}
	})
}

func drawState(t *rapid.T) *api.FlowRunFilterState {
	return drawn(t, "state", func() api.FlowRunFilterState {
		return api.FlowRunFilterState{Operator: drawOperator(t), Type: drawMatch(t, "type", someStateTypes), Name: drawMatch(t, "name", someStateNames)}
	})
}

func collect[T, V any](from []T, value func(T) V) []V {
	var list []V
	for _, x := range from {
		list = append(list, value(x))
	}
	return list
}

func drawFilters(t *rapid.T, w *world) store.Filters {
	return store.Filters{
		Flows:    drawn(t, "flows", func() api.FlowFilter { return drawFlowFilter(t, w) }),
		FlowRuns: drawn(t, "flow_runs", func() api.FlowRunFilter { return drawRunFilter(t, w) }),
		TaskRuns: drawn(t, "task_runs", func() api.TaskRunFilter { return drawTaskRunFilter(t, w) }),
		Deployments: drawn(t, "deployments", func() api.DeploymentFilter {
			return drawDeploymentFilter(t, w)
		}),
		WorkPools: drawn(t, "work_pools", func() api.WorkPoolFilter {
			return api.WorkPoolFilter{
				Operator: drawOperator(t), ID: drawMatch(t, "id", collect(w.pools, func(x poolFact) uuid.UUID { return x.id })),
				Name: drawMatch(t, "name", someNames), Type: drawMatch(t, "type", []string{"process", "docker"}),
			}
		}),
		WorkQueues: drawn(t, "work_queues", func() api.WorkQueueFilter {
			return api.WorkQueueFilter{
				Operator: drawOperator(t), ID: drawMatch(t, "id", collect(w.queues, func(x queueFact) uuid.UUID { return x.id })),
				Name: drawn(t, "name", func() api.WorkQueueFilterName {
					return api.WorkQueueFilterName{Any: drawList(t, "any", someNames), Startswith: drawList(t, "startswith", []string{"et", "LOAD", "l_a", "x"})}
				}),
			}
		}),
	}
}

func drawFlowFilter(t *rapid.T, w *world) api.FlowFilter {
	return api.FlowFilter{
		Operator: drawOperator(t), ID: drawMatch(t, "id", collect(w.flows, func(x flowFact) uuid.UUID { return x.id })),
		Name: drawName(t, "name", collect(w.flows, func(x flowFact) string { return x.name })), Tags: drawAllTags(t, "tags"),
		Deployment: drawn(t, "deployment", func() api.FlowFilterDeployment {
			return api.FlowFilterDeployment{IsNull: drawFlag(t, "is_null")}
		}),
	}
}

func drawRunFilter(t *rapid.T, w *world) api.FlowRunFilter {
	deployments := collect(w.deployments, func(x deploymentFact) uuid.UUID { return x.id })
	taskRuns := collect(w.taskRuns, func(x taskRunFact) uuid.UUID { return x.id })
	runs := collect(w.runs, func(x runFact) uuid.UUID { return x.id })
	keys := []string{"none"}
	for _, x := range w.runs {
		if x.key != nil {
			keys = append(keys, *x.key)
		}
	}
	return api.FlowRunFilter{
		Operator: drawOperator(t), ID: drawMatch(t, "id", runs), Name: drawName(t, "name", someNames), Tags: drawTags(t, "tags"),
		DeploymentID: drawn(t, "deployment_id", func() api.FlowRunFilterDeploymentId {
			return api.FlowRunFilterDeploymentId{Operator: drawOperator(t), Any: drawList(t, "any", deployments), IsNull: drawFlag(t, "is_null")}
		}),
		WorkQueueName: drawn(t, "work_queue_name", func() api.FlowRunFilterWorkQueueName {
			return api.FlowRunFilterWorkQueueName{Operator: drawOperator(t), Any: drawList(t, "any", someNames), IsNull: drawFlag(t, "is_null")}
		}),
		State: drawState(t), FlowVersion: drawMatch(t, "flow_version", []string{"1", "2"}),
		StartTime: drawMoment(t, "start_time"), EndTime: (*api.FlowRunFilterEndTime)(drawMoment(t, "end_time")),
		ExpectedStartTime: drawSpan(t, "expected"), NextScheduledStartTime: drawSpan(t, "next"),
		ParentFlowRunID: drawn(t, "parent_flow_run_id", func() api.FlowRunFilterParentFlowRunId {
			return api.FlowRunFilterParentFlowRunId{Any: drawList(t, "any", runs)}
		}),
		ParentTaskRunID: drawn(t, "parent_task_run_id", func() api.FlowRunFilterParentTaskRunId {
			return api.FlowRunFilterParentTaskRunId{Operator: drawOperator(t), Any: drawList(t, "any", taskRuns), IsNull: drawFlag(t, "is_null")}
		}),
		IdempotencyKey: drawMatch(t, "idempotency_key", keys),
		CreatedBy: drawn(t, "created_by", func() api.FlowRunFilterCreatedBy {
			return api.FlowRunFilterCreatedBy{
				Operator: drawOperator(t), ID: drawList(t, "id", deployments),
				Type: drawList(t, "type", []string{"DEPLOYMENT", "SCHEDULE"}), IsNull: drawFlag(t, "is_null"),
			}
		}),
	}
}

func drawTaskRunFilter(t *rapid.T, w *world) api.TaskRunFilter {
	return api.TaskRunFilter{
		Operator: drawOperator(t), ID: drawMatch(t, "id", collect(w.taskRuns, func(x taskRunFact) uuid.UUID { return x.id })),
		Name: drawName(t, "name", someNames), Tags: (*api.TaskRunFilterTags)(drawAllTags(t, "tags")), State: (*api.TaskRunFilterState)(drawState(t)),
		StartTime: (*api.TaskRunFilterStartTime)(drawMoment(t, "start_time")), EndTime: (*api.TaskRunFilterEndTime)(drawMoment(t, "end_time")),
		ExpectedStartTime: drawSpan(t, "expected"),
		SubflowRuns: drawn(t, "subflow_runs", func() api.TaskRunFilterSubFlowRuns {
			return api.TaskRunFilterSubFlowRuns{Exists: drawFlag(t, "exists")}
		}),
		FlowRunID: drawn(t, "flow_run_id", func() api.TaskRunFilterFlowRunId {
			return api.TaskRunFilterFlowRunId{Any: drawList(t, "any", collect(w.runs, func(x runFact) uuid.UUID { return x.id })), IsNull: drawFlag(t, "is_null")}
		}),
	}
}

func drawDeploymentFilter(t *rapid.T, w *world) api.DeploymentFilter {
	return api.DeploymentFilter{
		Operator: drawOperator(t), ID: drawMatch(t, "id", collect(w.deployments, func(x deploymentFact) uuid.UUID { return x.id })),
		Name: drawName(t, "name", collect(w.deployments, func(x deploymentFact) string { return x.name })),
		FlowOrDeploymentName: drawn(t, "flow_or_deployment_name", func() api.Match[string] {
			return api.Match[string]{Like: drawLike(t, "name")}
		}),
		Paused:        drawn(t, "paused", func() api.DeploymentFilterPaused { return api.DeploymentFilterPaused{Eq: drawFlag(t, "eq")} }),
		Tags:          (*api.DeploymentFilterTags)(drawTags(t, "tags")),
		WorkQueueName: drawMatch(t, "work_queue_name", someNames),
	}
}

func drawLogFilter(t *rapid.T, w *world) *api.LogFilter {
	return drawn(t, "logs", func() api.LogFilter {
		return api.LogFilter{
			Operator: drawOperator(t),
			Level: drawn(t, "level", func() api.LogFilterLevel {
				return api.LogFilterLevel{Ge: drawn(t, "ge", func() int { return 20 }), Le: drawn(t, "le", func() int { return 30 })}
			}),
			Timestamp: drawSpan(t, "timestamp"),
			FlowRunID: drawMatch(t, "flow_run_id", collect(w.runs, func(x runFact) uuid.UUID { return x.id })),
			TaskRunID: drawn(t, "task_run_id", func() api.LogFilterTaskRunId {
				return api.LogFilterTaskRunId{Any: drawList(t, "any", collect(w.taskRuns, func(x taskRunFact) uuid.UUID { return x.id })), IsNull: drawFlag(t, "is_null")}
			}),
			Text: drawn(t, "text", func() api.LogFilterTextSearch {
				query := []string{"", "error", "WARNING done", "-error", "+load +done", `"done load"`, "load -etl", "%", "load_a", "50%"}
				return api.LogFilterTextSearch{Query: rapid.SampledFrom(query).Draw(t, "query")}
			}),
		}
	})
}

func drawArtifactFilter(t *rapid.T, w *world) *api.ArtifactFilter {
	return drawn(t, "artifacts", func() api.ArtifactFilter {
		return api.ArtifactFilter{
			Operator: drawOperator(t), ID: drawMatch(t, "id", collect(w.artifacts, func(x artifactFact) uuid.UUID { return x.id })),
			Key: drawn(t, "key", func() api.ArtifactFilterKey {
				return api.ArtifactFilterKey{Any: drawList(t, "any", someNames), Like: drawLike(t, "key"), Exists: drawFlag(t, "exists")}
			}),
			FlowRunID: drawMatch(t, "flow_run_id", collect(w.runs, func(x runFact) uuid.UUID { return x.id })),
			TaskRunID: drawMatch(t, "task_run_id", collect(w.taskRuns, func(x taskRunFact) uuid.UUID { return x.id })),
			Type:      drawMatch(t, "type", []string{"table", "link"}),
		}
	})
}
