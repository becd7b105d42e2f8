-- What accounts decide about themselves: whom addresses let in, how much they may ask of
-- the server, what becomes of requests from elsewhere, and who may use single objects.

alter table account add column deleted bigint;

create table ip_allow (
  account_id uuid not null,
  position integer not null,
  ip_network text not null,
  enabled boolean not null,
  description text,
  last_seen bigint,
  primary key (account_id, position)
);

create table rate_allocation (
  account_id uuid not null,
  workspace_id uuid not null,
  id uuid not null,
  created bigint not null,
  updated bigint not null,
  percentage double precision not null,
  primary key (account_id, workspace_id)
);

-- What was asked for in a minute, and how much of it was granted. Servers add up theirs.
create table rate_usage (
  account_id uuid not null,
  minute bigint not null,
  bucket text not null,
  workspace_id uuid not null,
  actor_id uuid not null,
  actor_name text not null,
  key_name text not null,
  requested bigint not null,
  granted bigint not null,
  primary key (account_id, bucket, minute, workspace_id, actor_id, key_name)
);

create index ix_rate_usage_minute on rate_usage (minute);

create table webhook (
  workspace_id uuid not null,
  id uuid not null,
  created bigint not null,
  updated bigint not null,
  name text not null,
  description text not null,
  enabled boolean not null,
  service_account_id uuid,
  template text not null,
  slug text not null,
  primary key (workspace_id, id)
);

create unique index uq_webhook_slug on webhook (slug);

create index ix_webhook_name on webhook (workspace_id, name, id);

-- Who may use an object of its own besides what roles say. The subject of zeros is
-- everybody; levels are view, run and manage.
create table object_access (
  workspace_id uuid not null,
  kind text not null,
  object_id uuid not null,
  level text not null,
  subject_id uuid not null,
  is_team boolean not null,
  primary key (workspace_id, kind, object_id, level, subject_id)
);

alter table automation add column owner_id uuid;

-- What lets the program of one flow run in, until it has ended.
create table run_token (
  workspace_id uuid not null,
  hash bytea not null,
  id uuid not null,
  flow_run_id uuid not null,
  actor_id uuid not null,
  created bigint not null,
  expires bigint not null,
  primary key (workspace_id, hash)
);

create unique index uq_run_token_hash on run_token (hash);

create index ix_run_token_expires on run_token (workspace_id, expires);
