-- The identity provider of an account, as its metadata tells; an account has one at most.
create table sso_connection (
  account_id uuid not null primary key,
  id uuid not null,
  created bigint not null,
  updated bigint not null,
  name text not null,
  entity_id text not null,
  metadata text not null,
  attributes text not null
);

-- Who has come back from an account's provider, until the browser that began fetches it.
create table auth_arrival (
  hash text not null primary key,
  account_id uuid not null,
  browser_hash text,
  next text not null,
  issuer text not null,
  subject text not null,
  email text not null,
  first_name text not null,
  last_name text not null,
  groups_json text not null,
  created bigint not null,
  expires bigint not null,
  used bigint
);

create index auth_arrival_expires on auth_arrival (expires);
