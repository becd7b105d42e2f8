-- What is known of the heartbeats of runs; a row goes when its run needs no watching.
create table flow_run_heartbeat (
  workspace_id blob not null,
  flow_run_id blob not null,
  state_id blob not null,
  heard integer not null,
  sent integer not null,
  every integer not null default 0,
  due integer not null,
  primary key (workspace_id, flow_run_id),
  constraint fk_flow_run_heartbeat_flow_run
    foreign key (workspace_id, flow_run_id)
    references flow_run (workspace_id, id)
    on delete cascade
) strict, without rowid;

create index ix_flow_run_heartbeat_due on flow_run_heartbeat (workspace_id, due);
