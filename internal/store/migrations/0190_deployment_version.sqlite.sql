-- Versions of deployments: what a deployment was after each deploy that told where it comes
-- from. content is all that promoting a version brings back, as JSON.
create table deployment_version (
  workspace_id blob not null,
  id blob not null,
  created integer not null,
  updated integer not null,
  deployment_id blob not null,
  version_info text not null,
  content text not null,
  created_by text,
  updated_by text,
  last_active integer not null,
  primary key (workspace_id, id),
  foreign key (workspace_id, deployment_id) references deployment (workspace_id, id) on delete cascade
) strict, without rowid;

create index deployment_version_of_deployment on deployment_version (workspace_id, deployment_id, last_active, id);

alter table deployment add column version_id blob;
alter table deployment add column version_info text;
alter table deployment add column branch text;
alter table deployment add column base_id blob;
alter table deployment add column root_id blob;
alter table deployment add column disabled integer not null default false;

alter table flow_run add column deployment_version_id blob;
alter table flow_run add column deployment_version_info text;
