-- What the resources were that runs used. A metric of a run keeps its greatest value and some
-- of its measurements: of those that came (seen), each one whose number stride divides.
create table run_metric (
  workspace_id blob not null,
  flow_run_id blob not null,
  name text not null,
  unit text not null,
  deployment_id blob,
  first_at integer not null,
  last_at integer not null,
  peak real not null,
  seen integer not null,
  stored integer not null,
  stride integer not null,
  primary key (workspace_id, flow_run_id, name),
  constraint fk_run_metric_flow_run
    foreign key (workspace_id, flow_run_id)
    references flow_run (workspace_id, id)
    on delete cascade
) strict, without rowid;

create index ix_run_metric_deployment on run_metric (workspace_id, deployment_id, last_at);

create table run_metric_point (
  workspace_id blob not null,
  flow_run_id blob not null,
  name text not null,
  at integer not null,
  value real not null,
  primary key (workspace_id, flow_run_id, name, at),
  constraint fk_run_metric_point_run_metric
    foreign key (workspace_id, flow_run_id, name)
    references run_metric (workspace_id, flow_run_id, name)
    on delete cascade
) strict, without rowid;
