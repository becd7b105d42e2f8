-- The tokens with which directories write an account's people and teams by SCIM.
create table scim_token (
  account_id uuid not null,
  id uuid not null,
  created bigint not null,
  name text not null,
  hash bytea not null,
  suffix text not null,
  expires bigint,
  last_used bigint,
  primary key (account_id, id)
);

create unique index scim_token_hash on scim_token (hash);
