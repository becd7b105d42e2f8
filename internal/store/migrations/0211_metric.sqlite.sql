-- Figures about runs. Measurements are kept as digests for spans of 1, 15, 60 and 1440
-- minutes (level), which begin at a minute of Unix time, by series: all of what a run belongs
-- to. The series of zeros is of all runs.
create table metric_series (
  workspace_id blob not null,
  id blob not null,
  related text not null,
  primary key (workspace_id, id)
) strict, without rowid;

create table metric_rollup (
  workspace_id blob not null,
  metric text not null,
  level integer not null,
  series_id blob not null,
  minute integer not null,
  samples integer not null,
  total real not null,
  squares real not null,
  least real not null,
  most real not null,
  spread blob not null,
  primary key (workspace_id, metric, level, series_id, minute)
) strict, without rowid;
