package store

import (
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// RunMetric is a metric of a flow run: what is known of all of its measurements.
type RunMetric struct {
	Run         uuid.UUID
	Name, Unit  string
	Deployment  *uuid.UUID
	First, Last api.Time
	Peak        float64
	Seen        int64 // measurements that came
	Stored      int64 // and those of them that are kept
	Stride      int64 // how many come until one is kept
}

const runMetricColumns = "flow_run_id, name, unit, deployment_id, first_at, last_at, peak, seen, stored, stride"

func scanRunMetric(row *Row) (m RunMetric, err error) {
	err = row.Scan(&m.Run, &m.Name, &m.Unit, &m.Deployment, &m.First, &m.Last, &m.Peak, &m.Seen, &m.Stored, &m.Stride)
	return m, err
}

// LockRunMetrics lists the metrics of flow runs, by run and name, for a change.
func (tx *Tx) LockRunMetrics(runs ...uuid.UUID) ([]RunMetric, error) {
	return tx.runMetrics(runs, tx.D().ForUpdate())
}

// RunMetrics lists the metrics of a flow run, by name.
func (tx *Tx) RunMetrics(run uuid.UUID) ([]RunMetric, error) {
	return tx.runMetrics([]uuid.UUID{run}, "")
}

func (tx *Tx) runMetrics(runs []uuid.UUID, lock string) ([]RunMetric, error) {
	where := all(tx.own("run_metric"), oneOf("flow_run_id", runs))
	return many(tx, "select "+runMetricColumns+"\nfrom run_metric\nwhere "+where.sql+"\norder by flow_run_id, name"+lock, where.args, scanRunMetric)
}

// SaveRunMetric writes what is known of a metric of a flow run.
func (tx *Tx) SaveRunMetric(m *RunMetric) error {
	_, err := tx.Exec(`
		insert into run_metric (workspace_id, `+runMetricColumns+`)
		values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		on conflict (workspace_id, flow_run_id, name) do update
		set first_at = excluded.first_at,
			last_at = excluded.last_at,
			peak = excluded.peak,
			seen = excluded.seen,
			stored = excluded.stored,
			stride = excluded.stride`, tx.workspace, m.Run, m.Name, m.Unit, m.Deployment, m.First, m.Last, m.Peak, m.Seen, m.Stored, m.Stride)
	return err
}

// RunMetricPoint is a measurement.
type RunMetricPoint struct {
	Name  string
	At    api.Time
	Value float64
}

// AddRunMetricPoints stores measurements of a flow run, unless there are some of their times,
// and says how many it stored.
func (tx *Tx) AddRunMetricPoints(run uuid.UUID, points []RunMetricPoint) (int64, error) {
	rows := make([][]any, len(points))
	for i, p := range points {
		rows[i] = []any{tx.workspace, run, p.Name, p.At, p.Value}
	}
	return tx.Insert("run_metric_point", []string{"workspace_id", "flow_run_id", "name", "at", "value"}, rows, "on conflict do nothing")
}

// ThinRunMetricPoints removes every other measurement of a metric of a flow run, and says how
// many it removed.
func (tx *Tx) ThinRunMetricPoints(run uuid.UUID, name string) (int64, error) {
	return tx.Exec(`
		delete from run_metric_point
		where workspace_id = ?
		and flow_run_id = ?
		and name = ?
		and at in (
			select at
			from (
				select at, row_number() over (order by at) as place
				from run_metric_point
				where workspace_id = ?
				and flow_run_id = ?
				and name = ?) as placed
			where place % 2 = 0)`, tx.workspace, run, name, tx.workspace, run, name)
}

// RunMetricPoints lists the measurements of a flow run, by metric and time. Nil bounds and no
// names are for all.
func (tx *Tx) RunMetricPoints(run uuid.UUID, names []string, since, until *api.Time) ([]RunMetricPoint, error) {
	where := all(tx.own("run_metric_point"), is("flow_run_id = ?", run))
	if len(names) > 0 {
		where = all(where, oneOf("name", names))
	}
	if since != nil {
		where = all(where, is("at >= ?", *since))
	}
	if until != nil {
		where = all(where, is("at <= ?", *until))
	}
	return many(tx, "select name, at, value\nfrom run_metric_point\nwhere "+where.sql+"\norder by name, at", where.args, func(row *Row) (p RunMetricPoint, err error) {
		err = row.Scan(&p.Name, &p.At, &p.Value)
		return p, err
	})
}

// DeploymentPeaks lists the metrics of a deployment's flow runs that were measured in a time,
// each as the run has it whose value was the greatest. Nil bounds are for all times.
func (tx *Tx) DeploymentPeaks(deployment uuid.UUID, since, until *api.Time) ([]RunMetric, error) {
	sql, args := tx.DeploymentPeaksSQL(deployment, since, until)
	return many(tx, sql, args, scanRunMetric)
}

// DeploymentPeaksSQL is the query of DeploymentPeaks.
func (tx *Tx) DeploymentPeaksSQL(deployment uuid.UUID, since, until *api.Time) (sql string, args []any) {
	where := all(tx.own("run_metric"), is("deployment_id = ?", deployment))
	if since != nil {
		where = all(where, is("last_at >= ?", *since))
	}
	if until != nil {
		where = all(where, is("first_at <= ?", *until))
	}
	return "select " + runMetricColumns + `
		from (
			select ` + runMetricColumns + `, row_number() over (partition by name order by peak desc, flow_run_id) as place
			from run_metric
			where ` + where.sql + `) as placed
		where place = 1
		order by name`, where.args
}

// DeploymentsOfRuns says for those of some flow runs that are there which deployment they are
// of; nil is of none.
func (tx *Tx) DeploymentsOfRuns(runs []uuid.UUID) (map[uuid.UUID]*uuid.UUID, error) {
	out := map[uuid.UUID]*uuid.UUID{}
	where := all(tx.own("flow_run"), oneOf("id", runs))
	err := tx.Query("select id, deployment_id\nfrom flow_run\nwhere "+where.sql, where.args, func(row *Row) error {
		var id uuid.UUID
		var deployment *uuid.UUID
		if err := row.Scan(&id, &deployment); err != nil {
			return err
		}
		out[id] = deployment
		return nil
	})
	return out, err
}

// DeleteRunMetricPointsOf removes up to limit measurements of flow runs and says how many.
func (tx *Tx) DeleteRunMetricPointsOf(runs []uuid.UUID, limit int) (int64, error) {
	where := all(tx.own("run_metric_point"), oneOf("flow_run_id", runs))
	return tx.Exec(`
		delete from run_metric_point
		where (workspace_id, flow_run_id, name, at) in (
			select workspace_id, flow_run_id, name, at
			from run_metric_point
			where `+where.sql+`
			limit ?)`, append(where.args, limit)...)
}
