-- Which blocks and variables the programs of a deployment's runs may use with tokens of their
-- own, as lists in JSON; null for all.
create table deployment_reach (
  workspace_id uuid not null,
  deployment_id uuid not null,
  updated bigint not null,
  blocks text,
  variables text,
  primary key (workspace_id, deployment_id),
  foreign key (workspace_id, deployment_id) references deployment (workspace_id, id) on delete cascade
);

alter table deployment_reach enable row level security;
alter table deployment_reach force row level security;
create policy of_workspace on deployment_reach using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);
