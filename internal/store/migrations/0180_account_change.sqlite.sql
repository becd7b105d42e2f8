-- Accounts in which certain changes wait for a second person, and how long.
create table change_control (
  account_id blob not null primary key,
  hours integer not null
) strict, without rowid;

-- Changes that wait, or waited: the request that makes each. Its body goes when it is decided.
create table account_change (
  account_id blob not null,
  id blob not null,
  created integer not null,
  expires integer not null,
  actor_id blob not null,
  method text not null,
  path text not null,
  permission text not null,
  body text not null,
  status text not null,
  decided_by blob,
  decided integer,
  outcome text,
  primary key (account_id, id)
) strict, without rowid;

create index ix_account_change_created on account_change (account_id, created);
