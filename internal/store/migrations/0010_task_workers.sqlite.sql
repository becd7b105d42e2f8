-- Task workers that are connected to any server. One whose server died expires.
create table task_worker (
  workspace_id blob not null,
  name text not null,
  connection blob not null,
  task_keys text not null,
  seen integer not null,
  expiration integer not null,
  primary key (workspace_id, name)
) strict;
