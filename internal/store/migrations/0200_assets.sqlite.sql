-- The catalogue of assets: what is known of each, and which of its events told of it last.
create table asset (
  workspace_id blob not null,
  key text not null,
  created integer not null,
  last_seen integer not null,
  described integer,
  name text not null,
  url text not null,
  description text not null,
  owners text not null,
  materialization_id blob,
  materialized integer,
  reference_id blob,
  referenced integer,
  primary key (workspace_id, key)
) strict, without rowid;

-- Each materialization of an asset, and each reference to one, which has no status.
create table asset_event (
  workspace_id blob not null,
  id blob not null,
  asset_key text not null,
  occurred integer not null,
  kind text not null,
  status text,
  flow_run_id blob,
  task_run_id blob,
  name text not null,
  url text not null,
  description text not null,
  owners text not null,
  upstream text not null,
  by_tools text not null,
  metadata text not null,
  originating_workspace_id blob,
  primary key (workspace_id, id)
) strict, without rowid;

create index ix_asset_event_asset on asset_event (workspace_id, asset_key, kind, occurred, id);

create index ix_asset_event_flow_run on asset_event (workspace_id, flow_run_id, kind, occurred, id)
where flow_run_id is not null;

create index ix_asset_event_task_run on asset_event (workspace_id, task_run_id, kind, occurred, id)
where task_run_id is not null;

create index ix_asset_event_occurred on asset_event (workspace_id, occurred);

-- Of which assets the latest materialization of an asset was made.
create table asset_dependency (
  workspace_id blob not null,
  downstream text not null,
  upstream text not null,
  occurred integer not null,
  status text not null,
  primary key (workspace_id, downstream, upstream)
) strict, without rowid;

create index ix_asset_dependency_upstream on asset_dependency (workspace_id, upstream);
