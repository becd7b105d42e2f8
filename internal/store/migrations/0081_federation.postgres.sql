-- A sign-in at another provider that was begun and has not come back yet.
create table auth_flow (
  hash text not null primary key,
  provider text not null,
  browser_hash text not null,
  next text not null,
  created bigint not null,
  expires bigint not null,
  used bigint
);

create index auth_flow_expires on auth_flow (expires);

-- Who somebody is at a provider, whom the link proves to have the address too.
alter table auth_magic_link add column provider text;

alter table auth_magic_link add column issuer text;

alter table auth_magic_link add column subject text;
