package store

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
)

// Named is an object as events name it.
type Named struct {
	ID   uuid.UUID
	Name string
	Tags []string
	Type string // of a work pool
}

// Origin is what a flow run came from. What it has not, or what is gone, is nil.
type Origin struct {
	Flow             Named
	FlowLabels       jsontext.Value
	Deployment       *Named
	DeploymentLabels jsontext.Value
	WorkQueue        *Named
	WorkPool         *Named
	ParentTaskRun    *Named
	Disabled         bool // no runs are made of the deployment; only OriginOf tells
}

const originColumns = `
	f.id, f.name, f.tags, f.labels, d.id, d.name, d.tags, d.labels, q.id, q.name, p.id, p.name, p.type, t.id, t.name, t.tags
`

const originTables = `
left join work_pool p
	on p.workspace_id = q.workspace_id
	and p.id = q.work_pool_id
`

// originRow is an Origin on its way out of a query.
type originRow struct {
	flow                            Named
	labels, deploymentLabels        jsontext.Value
	deployment, queue, pool, parent namedRow
}

// namedRow is a Named whose row may be missing.
type namedRow struct {
	id   *uuid.UUID
	name *string
	kind *string
	tags jsontext.Value
}

func (o *originRow) dest() []any {
	d, q, p, t := &o.deployment, &o.queue, &o.pool, &o.parent
	return []any{
		&o.flow.ID, &o.flow.Name, &o.flow.Tags, &o.labels,
		&d.id, &d.name, &d.tags, &o.deploymentLabels, &q.id, &q.name, &p.id, &p.name, &p.kind, &t.id, &t.name, &t.tags,
	}
}

func (o *originRow) origin() (out Origin, err error) {
	out.Flow, out.FlowLabels, out.DeploymentLabels = o.flow, o.labels, o.deploymentLabels
	for row, named := range map[*namedRow]**Named{
		&o.deployment: &out.Deployment, &o.queue: &out.WorkQueue, &o.pool: &out.WorkPool, &o.parent: &out.ParentTaskRun,
	} {
		if *named, err = row.named(); err != nil {
			return out, err
		}
	}
	return out, nil
}

func (n *namedRow) named() (*Named, error) {
	if n.id == nil {
		return nil, nil
	}
	named := &Named{ID: *n.id, Name: orZero(n.name), Type: orZero(n.kind)}
	if len(n.tags) == 0 {
		return named, nil
	}
	return named, json.Unmarshal(n.tags, &named.Tags)
}

// OriginOf reads the origin of a flow run that is about to be made.
func (tx *Tx) OriginOf(flow uuid.UUID, deployment, queue, parent *uuid.UUID) (*Origin, error) {
	return one(tx, "select coalesce(d.disabled, false),"+originColumns+`
		from flow f
		left join deployment d
			on d.workspace_id = f.workspace_id
			and d.id = ?
		left join work_queue q
			on q.workspace_id = f.workspace_id
			and q.id = ?
		left join task_run t
			on t.workspace_id = f.workspace_id
			and t.id = ?`+originTables+`
		where f.workspace_id = ?
		and f.id = ?`, []any{deployment, queue, parent, tx.workspace, flow}, func(row *Row) (Origin, error) {
		var o originRow
		var disabled bool
		if err := row.Scan(append([]any{&disabled}, o.dest()...)...); err != nil {
			return Origin{}, err
		}
		out, err := o.origin()
		out.Disabled = disabled
		return out, err
	})
}

// orZero is what p points to, or the zero value.
func orZero[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
