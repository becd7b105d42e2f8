-- What people have pinned: one of a flow, a deployment and a work pool, with which it goes.
create table user_pin (
  workspace_id blob not null,
  id blob not null,
  created integer not null,
  updated integer not null,
  actor_id blob not null,
  flow_id blob,
  deployment_id blob,
  work_pool_id blob,
  primary key (workspace_id, actor_id, id),
  foreign key (workspace_id, flow_id) references flow (workspace_id, id) on delete cascade,
  foreign key (workspace_id, deployment_id) references deployment (workspace_id, id) on delete cascade,
  foreign key (workspace_id, work_pool_id) references work_pool (workspace_id, id) on delete cascade
) strict, without rowid;

create unique index user_pin_of_flow on user_pin (workspace_id, flow_id, actor_id) where flow_id is not null;
create unique index user_pin_of_deployment on user_pin (workspace_id, deployment_id, actor_id) where deployment_id is not null;
create unique index user_pin_of_work_pool on user_pin (workspace_id, work_pool_id, actor_id) where work_pool_id is not null;

-- Tags that somebody has taken off the list: they come back when they are used again.
create table hidden_tag (
  workspace_id blob not null,
  tag text not null,
  hidden integer not null,
  primary key (workspace_id, tag)
) strict, without rowid;
