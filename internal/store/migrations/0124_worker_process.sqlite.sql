-- The processes behind the workers of a name: a worker that died and was started again
-- under its name is another process. One without a channel does not tell which it is; it
-- has the id of zeros.
create table worker_process (
  workspace_id blob not null,
  work_pool_id blob not null,
  name text not null,
  id blob not null,
  since integer not null,
  last_heartbeat_time integer not null,
  heartbeat_interval_seconds integer not null,
  primary key (workspace_id, work_pool_id, name, id),
  constraint fk_worker_process_work_pool
    foreign key (workspace_id, work_pool_id)
    references work_pool (workspace_id, id)
    on delete cascade
) strict, without rowid;

create index ix_worker_process_heartbeat on worker_process (workspace_id, last_heartbeat_time);

-- The runs that were given back to their queue because nothing was heard of who had
-- claimed them; who had may start them all the same.
create table flow_run_given_back (
  workspace_id blob not null,
  flow_run_id blob not null,
  at integer not null,
  primary key (workspace_id, flow_run_id),
  constraint fk_flow_run_given_back_flow_run
    foreign key (workspace_id, flow_run_id)
    references flow_run (workspace_id, id)
    on delete cascade
) strict, without rowid;
