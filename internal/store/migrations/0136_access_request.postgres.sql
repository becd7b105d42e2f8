-- Who asks for a role in a workspace for a while. One that was approved gives the role until
-- it expires, besides what else its actor may do.
create table access_request (
  account_id uuid not null,
  workspace_id uuid not null,
  id uuid not null,
  created bigint not null,
  updated bigint not null,
  actor_id uuid not null,
  actor_type text not null,
  workspace_role_id uuid not null,
  seconds bigint not null,
  reason text not null,
  status text not null,
  decided_by uuid,
  expires bigint,
  primary key (account_id, id)
);

create index ix_access_request_created on access_request (account_id, created);

create index ix_access_request_actor on access_request (actor_id, status);

create index ix_access_request_workspace on access_request (workspace_id);
