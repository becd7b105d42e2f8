-- The keys of secrets: see package crypt. An account's are sealed with the master key,
-- which is not in the database, a workspace's with its account's.
create table account_key (
  account_id uuid not null,
  version integer not null,
  created bigint not null,
  sealed text not null,
  primary key (account_id, version)
);

-- The newest seals; the others open what was sealed before. resealed is when nothing was
-- left that an older one had sealed.
create table workspace_key (
  workspace_id uuid not null,
  version integer not null,
  created bigint not null,
  sealed text not null,
  resealed bigint,
  primary key (workspace_id, version)
);
