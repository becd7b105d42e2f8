-- The foundation: everything a control plane of runs and events keeps.
--
-- Columns are named as the contract's fields. Every table carries its workspace, and
-- every key and reference includes it, so that no row can belong to two. Times and
-- durations are microseconds; free JSON keeps its text. Indexes start with the
-- workspace, so that the one that knows most about a query is preferred.

create table schema_migration (
  version bigint primary key,
  name text not null,
  checksum text not null
);

create table workspace (
  id uuid primary key,
  created bigint not null,
  updated bigint not null,
  name text not null
);

insert into workspace (id, created, updated, name)
values ('00000000-0000-0000-0000-000000000000', 0, 0, 'default');

-- Flows and their runs. A run repeats its current state, so that a list of runs needs
-- no other table.

create table flow (
  workspace_id uuid not null,
  id uuid not null,
  created bigint not null,
  updated bigint not null,
  name text not null,
  tags jsonb not null,
  labels json,
  primary key (workspace_id, id)
);

create unique index uq_flow_name on flow (workspace_id, name);

create index ix_flow_created on flow (workspace_id, created);

create table flow_run (
  workspace_id uuid not null,
  id uuid not null,
  created bigint not null,
  updated bigint not null,
  name text not null,
  flow_id uuid not null,
  deployment_id uuid,
  deployment_version text,
  flow_version text,
  parameters json not null,
  context json not null,
  job_variables json,
  empirical_policy json not null,
  tags jsonb not null,
  labels json,
  idempotency_key text,
  parent_task_run_id uuid,
  work_queue_id uuid,
  work_queue_name text,
  run_count bigint not null default 0,
  expected_start_time bigint,
  next_scheduled_start_time bigint,
  start_time bigint,
  end_time bigint,
  total_run_time bigint not null default 0,
  auto_scheduled boolean not null default false,
  schedule_id uuid,
  created_by json,
  infrastructure_document_id uuid,
  infrastructure_pid text,
  state_id uuid,
  state_type text,
  state_name text,
  state_timestamp bigint,
  state_message text,
  state_data json,
  state_details json,
  primary key (workspace_id, id),
  constraint fk_flow_run_flow
    foreign key (workspace_id, flow_id)
    references flow (workspace_id, id)
    on delete cascade
);

create unique index uq_flow_run_idempotency_key on flow_run (workspace_id, flow_id, idempotency_key)
where idempotency_key is not null;

create index ix_flow_run_start on flow_run (workspace_id, coalesce(start_time, expected_start_time), id);

create index ix_flow_run_flow_start on flow_run (workspace_id, flow_id, coalesce(start_time, expected_start_time), id);

create index ix_flow_run_deployment_start on flow_run (workspace_id, deployment_id, coalesce(start_time, expected_start_time), id)
where deployment_id is not null;

create index ix_flow_run_state_type_start on flow_run (workspace_id, state_type, coalesce(start_time, expected_start_time), id);

create index ix_flow_run_state_name_start on flow_run (workspace_id, state_name, coalesce(start_time, expected_start_time), id);

create index ix_flow_run_expected_start on flow_run (workspace_id, expected_start_time, id);

create index ix_flow_run_end on flow_run (workspace_id, end_time, id);

create index ix_flow_run_name on flow_run (workspace_id, name, id);

create index ix_flow_run_parent on flow_run (workspace_id, parent_task_run_id)
where parent_task_run_id is not null;

-- One index answers which runs a queue has to hand out, in order, and how many of its
-- slots are taken.
create index ix_flow_run_queue on flow_run (workspace_id, work_queue_id, state_type, next_scheduled_start_time, id)
where work_queue_id is not null;

create index ix_flow_run_next on flow_run (workspace_id, next_scheduled_start_time, id)
where state_type = 'SCHEDULED';

create index ix_flow_run_late on flow_run (workspace_id, next_scheduled_start_time)
where state_type = 'SCHEDULED' and state_name = 'Scheduled';

create index ix_flow_run_schedule on flow_run (workspace_id, deployment_id, schedule_id, next_scheduled_start_time)
where state_type = 'SCHEDULED' and auto_scheduled;

create index ix_flow_run_cancelling on flow_run (workspace_id, state_timestamp)
where state_type = 'CANCELLING';

