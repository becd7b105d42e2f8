-- What the resources were that runs used. A metric of a run keeps its greatest value and some
-- of its measurements: of those that came (seen), each one whose number stride divides.
create table run_metric (
  workspace_id uuid not null,
  flow_run_id uuid not null,
  name text not null,
  unit text not null,
  deployment_id uuid,
  first_at bigint not null,
  last_at bigint not null,
  peak double precision not null,
  seen bigint not null,
  stored bigint not null,
  stride bigint not null,
  primary key (workspace_id, flow_run_id, name),
  constraint fk_run_metric_flow_run
    foreign key (workspace_id, flow_run_id)
    references flow_run (workspace_id, id)
    on delete cascade
);

create index ix_run_metric_deployment on run_metric (workspace_id, deployment_id, last_at);

create table run_metric_point (
  workspace_id uuid not null,
  flow_run_id uuid not null,
  name text not null,
  at bigint not null,
  value double precision not null,
  primary key (workspace_id, flow_run_id, name, at),
  constraint fk_run_metric_point_run_metric
    foreign key (workspace_id, flow_run_id, name)
    references run_metric (workspace_id, flow_run_id, name)
    on delete cascade
);

alter table run_metric enable row level security;
alter table run_metric force row level security;
create policy of_workspace on run_metric using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);

alter table run_metric_point enable row level security;
alter table run_metric_point force row level security;
create policy of_workspace on run_metric_point using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);
