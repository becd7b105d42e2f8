-- The catalogue of assets: what is known of each, and which of its events told of it last.
create table asset (
  workspace_id uuid not null,
  key text collate "C" not null,
  created bigint not null,
  last_seen bigint not null,
  described bigint,
  name text not null,
  url text not null,
  description text not null,
  owners text not null,
  materialization_id uuid,
  materialized bigint,
  reference_id uuid,
  referenced bigint,
  primary key (workspace_id, key)
);

-- Each materialization of an asset, and each reference to one, which has no status.
create table asset_event (
  workspace_id uuid not null,
  id uuid not null,
  asset_key text collate "C" not null,
  occurred bigint not null,
  kind text not null,
  status text,
  flow_run_id uuid,
  task_run_id uuid,
  name text not null,
  url text not null,
  description text not null,
  owners text not null,
  upstream text not null,
  by_tools text not null,
  metadata text not null,
  originating_workspace_id uuid,
  primary key (workspace_id, id)
);

create index ix_asset_event_asset on asset_event (workspace_id, asset_key, kind, occurred, id);

create index ix_asset_event_flow_run on asset_event (workspace_id, flow_run_id, kind, occurred, id)
where flow_run_id is not null;

create index ix_asset_event_task_run on asset_event (workspace_id, task_run_id, kind, occurred, id)
where task_run_id is not null;

create index ix_asset_event_occurred on asset_event (workspace_id, occurred);

-- Of which assets the latest materialization of an asset was made.
create table asset_dependency (
  workspace_id uuid not null,
  downstream text collate "C" not null,
  upstream text collate "C" not null,
  occurred bigint not null,
  status text not null,
  primary key (workspace_id, downstream, upstream)
);

create index ix_asset_dependency_upstream on asset_dependency (workspace_id, upstream);

alter table asset enable row level security;
alter table asset force row level security;
create policy of_workspace on asset using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);

alter table asset_event enable row level security;
alter table asset_event force row level security;
create policy of_workspace on asset_event using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);

alter table asset_dependency enable row level security;
alter table asset_dependency force row level security;
create policy of_workspace on asset_dependency using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);
