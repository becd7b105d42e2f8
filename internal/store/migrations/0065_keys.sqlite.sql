-- The keys of secrets: see package crypt. An account's are sealed with the master key,
-- which is not in the database, a workspace's with its account's.
create table account_key (
  account_id blob not null,
  version integer not null,
  created integer not null,
  sealed text not null,
  primary key (account_id, version)
) strict, without rowid;

-- The newest seals; the others open what was sealed before. resealed is when nothing was
-- left that an older one had sealed.
create table workspace_key (
  workspace_id blob not null,
  version integer not null,
  created integer not null,
  sealed text not null,
  resealed integer,
  primary key (workspace_id, version)
) strict, without rowid;
