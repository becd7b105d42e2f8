-- Who may use the server and what for: accounts with their members, the workspaces of
-- accounts, who has access to them, and the keys that people and service accounts bring.
-- Workspace and account of a server without accounts have the id of zeros.

create table account (
  id uuid primary key,
  created bigint not null,
  updated bigint not null,
  name text not null,
  handle text not null,
  location text,
  link text,
  billing_email text,
  settings jsonb not null,
  auth_expiration_seconds integer,
  sso_state text not null,
  require_mfa boolean not null,
  restrict_to_domains boolean not null
);

create unique index uq_account_handle on account (handle);

insert into account (id, created, updated, name, handle, settings, sso_state, require_mfa, restrict_to_domains)
values ('00000000-0000-0000-0000-000000000000', 0, 0, 'default', 'default', '{}', 'DISABLED', false, false);

alter table workspace add column account_id uuid not null default '00000000-0000-0000-0000-000000000000';

alter table workspace add column handle text not null default 'default';

alter table workspace add column description text not null default '';

alter table workspace add column default_workspace_role_id uuid;

alter table workspace add column is_public boolean not null default false;

alter table workspace add column settings jsonb not null default '{}';

create unique index uq_workspace_handle on workspace (account_id, handle);

-- A domain whose addresses belong to the account's people once it is verified.
create table account_domain (
  account_id uuid not null,
  id uuid not null,
  created bigint not null,
  updated bigint not null,
  name text not null,
  dns_token text not null,
  verified_at bigint,
  checked_at bigint,
  failures integer not null default 0,
  primary key (account_id, id)
);

create unique index uq_account_domain_name on account_domain (account_id, name);

create index ix_account_domain_verified on account_domain (name) where verified_at is not null;

-- A person. There is no password. The id of a person or service account is also that of
-- the actor, which memberships, access and keys name.
create table auth_user (
  id uuid primary key,
  created bigint not null,
  updated bigint not null,
  handle text not null,
  first_name text not null,
  last_name text not null,
  email text not null,
  email_norm text not null,
  location text,
  title text,
  settings jsonb not null,
  last_login bigint
);

create unique index uq_auth_user_email on auth_user (email_norm);

create unique index uq_auth_user_handle on auth_user (handle);

create table bot (
  account_id uuid not null,
  id uuid not null,
  created bigint not null,
  updated bigint not null,
  name text not null,
  primary key (account_id, id)
);

create unique index uq_bot_name on bot (account_id, name);

create unique index uq_bot_id on bot (id);

create table account_role (
  account_id uuid not null,
  id uuid not null,
  created bigint not null,
  updated bigint not null,
  name text not null,
  permissions jsonb not null,
  primary key (account_id, id)
);

create unique index uq_account_role_name on account_role (account_id, name);

create table account_membership (
  account_id uuid not null,
  id uuid not null,
  created bigint not null,
  updated bigint not null,
  actor_id uuid not null,
  actor_type text not null,
  account_role_id uuid not null,
  active boolean not null,
  directory_id text,
  primary key (account_id, id)
);

create unique index uq_account_membership_actor on account_membership (actor_id, account_id);

create table team (
  account_id uuid not null,
  id uuid not null,
  created bigint not null,
  updated bigint not null,
  name text not null,
  description text not null,
  directory_group_id text,
  primary key (account_id, id)
);

create unique index uq_team_name on team (account_id, name);

create table team_membership (
  account_id uuid not null,
  team_id uuid not null,
  actor_id uuid not null,
  actor_type text not null,
  created bigint not null,
  primary key (account_id, team_id, actor_id)
);

create index ix_team_membership_actor on team_membership (actor_id);

create table workspace_role (
  account_id uuid not null,
  id uuid not null,
  created bigint not null,
  updated bigint not null,
  name text not null,
  description text not null,
  scopes jsonb not null,
  inherited_role_id uuid,
  primary key (account_id, id)
);

create unique index uq_workspace_role_name on workspace_role (account_id, name);

-- subject_type is user, service_account or team. Access with an end is none after it.
create table workspace_access (
  workspace_id uuid not null,
  id uuid not null,
  created bigint not null,
  updated bigint not null,
  subject_id uuid not null,
  subject_type text not null,
  workspace_role_id uuid not null,
  expires bigint,
  primary key (workspace_id, id)
);

create unique index uq_workspace_access_subject on workspace_access (workspace_id, subject_id);

create index ix_workspace_access_subject on workspace_access (subject_id);

create table invitation (
  account_id uuid not null,
  id uuid not null,
  created bigint not null,
  updated bigint not null,
  email text not null,
  email_norm text not null,
  account_role_id uuid not null,
  workspace_id uuid,
  workspace_role_id uuid,
  status text not null,
  expiration bigint not null,
  code_hash bytea not null,
  invited_by uuid,
  primary key (account_id, id)
);

create unique index uq_invitation_id on invitation (id);

create index ix_invitation_email on invitation (email_norm);

-- A secret that its owner shows with each request; only its hash is kept.
create table api_key (
  id uuid primary key,
  created bigint not null,
  updated bigint not null,
  actor_id uuid not null,
  name text not null,
  prefix text not null,
  suffix text not null,
  hash bytea not null,
  created_by uuid,
  expiration bigint,
  replaces_id uuid,
  revoked_at bigint,
  last_used_at bigint,
  last_ip text
);

create unique index uq_api_key_hash on api_key (hash);

create index ix_api_key_actor on api_key (actor_id, created);

-- Counts what takes something away from somebody, so that every server notices.
create table revocation_epoch (
  scope text primary key,
  epoch bigint not null
);

insert into revocation_epoch (scope, epoch)
values ('all', 0);

-- What was changed by whom, each entry sealed with the hash of the one before. The head
-- tells where the chain of an account ends.
create table audit_entry (
  account_id uuid not null,
  seq bigint not null,
  id uuid not null,
  occurred bigint not null,
  event text not null,
  workspace_id uuid,
  actor_id uuid,
  resource_id text not null,
  entry text not null,
  prev_hash bytea not null,
  hash bytea not null,
  primary key (account_id, seq)
);

create index ix_audit_entry_occurred on audit_entry (account_id, occurred);

create table audit_head (
  account_id uuid primary key,
  seq bigint not null,
  hash bytea not null
);
