-- Figures about runs. Measurements are kept as digests for spans of 1, 15, 60 and 1440
-- minutes (level), which begin at a minute of Unix time, by series: all of what a run belongs
-- to. The series of zeros is of all runs.
create table metric_series (
  workspace_id uuid not null,
  id uuid not null,
  related text not null,
  primary key (workspace_id, id)
);

create table metric_rollup (
  workspace_id uuid not null,
  metric text not null,
  level bigint not null,
  series_id uuid not null,
  minute bigint not null,
  samples bigint not null,
  total double precision not null,
  squares double precision not null,
  least double precision not null,
  most double precision not null,
  spread bytea not null,
  primary key (workspace_id, metric, level, series_id, minute)
);

alter table metric_series enable row level security;
alter table metric_series force row level security;
create policy of_workspace on metric_series using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);

alter table metric_rollup enable row level security;
alter table metric_rollup force row level security;
create policy of_workspace on metric_rollup using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);