create index ix_flow_run_paused on flow_run (workspace_id, state_timestamp)
where state_type = 'PAUSED';

create index ix_flow_run_cancelled on flow_run (workspace_id, end_time)
where state_type = 'CANCELLED';

create index ix_flow_run_tags on flow_run using gin (tags);

create table flow_run_state (
  workspace_id uuid not null,
  id uuid not null,
  flow_run_id uuid not null,
  type text not null,
  name text not null,
  timestamp bigint not null,
  message text,
  data json,
  state_details json not null,
  result_artifact_id uuid,
  primary key (workspace_id, id),
  constraint fk_flow_run_state_flow_run
    foreign key (workspace_id, flow_run_id)
    references flow_run (workspace_id, id)
    on delete cascade
);

create unique index uq_flow_run_state_timestamp on flow_run_state (workspace_id, flow_run_id, timestamp);

create table flow_run_input (
  workspace_id uuid not null,
  id uuid not null,
  created bigint not null,
  updated bigint not null,
  flow_run_id uuid not null,
  key text not null,
  value text not null,
  sender text,
  primary key (workspace_id, id),
  constraint fk_flow_run_input_flow_run
    foreign key (workspace_id, flow_run_id)
    references flow_run (workspace_id, id)
    on delete cascade
);

create unique index uq_flow_run_input_key on flow_run_input (workspace_id, flow_run_id, key);

create table task_run (
  workspace_id uuid not null,
  id uuid not null,
  created bigint not null,
  updated bigint not null,
  name text not null,
  flow_run_id uuid,
  task_key text not null,
  dynamic_key text not null,
  task_version text,
  task_inputs json not null,
  cache_key text,
  cache_expiration bigint,
  empirical_policy json not null,
  tags jsonb not null,
  labels json,
  run_count bigint not null default 0,
  flow_run_run_count bigint not null default 0,
  expected_start_time bigint,
  next_scheduled_start_time bigint,
  start_time bigint,
  end_time bigint,
  total_run_time bigint not null default 0,
  state_id uuid,
  state_type text,
  state_name text,
  state_timestamp bigint,
  state_message text,
  state_data json,
  state_details json,
  primary key (workspace_id, id),
  constraint fk_task_run_flow_run
    foreign key (workspace_id, flow_run_id)
    references flow_run (workspace_id, id)
    on delete cascade
);

create unique index uq_task_run_dynamic_key on task_run (workspace_id, flow_run_id, task_key, dynamic_key);

create index ix_task_run_flow_run_state on task_run (workspace_id, flow_run_id, state_type);

create index ix_task_run_flow_run_expected_start on task_run (workspace_id, flow_run_id, expected_start_time, id);

create index ix_task_run_expected_start on task_run (workspace_id, expected_start_time, id);

create index ix_task_run_state_type_start on task_run (workspace_id, state_type, start_time);

create index ix_task_run_end on task_run (workspace_id, end_time, id);

create index ix_task_run_tags on task_run using gin (tags);

create table task_run_state (
  workspace_id uuid not null,
  id uuid not null,
  task_run_id uuid not null,
  type text not null,
  name text not null,
  timestamp bigint not null,
  message text,
  data json,
  state_details json not null,
  result_artifact_id uuid,
  primary key (workspace_id, id),
  constraint fk_task_run_state_task_run
    foreign key (workspace_id, task_run_id)
    references task_run (workspace_id, id)
    on delete cascade
);

create unique index uq_task_run_state_timestamp on task_run_state (workspace_id, task_run_id, timestamp);

create table task_run_state_cache (
  workspace_id uuid not null,
  id uuid not null,
  created bigint not null,
  updated bigint not null,
  cache_key text not null,
  cache_expiration bigint,
  task_run_state_id uuid not null,
  primary key (workspace_id, id)
);

create index ix_task_run_state_cache_key on task_run_state_cache (workspace_id, cache_key, created);

-- Task runs that wait for a task worker; a row goes when a worker has confirmed its run.
-- One that was handed out comes back when it is not confirmed in time.
create table background_task (
  workspace_id uuid not null,
  task_run_id uuid not null,
  task_key text not null,
  retry boolean not null default false,
  queued bigint not null,
  claimed_until bigint,
  primary key (workspace_id, task_run_id),
  constraint fk_background_task_task_run
    foreign key (workspace_id, task_run_id)
    references task_run (workspace_id, id)
    on delete cascade
);

