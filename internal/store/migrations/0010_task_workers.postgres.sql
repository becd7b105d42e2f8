-- Task workers that are connected to any server. One whose server died expires.
create table task_worker (
  workspace_id uuid not null,
  name text not null,
  connection uuid not null,
  task_keys jsonb not null,
  seen bigint not null,
  expiration bigint not null,
  primary key (workspace_id, name)
);
