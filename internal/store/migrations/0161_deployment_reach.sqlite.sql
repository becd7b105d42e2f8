-- Which blocks and variables the programs of a deployment's runs may use with tokens of their
-- own, as lists in JSON; null for all.
create table deployment_reach (
  workspace_id blob not null,
  deployment_id blob not null,
  updated integer not null,
  blocks text,
  variables text,
  primary key (workspace_id, deployment_id),
  foreign key (workspace_id, deployment_id) references deployment (workspace_id, id) on delete cascade
) strict, without rowid;
