-- What is known of the heartbeats of runs; a row goes when its run needs no watching.
create table flow_run_heartbeat (
  workspace_id uuid not null,
  flow_run_id uuid not null,
  state_id uuid not null,
  heard bigint not null,
  sent bigint not null,
  every bigint not null default 0,
  due bigint not null,
  primary key (workspace_id, flow_run_id),
  constraint fk_flow_run_heartbeat_flow_run
    foreign key (workspace_id, flow_run_id)
    references flow_run (workspace_id, id)
    on delete cascade
);

create index ix_flow_run_heartbeat_due on flow_run_heartbeat (workspace_id, due);
