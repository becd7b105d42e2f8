package store

import (
	"slices"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store/dialect"
)

// runTags filters flow runs by their tags; is_null_ is about having none.
func runTags(d dialect.SQL, f *api.FlowRunFilterTags) part {
	if f == nil {
		return nil
	}
	var p part
	if len(f.All) > 0 {
		each := make([]condition, 0, len(f.All))
		for _, tag := range f.All {
			each = append(each, exists("flow_run_tag", tagOf(tag)))
		}
		p = append(p, all(each...))
	}
	if f.Any != nil {
		p = append(p, exists("flow_run_tag", tagOf(f.Any...)))
	}
	if f.IsNull != nil {
		p = append(p, emptyList(d, "flow_run.tags", *f.IsNull))
	}
	return part{combine(f.Operator, p)}
}

func tagOf(tags ...string) condition {
	return all(
		is("flow_run_tag.workspace_id = flow_run.workspace_id"),
		oneOf("flow_run_tag.tag", tags),
		is("flow_run_tag.flow_run_id = flow_run.id"))
}

// fewRuns is how many runs are looked up and sorted rather than found on a walk.
const fewRuns = 3000

// fewTagged is whereFlowRuns for a filter on a tag that few runs have; ok is false when it
// is not such a filter. A plain query walks the runs in their order and looks at the tags
// of each, past a million when a tag is rare. Without a condition on the workspace of its
// own the query can't do that: all the indexes to walk begin with it.
func (tx *Tx) fewTagged(f Filters) (where condition, ok bool, err error) {
	tags := impliedTags(f.FlowRuns)
	if tags == nil || tx.within != nil {
		return where, false, nil
	}
	tagged := all(tx.own("flow_run_tag"), oneOf("flow_run_tag.tag", tags))
	var n int
	err = tx.QueryRow("select count(*)\nfrom (\n  select 1\n  from flow_run_tag\n  where "+tagged.sql+"\n  limit ?) as found",
		append(slices.Clone(tagged.args), fewRuns+1), &n)
	few := is("(flow_run.workspace_id, flow_run.id) in (\n  select flow_run_tag.workspace_id, flow_run_tag.flow_run_id\n  from flow_run_tag\n  where "+tagged.sql+")", tagged.args...)
	return all(few, tx.selectsFlowRuns(f)), err == nil && n <= fewRuns, err
}

// impliedTags are tags of which each run that the filter selects has one.
func impliedTags(f *api.FlowRunFilter) []string {
	if f == nil || f.Tags == nil || f.Operator.Or(api.OperatorAnd) != api.OperatorAnd || f.Tags.Operator.Or(api.OperatorAnd) != api.OperatorAnd {
		return nil
	}
	if len(f.Tags.All) > 0 {
		return f.Tags.All[:1]
	}
	return f.Tags.Any
}
