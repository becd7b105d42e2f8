-- What a person shows besides the first proof: an authenticator app, whose seed is sealed,
-- or a passkey, of which the public half is kept.
create table auth_factor (
  id uuid not null primary key,
  user_id uuid not null,
  kind text not null,
  name text not null,
  secret text not null,
  credential text,
  last_step bigint not null,
  created bigint not null,
  confirmed bigint,
  last_used bigint
);

create index auth_factor_user on auth_factor (user_id);
create unique index auth_factor_credential on auth_factor (credential);

-- Codes on paper for who has lost the rest; each works once.
create table auth_recovery (
  user_id uuid not null,
  hash text not null,
  created bigint not null,
  used bigint,
  primary key (user_id, hash)
);

-- What a browser was asked to sign with a passkey.
create table auth_challenge (
  hash text not null primary key,
  user_id uuid not null,
  purpose text not null,
  data text not null,
  expires bigint not null,
  used bigint
);

create index auth_challenge_expires on auth_challenge (expires);