create index ix_background_task_key on background_task (workspace_id, task_key, retry desc, queued);

-- A run outlives the task run that started it.
create function unlink_flow_run_parent_task_run_id() returns trigger language plpgsql as $$
begin
  update flow_run
  set parent_task_run_id = null
  where workspace_id = old.workspace_id
  and parent_task_run_id = old.id;
  return null;
end
$$;

create trigger unlink_flow_run_parent_task_run_id
after delete on task_run
for each row
execute function unlink_flow_run_parent_task_run_id();

-- Deployments and their schedules. A finished run keeps the id of its deployment when
-- that is gone, so nothing refers to a deployment but its schedules.

create table deployment (
  workspace_id uuid not null,
  id uuid not null,
  created bigint not null,
  updated bigint not null,
  name text not null,
  flow_id uuid not null,
  version text,
  description text,
  paused boolean not null default false,
  status text not null default 'NOT_READY',
  last_polled bigint,
  tags jsonb not null,
  labels json,
  parameters json not null,
  parameter_openapi_schema json,
  enforce_parameter_schema boolean not null default true,
  job_variables json not null,
  pull_steps json,
  path text,
  entrypoint text,
  work_queue_id uuid,
  work_queue_name text,
  concurrency_limit_id uuid,
  concurrency_options json,
  storage_document_id uuid,
  infrastructure_document_id uuid,
  created_by json,
  updated_by json,
  primary key (workspace_id, id),
  constraint fk_deployment_flow
    foreign key (workspace_id, flow_id)
    references flow (workspace_id, id)
    on delete cascade
);

create unique index uq_deployment_name on deployment (workspace_id, flow_id, name);

create index ix_deployment_name on deployment (workspace_id, name, id);

create index ix_deployment_created on deployment (workspace_id, created);

create index ix_deployment_updated on deployment (workspace_id, updated);

create index ix_deployment_queue on deployment (workspace_id, work_queue_id);

create index ix_deployment_concurrency_limit on deployment (workspace_id, concurrency_limit_id);

create index ix_deployment_tags on deployment using gin (tags);

create table deployment_schedule (
  workspace_id uuid not null,
  id uuid not null,
  created bigint not null,
  updated bigint not null,
  deployment_id uuid not null,
  schedule json not null,
  active boolean not null default true,
  max_scheduled_runs bigint,
  parameters json not null,
  slug text,
  primary key (workspace_id, id),
  constraint fk_deployment_schedule_deployment
    foreign key (workspace_id, deployment_id)
    references deployment (workspace_id, id)
    on delete cascade
);

create unique index uq_deployment_schedule_slug on deployment_schedule (workspace_id, deployment_id, slug);

-- Work pools, their queues and workers.

create table work_pool (
  workspace_id uuid not null,
  id uuid not null,
  created bigint not null,
  updated bigint not null,
  name text not null,
  type text not null,
  description text,
  base_job_template json not null,
  is_paused boolean not null default false,
  concurrency_limit bigint,
  default_queue_id uuid,
  status text not null default 'NOT_READY',
  last_transitioned_status_at bigint,
  last_status_event_id uuid,
  storage_configuration json not null,
  primary key (workspace_id, id)
);

create unique index uq_work_pool_name on work_pool (workspace_id, name);

create table work_queue (
  workspace_id uuid not null,
  id uuid not null,
  created bigint not null,
  updated bigint not null,
  work_pool_id uuid not null,
  name text not null,
  description text,
  is_paused boolean not null default false,
  concurrency_limit bigint,
  priority bigint not null default 1,
  status text not null default 'NOT_READY',
  last_polled bigint,
  filter json,
  primary key (workspace_id, id),
  constraint fk_work_queue_work_pool
    foreign key (workspace_id, work_pool_id)
    references work_pool (workspace_id, id)
    on delete cascade
);

create unique index uq_work_queue_name on work_queue (workspace_id, work_pool_id, name);

create index ix_work_queue_name on work_queue (workspace_id, name, id);

-- Runs and deployments outlive their queue and keep its name.
create function unlink_flow_run_work_queue_id() returns trigger language plpgsql as $$
begin
  update flow_run
  set work_queue_id = null
  where workspace_id = old.workspace_id
  and work_queue_id = old.id;
  return null;
