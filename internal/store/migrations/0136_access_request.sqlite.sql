-- Who asks for a role in a workspace for a while. One that was approved gives the role until
-- it expires, besides what else its actor may do.
create table access_request (
  account_id blob not null,
  workspace_id blob not null,
  id blob not null,
  created integer not null,
  updated integer not null,
  actor_id blob not null,
  actor_type text not null,
  workspace_role_id blob not null,
  seconds integer not null,
  reason text not null,
  status text not null,
  decided_by blob,
  expires integer,
  primary key (account_id, id)
) strict;

create index ix_access_request_created on access_request (account_id, created);

create index ix_access_request_actor on access_request (actor_id, status);

create index ix_access_request_workspace on access_request (workspace_id);
