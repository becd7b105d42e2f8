-- What accounts decide about themselves: whom addresses let in, how much they may ask of
-- the server, what becomes of requests from elsewhere, and who may use single objects.

alter table account add column deleted integer;

create table ip_allow (
  account_id blob not null,
  position integer not null,
  ip_network text not null,
  enabled integer not null,
  description text,
  last_seen integer,
  primary key (account_id, position)
) strict;

create table rate_allocation (
  account_id blob not null,
  workspace_id blob not null,
  id blob not null,
  created integer not null,
  updated integer not null,
  percentage real not null,
  primary key (account_id, workspace_id)
) strict;

-- What was asked for in a minute, and how much of it was granted. Servers add up theirs.
create table rate_usage (
  account_id blob not null,
  minute integer not null,
  bucket text not null,
  workspace_id blob not null,
  actor_id blob not null,
  actor_name text not null,
  key_name text not null,
  requested integer not null,
  granted integer not null,
  primary key (account_id, bucket, minute, workspace_id, actor_id, key_name)
) strict;

create index ix_rate_usage_minute on rate_usage (minute);

create table webhook (
  workspace_id blob not null,
  id blob not null,
  created integer not null,
  updated integer not null,
  name text not null,
  description text not null,
  enabled integer not null,
  service_account_id blob,
  template text not null,
  slug text not null,
  primary key (workspace_id, id)
) strict;

create unique index uq_webhook_slug on webhook (slug);

create index ix_webhook_name on webhook (workspace_id, name, id);

-- Who may use an object of its own besides what roles say. The subject of zeros is
-- everybody; levels are view, run and manage.
create table object_access (
  workspace_id blob not null,
  kind text not null,
  object_id blob not null,
  level text not null,
  subject_id blob not null,
  is_team integer not null,
  primary key (workspace_id, kind, object_id, level, subject_id)
) strict;

alter table automation add column owner_id blob;

-- What lets the program of one flow run in, until it has ended.
create table run_token (
  workspace_id blob not null,
  hash blob not null,
  id blob not null,
  flow_run_id blob not null,
  actor_id blob not null,
  created integer not null,
  expires integer not null,
  primary key (workspace_id, hash)
) strict;

create unique index uq_run_token_hash on run_token (hash);

create index ix_run_token_expires on run_token (workspace_id, expires);
