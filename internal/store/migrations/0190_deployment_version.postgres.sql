-- Versions of deployments: what a deployment was after each deploy that told where it comes
-- from. content is all that promoting a version brings back, as JSON.
create table deployment_version (
  workspace_id uuid not null,
  id uuid not null,
  created bigint not null,
  updated bigint not null,
  deployment_id uuid not null,
  version_info json not null,
  content json not null,
  created_by json,
  updated_by json,
  last_active bigint not null,
  primary key (workspace_id, id),
  foreign key (workspace_id, deployment_id) references deployment (workspace_id, id) on delete cascade
);

create index deployment_version_of_deployment on deployment_version (workspace_id, deployment_id, last_active, id);

alter table deployment_version enable row level security;
alter table deployment_version force row level security;
create policy of_workspace on deployment_version using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);

alter table deployment add column version_id uuid;
alter table deployment add column version_info json;
alter table deployment add column branch text;
alter table deployment add column base_id uuid;
alter table deployment add column root_id uuid;
alter table deployment add column disabled boolean not null default false;

alter table flow_run add column deployment_version_id uuid;
alter table flow_run add column deployment_version_info json;
