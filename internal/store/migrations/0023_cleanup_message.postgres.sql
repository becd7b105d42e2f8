-- What workers are asked to tear down; a row goes when a worker has confirmed it, or
-- when none could do it after some deliveries.
create table cleanup_message (
  workspace_id uuid not null,
  id uuid not null,
  created bigint not null,
  work_pool_id uuid not null,
  work_queue_id uuid,
  kind text not null,
  target json not null,
  deliveries bigint not null default 0,
  token text,
  reserved_until bigint not null default 0,
  primary key (workspace_id, id),
  constraint fk_cleanup_message_work_pool
    foreign key (workspace_id, work_pool_id)
    references work_pool (workspace_id, id)
    on delete cascade
);

create index ix_cleanup_message_pool on cleanup_message (workspace_id, work_pool_id, created);
