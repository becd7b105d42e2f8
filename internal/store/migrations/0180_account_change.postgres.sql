-- Accounts in which certain changes wait for a second person, and how long.
create table change_control (
  account_id uuid not null primary key,
  hours bigint not null
);

-- Changes that wait, or waited: the request that makes each. Its body goes when it is decided.
create table account_change (
  account_id uuid not null,
  id uuid not null,
  created bigint not null,
  expires bigint not null,
  actor_id uuid not null,
  method text not null,
  path text not null,
  permission text not null,
  body text not null,
  status text not null,
  decided_by uuid,
  decided bigint,
  outcome text,
  primary key (account_id, id)
);

create index ix_account_change_created on account_change (account_id, created);
