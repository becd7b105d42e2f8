-- The tokens with which directories write an account's people and teams by SCIM.
create table scim_token (
  account_id blob not null,
  id blob not null,
  created integer not null,
  name text not null,
  hash blob not null,
  suffix text not null,
  expires integer,
  last_used integer,
  primary key (account_id, id)
) strict, without rowid;

create unique index scim_token_hash on scim_token (hash);