end
$$;

create trigger unlink_flow_run_work_queue_id
after delete on work_queue
for each row
execute function unlink_flow_run_work_queue_id();
create function unlink_deployment_work_queue_id() returns trigger language plpgsql as $$
begin
  update deployment
  set work_queue_id = null
  where workspace_id = old.workspace_id
  and work_queue_id = old.id;
  return null;
end
$$;

create trigger unlink_deployment_work_queue_id
after delete on work_queue
for each row
execute function unlink_deployment_work_queue_id();

create table worker (
  workspace_id uuid not null,
  id uuid not null,
  created bigint not null,
  updated bigint not null,
  work_pool_id uuid not null,
  name text not null,
  last_heartbeat_time bigint,
  heartbeat_interval_seconds bigint,
  status text not null default 'OFFLINE',
  primary key (workspace_id, id),
  constraint fk_worker_work_pool
    foreign key (workspace_id, work_pool_id)
    references work_pool (workspace_id, id)
    on delete cascade
);

create unique index uq_worker_name on worker (workspace_id, work_pool_id, name);

create index ix_worker_heartbeat on worker (workspace_id, last_heartbeat_time);

-- Concurrency limits: by tag (v1) and by name (v2), and the leases that hold slots.

create table concurrency_limit (
  workspace_id uuid not null,
  id uuid not null,
  created bigint not null,
  updated bigint not null,
  tag text not null,
  concurrency_limit bigint not null,
  active_slots jsonb not null,
  primary key (workspace_id, id)
);

create unique index uq_concurrency_limit_tag on concurrency_limit (workspace_id, tag);

create table concurrency_limit_v2 (
  workspace_id uuid not null,
  id uuid not null,
  created bigint not null,
  updated bigint not null,
  active boolean not null default true,
  name text not null,
  "limit" bigint not null,
  active_slots bigint not null default 0,
  denied_slots bigint not null default 0,
  slot_decay_per_second double precision not null default 0,
  avg_slot_occupancy_seconds double precision not null default 2,
  primary key (workspace_id, id)
);

create unique index uq_concurrency_limit_v2_name on concurrency_limit_v2 (workspace_id, name);

create function unlink_deployment_concurrency_limit_id() returns trigger language plpgsql as $$
begin
  update deployment
  set concurrency_limit_id = null
  where workspace_id = old.workspace_id
  and concurrency_limit_id = old.id;
  return null;
end
$$;

create trigger unlink_deployment_concurrency_limit_id
after delete on concurrency_limit_v2
for each row
execute function unlink_deployment_concurrency_limit_id();

create table concurrency_lease (
  workspace_id uuid not null,
  id uuid not null,
  created bigint not null,
  updated bigint not null,
  expiration bigint not null,
  slots bigint not null,
  holder_type text,
  holder_id uuid,
  primary key (workspace_id, id)
);

create index ix_concurrency_lease_expiration on concurrency_lease (expiration);

create index ix_concurrency_lease_holder on concurrency_lease (workspace_id, holder_id);

create table concurrency_lease_limit (
  workspace_id uuid not null,
  concurrency_lease_id uuid not null,
  concurrency_limit_id uuid not null,
  primary key (workspace_id, concurrency_lease_id, concurrency_limit_id),
  constraint fk_concurrency_lease_limit_lease
    foreign key (workspace_id, concurrency_lease_id)
    references concurrency_lease (workspace_id, id)
    on delete cascade,
  constraint fk_concurrency_lease_limit_limit
    foreign key (workspace_id, concurrency_limit_id)
    references concurrency_limit_v2 (workspace_id, id)
    on delete cascade
);

create index ix_concurrency_lease_limit_limit on concurrency_lease_limit (workspace_id, concurrency_limit_id);

-- What runs leave behind. Logs and artifacts outlive their run until they are vacuumed.

create table log (
  seq bigint generated always as identity primary key,
  workspace_id uuid not null,
  id uuid not null,
  created bigint not null,
  name text not null,
  level bigint not null,
  message text not null,
  timestamp bigint not null,
  flow_run_id uuid,
  task_run_id uuid,
  txid bigint not null default pg_current_xact_id()::text::bigint
);

create index ix_log_flow_run on log (workspace_id, flow_run_id, timestamp, seq);

