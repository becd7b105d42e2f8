-- How people sign in. Of secrets only the SHA-256 is kept, in hex. Rows belong to users,
-- not to workspaces.
create table auth_magic_link (
  id uuid not null primary key,
  created bigint not null,
  expires bigint not null,
  email text not null,
  purpose text not null,
  user_id uuid,
  token_hash text not null,
  browser_hash text,
  device_challenge text,
  words text not null,
  code_hash text,
  attempts bigint not null,
  ip text not null,
  agent text not null,
  next text not null,
  approved bigint,
  used bigint,
  ended text,
  last_poll bigint
);

create unique index auth_magic_link_token on auth_magic_link (token_hash);
create index auth_magic_link_email on auth_magic_link (email, purpose);
create index auth_magic_link_browser on auth_magic_link (browser_hash);
create index auth_magic_link_expires on auth_magic_link (expires);

-- Sessions of browsers, access tokens and refresh tokens. A family are those that came
-- from one sign-in: they end together.
create table auth_token (
  id uuid not null primary key,
  kind text not null,
  hash text not null,
  family_id uuid not null,
  actor_id uuid not null,
  sso_account_id uuid,
  client text not null,
  scope text not null,
  method text not null,
  authenticated bigint not null,
  ip text not null,
  agent text not null,
  created bigint not null,
  last_used bigint not null,
  idle_until bigint not null,
  expires bigint not null,
  family_expires bigint not null,
  used bigint,
  revoked bigint,
  reason text
);

create unique index auth_token_hash on auth_token (hash);
create index auth_token_family on auth_token (family_id);
create index auth_token_actor on auth_token (actor_id, kind);
create index auth_token_expires on auth_token (expires);

create table auth_code (
  hash text not null primary key,
  client text not null,
  actor_id uuid not null,
  sso_account_id uuid,
  redirect_uri text not null,
  challenge text not null,
  nonce text not null,
  scope text not null,
  method text not null,
  authenticated bigint not null,
  family_id uuid not null,
  created bigint not null,
  expires bigint not null,
  used bigint
);

create index auth_code_expires on auth_code (expires);

create table auth_device (
  id uuid not null primary key,
  device_hash text not null,
  user_code_hash text not null,
  client text not null,
  scope text not null,
  status text not null,
  actor_id uuid,
  sso_account_id uuid,
  method text not null,
  authenticated bigint,
  label text not null,
  ip text not null,
  agent text not null,
  poll_interval bigint not null,
  last_poll bigint,
  created bigint not null,
  expires bigint not null
);

create unique index auth_device_device on auth_device (device_hash);
create unique index auth_device_user_code on auth_device (user_code_hash);
create index auth_device_expires on auth_device (expires);

-- Who a user is at a provider. An address of mail is no identity.
create table auth_user_identity (
  id uuid not null primary key,
  user_id uuid not null,
  provider text not null,
  issuer text not null,
  subject text not null,
  email text not null,
  created bigint not null,
  last_login bigint not null
);

create unique index auth_user_identity_subject on auth_user_identity (issuer, subject);
create index auth_user_identity_user on auth_user_identity (user_id);

-- What was tried, so that all servers on the database count together.
create table auth_throttle (
  bucket text not null,
  at bigint not null,
  id uuid not null,
  primary key (bucket, at, id)
);

create index auth_throttle_at on auth_throttle (at);

-- What must not be taken twice: ids of assertions and tokens of others.
create table auth_seen (
  hash text not null primary key,
  expires bigint not null
);

create index auth_seen_expires on auth_seen (expires);
