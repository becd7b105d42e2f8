-- What the program of a flow run may touch with a token of its own: the run itself, and
-- what was made with such a token: flow runs, task runs of no flow run, leases.
create table run_reach (
  workspace_id uuid not null,
  run_id uuid not null,
  object_id uuid not null,
  primary key (workspace_id, run_id, object_id),
  foreign key (workspace_id, run_id) references flow_run (workspace_id, id) on delete cascade
);
