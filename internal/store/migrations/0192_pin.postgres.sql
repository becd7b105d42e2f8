-- What people have pinned: one of a flow, a deployment and a work pool, with which it goes.
create table user_pin (
  workspace_id uuid not null,
  id uuid not null,
  created bigint not null,
  updated bigint not null,
  actor_id uuid not null,
  flow_id uuid,
  deployment_id uuid,
  work_pool_id uuid,
  primary key (workspace_id, actor_id, id),
  foreign key (workspace_id, flow_id) references flow (workspace_id, id) on delete cascade,
  foreign key (workspace_id, deployment_id) references deployment (workspace_id, id) on delete cascade,
  foreign key (workspace_id, work_pool_id) references work_pool (workspace_id, id) on delete cascade
);

create unique index user_pin_of_flow on user_pin (workspace_id, flow_id, actor_id) where flow_id is not null;
create unique index user_pin_of_deployment on user_pin (workspace_id, deployment_id, actor_id) where deployment_id is not null;
create unique index user_pin_of_work_pool on user_pin (workspace_id, work_pool_id, actor_id) where work_pool_id is not null;

alter table user_pin enable row level security;
alter table user_pin force row level security;
create policy of_workspace on user_pin using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);

-- Tags that somebody has taken off the list: they come back when they are used again.
create table hidden_tag (
  workspace_id uuid not null,
  tag text not null,
  hidden bigint not null,
  primary key (workspace_id, tag)
);

alter table hidden_tag enable row level security;
alter table hidden_tag force row level security;
create policy of_workspace on hidden_tag using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);
