-- How people sign in. Of secrets only the SHA-256 is kept, in hex. Rows belong to users,
-- not to workspaces.
create table auth_magic_link (
  id blob not null primary key,
  created integer not null,
  expires integer not null,
  email text not null,
  purpose text not null,
  user_id blob,
  token_hash text not null,
  browser_hash text,
  device_challenge text,
  words text not null,
  code_hash text,
  attempts integer not null,
  ip text not null,
  agent text not null,
  next text not null,
  approved integer,
  used integer,
  ended text,
  last_poll integer
) strict, without rowid;

create unique index auth_magic_link_token on auth_magic_link (token_hash);
create index auth_magic_link_email on auth_magic_link (email, purpose);
create index auth_magic_link_browser on auth_magic_link (browser_hash);
create index auth_magic_link_expires on auth_magic_link (expires);

-- Sessions of browsers, access tokens and refresh tokens. A family are those that came
-- from one sign-in: they end together.
create table auth_token (
  id blob not null primary key,
  kind text not null,
  hash text not null,
  family_id blob not null,
  actor_id blob not null,
  sso_account_id blob,
  client text not null,
  scope text not null,
  method text not null,
  authenticated integer not null,
  ip text not null,
  agent text not null,
  created integer not null,
  last_used integer not null,
  idle_until integer not null,
  expires integer not null,
  family_expires integer not null,
  used integer,
  revoked integer,
  reason text
) strict, without rowid;

create unique index auth_token_hash on auth_token (hash);
create index auth_token_family on auth_token (family_id);
create index auth_token_actor on auth_token (actor_id, kind);
create index auth_token_expires on auth_token (expires);

create table auth_code (
  hash text not null primary key,
  client text not null,
  actor_id blob not null,
  sso_account_id blob,
  redirect_uri text not null,
  challenge text not null,
  nonce text not null,
  scope text not null,
  method text not null,
  authenticated integer not null,
  family_id blob not null,
  created integer not null,
  expires integer not null,
  used integer
) strict, without rowid;

create index auth_code_expires on auth_code (expires);

create table auth_device (
  id blob not null primary key,
  device_hash text not null,
  user_code_hash text not null,
  client text not null,
  scope text not null,
  status text not null,
  actor_id blob,
  sso_account_id blob,
  method text not null,
  authenticated integer,
  label text not null,
  ip text not null,
  agent text not null,
  poll_interval integer not null,
  last_poll integer,
  created integer not null,
  expires integer not null
) strict, without rowid;

create unique index auth_device_device on auth_device (device_hash);
create unique index auth_device_user_code on auth_device (user_code_hash);
create index auth_device_expires on auth_device (expires);

-- Who a user is at a provider. An address of mail is no identity.
create table auth_user_identity (
  id blob not null primary key,
  user_id blob not null,
  provider text not null,
  issuer text not null,
  subject text not null,
  email text not null,
  created integer not null,
  last_login integer not null
) strict, without rowid;

create unique index auth_user_identity_subject on auth_user_identity (issuer, subject);
create index auth_user_identity_user on auth_user_identity (user_id);

-- What was tried, so that all servers on the database count together.
create table auth_throttle (
  bucket text not null,
  at integer not null,
  id blob not null,
  primary key (bucket, at, id)
) strict, without rowid;

create index auth_throttle_at on auth_throttle (at);

-- What must not be taken twice: ids of assertions and tokens of others.
create table auth_seen (
  hash text not null primary key,
  expires integer not null
) strict, without rowid;

create index auth_seen_expires on auth_seen (expires);
