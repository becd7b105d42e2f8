-- What automations remember of the events that they have seen, and the actions that wait
-- to be done.

-- Where a reader stands in the order of events; see dialect.SQL.Place.
alter table event_cursor add column epoch bigint not null default 0;

-- The window of a trigger for one value of its for_each labels.
create table automation_bucket (
  workspace_id uuid not null,
  trigger_id uuid not null,
  bucketing_key text not null,
  automation_id uuid not null,
  window_start bigint not null,
  window_end bigint not null,
  events bigint not null,
  last_event json,
  primary key (workspace_id, trigger_id, bucketing_key),
  constraint fk_automation_bucket_automation
    foreign key (workspace_id, automation_id)
    references automation (workspace_id, id)
    on delete cascade
);

create index ix_automation_bucket_automation on automation_bucket (workspace_id, automation_id);

create index ix_automation_bucket_end on automation_bucket (workspace_id, window_end);

create index ix_automation_bucket_trigger_end on automation_bucket (workspace_id, trigger_id, window_end);

-- The newest firing of each trigger in a compound or sequence that has not fired yet.
create table automation_child_firing (
  workspace_id uuid not null,
  parent_trigger_id uuid not null,
  child_trigger_id uuid not null,
  automation_id uuid not null,
  fired bigint not null,
  firing json not null,
  primary key (workspace_id, parent_trigger_id, child_trigger_id),
  constraint fk_automation_child_firing_automation
    foreign key (workspace_id, automation_id)
    references automation (workspace_id, id)
    on delete cascade
);

create index ix_automation_child_firing_automation on automation_child_firing (workspace_id, automation_id);

-- When a proactive trigger looks at its buckets next.
create table automation_turn (
  workspace_id uuid not null,
  trigger_id uuid not null,
  automation_id uuid not null,
  due bigint not null,
  primary key (workspace_id, trigger_id),
  constraint fk_automation_turn_automation
    foreign key (workspace_id, automation_id)
    references automation (workspace_id, id)
    on delete cascade
);

create index ix_automation_turn_automation on automation_turn (workspace_id, automation_id);

create index ix_automation_turn_due on automation_turn (workspace_id, due);

-- An action that an automation's firing asks for. Whoever takes it moves due behind the
-- time that it may take; its row goes in the transaction that tells of its outcome.
create table automation_action (
  workspace_id uuid not null,
  id uuid not null,
  due bigint not null,
  attempts bigint not null default 0,
  action_index bigint not null,
  action json not null,
  automation json not null,
  firing json not null,
  triggering_event json,
  triggered_event_id uuid not null,
  primary key (workspace_id, id)
);

create index ix_automation_action_due on automation_action (workspace_id, due, id);

-- Readers follow events in the order of their transactions.
create index ix_event_place on event (workspace_id, txid, seq);
