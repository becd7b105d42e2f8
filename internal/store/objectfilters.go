package store

import (
	"strings"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/filter"
	"github.com/usherhq/usher/internal/store/dialect"
)

// The functions of this file turn the filter of one entity into a condition on its
// table. A nil filter matches everything.

func logCondition(d dialect.SQL, f *api.LogFilter) condition {
	if f == nil {
		return always
	}
	return combine(f.Operator,
		logLevel(f.Level),
		between("log.timestamp", f.Timestamp),
		match(d, "log.flow_run_id", f.FlowRunID),
		logTaskRun(f.TaskRunID),
		logText(d, f.Text),
		match(d, "log.name", f.Loggers),
	)
}

func logLevel(f *api.LogFilterLevel) part {
	if f == nil {
		return nil
	}
	var c []condition
	if f.Ge != nil {
		c = append(c, is("log.level >= ?", *f.Ge))
	}
	if f.Le != nil {
		c = append(c, is("log.level <= ?", *f.Le))
	}
	return part{all(c...)}
}

func logTaskRun(f *api.LogFilterTaskRunId) part {
	if f == nil {
		return nil
	}
	return reference("log.task_run_id", api.Some(api.OperatorAnd), f.Any, f.IsNull)
}

// logText looks in the message and the name. An empty search is as good as none.
func logText(d dialect.SQL, f *api.LogFilterTextSearch) part {
	if f == nil || strings.TrimSpace(f.Query) == "" {
		return nil
	}
	return part{textCondition(d, "log.message || ' ' || log.name", filter.ParseText(f.Query))}
}

func textCondition(d dialect.SQL, expr string, q filter.TextQuery) condition {
	var c, included []condition
	for _, term := range q.Include {
		included = append(included, is(d.Contains(expr), term))
	}
	if len(included) > 0 {
		c = append(c, either(included...))
	}
	for _, term := range q.Exclude {
		c = append(c, not(is(d.Contains(expr), term)))
	}
	for _, term := range q.Required {
		c = append(c, is(d.Contains(expr), term))
	}
	return all(c...)
}

func artifactCondition(d dialect.SQL, f *api.ArtifactFilter) condition {
	if f == nil {
		return always
	}
	return combine(f.Operator,
		match(d, "artifact.id", f.ID),
		artifactKey(d, "artifact.key", f.Key),
		match(d, "artifact.flow_run_id", f.FlowRunID),
		match(d, "artifact.task_run_id", f.TaskRunID),
		match(d, "artifact.type", f.Type),
	)
}

func artifactCollectionCondition(d dialect.SQL, f *api.ArtifactCollectionFilter) condition {
	if f == nil {
		return always
	}
	return combine(f.Operator,
		match(d, "artifact_collection.latest_id", f.LatestID),
		artifactKey(d, "artifact_collection.key", (*api.ArtifactFilterKey)(f.Key)),
		match(d, "artifact_collection.flow_run_id", f.FlowRunID),
		match(d, "artifact_collection.task_run_id", f.TaskRunID),
		match(d, "artifact_collection.type", f.Type),
	)
}

func artifactKey(d dialect.SQL, column string, f *api.ArtifactFilterKey) part {
	if f == nil {
		return nil
	}
	p := match(d, column, &api.Match[string]{Any: f.Any, Like: f.Like})
	if f.Exists != nil {
		p = append(p, null(column, !*f.Exists))
	}
	return part{all(p...)}
}

func variableCondition(d dialect.SQL, f *api.VariableFilter) condition {
	if f == nil {
		return always
	}
	return combine(f.Operator,
		match(d, "variable.id", f.ID),
		match(d, "variable.name", f.Name),
		allTags(d, "variable.tags", (*api.FlowFilterTags)(f.Tags)),
		match(d, "("+d.JSONText("variable.value")+")", f.Value),
	)
}

func blockTypeCondition(d dialect.SQL, f *api.BlockTypeFilter) condition {
	if f == nil {
		return always
	}
	return combine(api.Some(api.OperatorAnd),
		match(d, "block_type.name", f.Name),
		match(d, "block_type.slug", f.Slug),
	)
}

func blockSchemaCondition(d dialect.SQL, f *api.BlockSchemaFilter) condition {
	if f == nil {
		return always
	}
	return combine(f.Operator,
		match(d, "block_schema.block_type_id", f.BlockTypeID),
		capabilities(d, f.BlockCapabilities),
		match(d, "block_schema.id", f.ID),
		match(d, "block_schema.version", f.Version),
	)
}

func capabilities(d dialect.SQL, f *api.BlockSchemaFilterCapabilities) part {
	if f == nil {
		return nil
	}
	return tags(d, "block_schema.capabilities", &api.FlowRunFilterTags{All: f.All})
}

// blockDocumentCondition hides anonymous documents unless the filter speaks of them; an
// explicit null shows both, which the decoder must tell by an is_anonymous without eq_.
func blockDocumentCondition(d dialect.SQL, f *api.BlockDocumentFilter) condition {
	if f == nil {
		return is("block_document.is_anonymous = ?", false)
	}
	anonymous := part{is("block_document.is_anonymous = ?", false)}
	if f.IsAnonymous != nil {
		anonymous = flag("block_document.is_anonymous", f.IsAnonymous.Eq)
	}
	return combine(f.Operator,
		match(d, "block_document.id", f.ID),
		anonymous,
		match(d, "block_document.block_type_id", f.BlockTypeID),
		match(d, "block_document.name", f.Name),
	)
}

func automationCondition(d dialect.SQL, f *api.AutomationFilter) condition {
	if f == nil {
		return always
	}
	return combine(f.Operator,
		match(d, "automation.name", f.Name),
		between("automation.created", f.Created),
		tags(d, "automation.tags", (*api.FlowRunFilterTags)(f.Tags)),
	)
}

func slaCondition(d dialect.SQL, f *api.SlaFilter) condition {
	if f == nil {
		return always
	}
	var severity part
	if f.Severity != nil {
		severity = part{is("sla.severity = ?", *f.Severity)}
	}
	return combine(f.Operator,
		match(d, "automation.name", f.Name),
		between("automation.created", f.Created),
		tags(d, "automation.tags", (*api.FlowRunFilterTags)(f.Tags)),
		severity,
	)
}
