package store

import (
	"strings"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store/dialect"
)

// condition is a boolean expression of SQL with its arguments.
type condition struct {
	sql  string
	args []any
}

// always is the condition of a filter that filters nothing.
var always = condition{sql: "true"}

func is(sql string, args ...any) condition { return condition{sql: sql, args: args} }

// all is true where every condition is; it leaves out those that always are.
func all(conditions ...condition) condition { return join("\nand ", conditions, always) }

// either is true where one of the conditions is.
func either(conditions ...condition) condition {
	for _, c := range conditions {
		if c.sql == always.sql {
			return always
		}
	}
	joined := join("\nor ", conditions, is("false"))
	if len(conditions) > 1 {
		joined.sql = "(" + joined.sql + ")"
	}
	return joined
}

func join(by string, conditions []condition, empty condition) condition {
	var texts []string
	var args []any
	for _, c := range conditions {
		if c.sql != always.sql {
			texts, args = append(texts, c.sql), append(args, c.args...)
		}
	}
	if len(texts) == 0 {
		return empty
	}
	return condition{sql: strings.Join(texts, by), args: args}
}

func not(c condition) condition { return condition{sql: "not (" + c.sql + ")", args: c.args} }

// exists is true where table has a row that meets the condition.
func exists(table string, c condition) condition {
	return condition{sql: "exists (\n  select 1\n  from " + table + "\n  where " + c.sql + ")", args: c.args}
}

// part is what one field of a filter asks for: nothing when the field is not in the
// request, one condition otherwise.
type part []condition

// combine applies a filter's operator to its fields. Without any field the filter
// matches everything.
func combine(operator api.Opt[api.Operator], parts ...part) condition {
	var conditions []condition
	for _, p := range parts {
		conditions = append(conditions, p...)
	}
	if operator.Or(api.OperatorAnd) == api.OperatorAnd || len(conditions) == 0 {
		return all(conditions...)
	}
	return either(conditions...)
}

// oneOf is true where column has one of the values: nowhere for an empty list.
func oneOf[T any](column string, values []T) condition {
	return is(dialect.In(column, len(values)), dialect.Pad(nil, values)...)
}

func noneOf[T any](column string, values []T) condition {
	return is(dialect.NotIn(column, len(values)), dialect.Pad(nil, values)...)
}

// like is true where column contains the pattern, in which % and _ are wildcards.
func like(d dialect.SQL, column, pattern string) condition {
	return is(d.ILike(column), "%"+pattern+"%")
}

func null(column string, isNull bool) condition {
	if isNull {
		return is(column + " is null")
	}
	return is(column + " is not null")
}

// match filters by any_, not_any_ and like_; an empty not_any_ or like_ does not filter.
func match[T any](d dialect.SQL, column string, m *api.Match[T]) part {
	if m == nil {
		return nil
	}
	var c []condition
	if m.Any != nil {
		c = append(c, oneOf(column, m.Any))
	}
	if len(m.NotAny) > 0 {
		c = append(c, noneOf(column, m.NotAny))
	}
	if m.Like != nil && *m.Like != "" {
		c = append(c, like(d, column, *m.Like))
	}
	return part{all(c...)}
}

// between filters by before_ and after_, both included.
func between(column string, s *api.Span) part {
	if s == nil {
		return nil
	}
	var c []condition
	if s.Before != nil {
		c = append(c, is(column+" <= ?", *s.Before))
	}
	if s.After != nil {
		c = append(c, is(column+" >= ?", *s.After))
	}
	return part{all(c...)}
}

// moment is between with is_null_, which may be about another column.
func moment(column, nullColumn string, f *api.FlowRunFilterStartTime) part {
	if f == nil {
		return nil
	}
	c := between(column, &api.Span{Before: f.Before, After: f.After})
	if f.IsNull != nil {
		c = append(c, null(nullColumn, *f.IsNull))
	}
	return part{all(c...)}
}

// reference filters a nullable column by any_ and is_null_, combined by operator.
func reference[T any](column string, operator api.Opt[api.Operator], values []T, isNull *bool) part {
	var p part
	if values != nil {
		p = append(p, oneOf(column, values))
	}
	if isNull != nil {
		p = append(p, null(column, *isNull))
	}
	return part{combine(operator, p)}
}

// tags filters a list of tags; is_null_ is about the empty list.
func tags(d dialect.SQL, column string, f *api.FlowRunFilterTags) part {
	if f == nil {
		return nil
	}
	var p part
	if len(f.All) > 0 {
		p = append(p, is(d.HasAll(column), f.All))
	}
	if f.Any != nil {
		p = append(p, is(d.HasAny(column), f.Any))
	}
	if f.IsNull != nil {
		p = append(p, emptyList(d, column, *f.IsNull))
	}
	return part{combine(f.Operator, p)}
}

func emptyList(d dialect.SQL, column string, isEmpty bool) condition {
	if isEmpty {
		return is(d.IsEmptyList(column))
	}
	return not(is(d.IsEmptyList(column)))
}

// allTags is tags for the filters that have no any_.
func allTags(d dialect.SQL, column string, f *api.FlowFilterTags) part {
	if f == nil {
		return nil
	}
	return tags(d, column, &api.FlowRunFilterTags{Operator: f.Operator, All: f.All, IsNull: f.IsNull})
}

// implied repeats a filter by id on the column that refers to it, so that an index on
// that column can be used.
func implied(column string, operator api.Opt[api.Operator], id *api.Match[uuid.UUID]) condition {
	if id == nil || id.Any == nil || operator.Or(api.OperatorAnd) != api.OperatorAnd {
		return always
	}
	return oneOf(column, id.Any)
}