create index ix_log_task_run on log (workspace_id, task_run_id, timestamp, seq)
where task_run_id is not null;

create table artifact (
  workspace_id uuid not null,
  id uuid not null,
  created bigint not null,
  updated bigint not null,
  key text,
  type text,
  description text,
  data json,
  metadata_ json,
  flow_run_id uuid,
  task_run_id uuid,
  primary key (workspace_id, id)
);

create index ix_artifact_key on artifact (workspace_id, key, created);

create index ix_artifact_flow_run on artifact (workspace_id, flow_run_id);

create index ix_artifact_task_run on artifact (workspace_id, task_run_id);

create table artifact_collection (
  workspace_id uuid not null,
  id uuid not null,
  created bigint not null,
  updated bigint not null,
  key text not null,
  latest_id uuid not null,
  type text,
  description text,
  data json,
  metadata_ json,
  flow_run_id uuid,
  task_run_id uuid,
  primary key (workspace_id, id)
);

create unique index uq_artifact_collection_key on artifact_collection (workspace_id, key);

create index ix_artifact_collection_latest on artifact_collection (workspace_id, latest_id);

create index ix_artifact_collection_flow_run on artifact_collection (workspace_id, flow_run_id);

-- Variables, blocks and settings.

create table variable (
  workspace_id uuid not null,
  id uuid not null,
  created bigint not null,
  updated bigint not null,
  name text not null,
  value json,
  tags jsonb not null,
  primary key (workspace_id, id)
);

create unique index uq_variable_name on variable (workspace_id, name);

create table block_type (
  workspace_id uuid not null,
  id uuid not null,
  created bigint not null,
  updated bigint not null,
  name text not null,
  slug text not null,
  logo_url text,
  documentation_url text,
  description text,
  code_example text,
  is_protected boolean not null default false,
  primary key (workspace_id, id)
);

create unique index uq_block_type_slug on block_type (workspace_id, slug);

create table block_schema (
  workspace_id uuid not null,
  id uuid not null,
  created bigint not null,
  updated bigint not null,
  checksum text not null,
  version text not null,
  fields json not null,
  capabilities jsonb not null,
  block_type_id uuid not null,
  primary key (workspace_id, id),
  constraint fk_block_schema_block_type
    foreign key (workspace_id, block_type_id)
    references block_type (workspace_id, id)
    on delete cascade
);

create unique index uq_block_schema_checksum on block_schema (workspace_id, checksum, version);

create index ix_block_schema_block_type on block_schema (workspace_id, block_type_id, created);

create table block_schema_reference (
  workspace_id uuid not null,
  id uuid not null,
  created bigint not null,
  updated bigint not null,
  name text not null,
  parent_block_schema_id uuid not null,
  reference_block_schema_id uuid not null,
  primary key (workspace_id, id),
  constraint fk_block_schema_reference_parent
    foreign key (workspace_id, parent_block_schema_id)
    references block_schema (workspace_id, id)
    on delete cascade,
  constraint fk_block_schema_reference_reference
    foreign key (workspace_id, reference_block_schema_id)
    references block_schema (workspace_id, id)
    on delete cascade
);

create index ix_block_schema_reference_parent on block_schema_reference (workspace_id, parent_block_schema_id);

create index ix_block_schema_reference_reference on block_schema_reference (workspace_id, reference_block_schema_id);

-- data is encrypted, so it is text and not JSON.
create table block_document (
  workspace_id uuid not null,
  id uuid not null,
  created bigint not null,
  updated bigint not null,
  name text not null,
  data text not null,
  is_anonymous boolean not null default false,
  block_schema_id uuid not null,
  block_type_id uuid not null,
  block_type_name text,
  primary key (workspace_id, id),
  constraint fk_block_document_block_schema
    foreign key (workspace_id, block_schema_id)
    references block_schema (workspace_id, id)
    on delete cascade,
  constraint fk_block_document_block_type
    foreign key (workspace_id, block_type_id)
    references block_type (workspace_id, id)
    on delete cascade
);

create unique index uq_block_document_name on block_document (workspace_id, block_type_id, name);

create index ix_block_document_block_schema on block_document (workspace_id, block_schema_id);

create index ix_block_document_name on block_document (workspace_id, name, id);

