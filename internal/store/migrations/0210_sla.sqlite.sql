-- Agreements about runs: automations that tell when one is not kept. bound is in microseconds.
create table sla (
  workspace_id blob not null,
  automation_id blob not null,
  owner_resource text not null,
  kind text not null,
  severity text not null,
  bound integer not null,
  primary key (workspace_id, automation_id),
  foreign key (workspace_id, automation_id) references automation (workspace_id, id) on delete cascade
) strict, without rowid;

create index ix_sla_owner on sla (workspace_id, owner_resource);

-- Automations that the server keeps under a name for a workspace that has asked for them:
-- default-sla.<severity>, or the type of a managed automation with its settings.
create table kept_automation (
  workspace_id blob not null,
  name text not null,
  automation_id blob not null,
  settings text not null,
  primary key (workspace_id, name),
  foreign key (workspace_id, automation_id) references automation (workspace_id, id) on delete cascade
) strict, without rowid;

create index ix_kept_automation_automation on kept_automation (workspace_id, automation_id);
