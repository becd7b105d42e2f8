-- What workers are asked to tear down; a row goes when a worker has confirmed it, or
-- when none could do it after some deliveries.
create table cleanup_message (
  workspace_id blob not null,
  id blob not null,
  created integer not null,
  work_pool_id blob not null,
  work_queue_id blob,
  kind text not null,
  target text not null,
  deliveries integer not null default 0,
  token text,
  reserved_until integer not null default 0,
  primary key (workspace_id, id),
  constraint fk_cleanup_message_work_pool
    foreign key (workspace_id, work_pool_id)
    references work_pool (workspace_id, id)
    on delete cascade
) strict;

create index ix_cleanup_message_pool on cleanup_message (workspace_id, work_pool_id, created);