create table block_document_reference (
  workspace_id uuid not null,
  id uuid not null,
  created bigint not null,
  updated bigint not null,
  name text not null,
  parent_block_document_id uuid not null,
  reference_block_document_id uuid not null,
  primary key (workspace_id, id),
  constraint fk_block_document_reference_parent
    foreign key (workspace_id, parent_block_document_id)
    references block_document (workspace_id, id)
    on delete cascade,
  constraint fk_block_document_reference_reference
    foreign key (workspace_id, reference_block_document_id)
    references block_document (workspace_id, id)
    on delete cascade
);

create index ix_block_document_reference_parent on block_document_reference (workspace_id, parent_block_document_id);

create index ix_block_document_reference_reference on block_document_reference (workspace_id, reference_block_document_id);

create table saved_search (
  workspace_id uuid not null,
  id uuid not null,
  created bigint not null,
  updated bigint not null,
  name text not null,
  filters json not null,
  primary key (workspace_id, id)
);

create unique index uq_saved_search_name on saved_search (workspace_id, name);

create table configuration (
  workspace_id uuid not null,
  id uuid not null,
  created bigint not null,
  updated bigint not null,
  key text not null,
  value json not null,
  primary key (workspace_id, id)
);

create unique index uq_configuration_key on configuration (workspace_id, key);

create table csrf_token (
  workspace_id uuid not null,
  id uuid not null,
  created bigint not null,
  updated bigint not null,
  token text not null,
  client text not null,
  expiration bigint not null,
  primary key (workspace_id, id)
);

create unique index uq_csrf_token_client on csrf_token (workspace_id, client);

-- Events. They are written together with the change they tell of; seq is the order in
-- which consumers, each with its cursor, read them.

create table event (
  seq bigint generated always as identity primary key,
  workspace_id uuid not null,
  id uuid not null,
  occurred bigint not null,
  received bigint not null,
  event text not null,
  resource_id text not null,
  resource json not null,
  related json not null,
  related_resource_ids jsonb not null,
  payload json not null,
  follows uuid,
  txid bigint not null default pg_current_xact_id()::text::bigint
);

create unique index uq_event_id on event (workspace_id, id);

create index ix_event_occurred on event (workspace_id, occurred, id);

create index ix_event_event on event (workspace_id, event, occurred);

create index ix_event_resource on event (workspace_id, resource_id, occurred);

-- One row for each resource of an event; the role of the primary one is ''. resource
-- are its labels without id and role.
create table event_resource (
  workspace_id uuid not null,
  event_id uuid not null,
  position bigint not null,
  occurred bigint not null,
  resource_id text not null,
  resource_role text not null,
  resource json not null,
  primary key (workspace_id, event_id, position)
);

create index ix_event_resource_resource on event_resource (workspace_id, resource_id, occurred);

create table event_cursor (
  workspace_id uuid not null,
  consumer text not null,
  seq bigint not null,
  updated bigint not null,
  primary key (workspace_id, consumer)
);

-- An event that waits for the one it follows.
create table event_follower (
  workspace_id uuid not null,
  scope text not null,
  follower_event_id uuid not null,
  leader_event_id uuid not null,
  received bigint not null,
  follower json not null,
  primary key (workspace_id, scope, follower_event_id)
);

create index ix_event_follower_leader on event_follower (workspace_id, scope, leader_event_id);

create table automation (
  workspace_id uuid not null,
  id uuid not null,
  created bigint not null,
  updated bigint not null,
  name text not null,
  description text not null default '',
  enabled boolean not null default true,
  tags jsonb not null,
  trigger json not null,
  actions json not null,
  actions_on_trigger json not null,
  actions_on_resolve json not null,
  primary key (workspace_id, id)
);

create index ix_automation_name on automation (workspace_id, name, id);

create table automation_related_resource (
  workspace_id uuid not null,
  automation_id uuid not null,
  resource_id text not null,
  owned boolean not null default false,
  primary key (workspace_id, automation_id, resource_id),
  constraint fk_automation_related_resource_automation
    foreign key (workspace_id, automation_id)
    references automation (workspace_id, id)
    on delete cascade
);

create index ix_automation_related_resource_resource on automation_related_resource (workspace_id, resource_id);

-- Who runs a loop that only one replica may run, and until when.
create table service_lease (
  workspace_id uuid not null,
  name text not null,
  holder uuid not null,
  expiration bigint not null,
  primary key (workspace_id, name)
);
