-- What automations remember of the events that they have seen, and the actions that wait
-- to be done.

-- Where a reader stands in the order of events; see dialect.SQL.Place.
alter table event_cursor add column epoch integer not null default 0;

-- The window of a trigger for one value of its for_each labels.
create table automation_bucket (
  workspace_id blob not null,
  trigger_id blob not null,
  bucketing_key text not null,
  automation_id blob not null,
  window_start integer not null,
  window_end integer not null,
  events integer not null,
  last_event text,
  primary key (workspace_id, trigger_id, bucketing_key),
  constraint fk_automation_bucket_automation
    foreign key (workspace_id, automation_id)
    references automation (workspace_id, id)
    on delete cascade
) strict, without rowid;

create index ix_automation_bucket_automation on automation_bucket (workspace_id, automation_id);

create index ix_automation_bucket_end on automation_bucket (workspace_id, window_end);

create index ix_automation_bucket_trigger_end on automation_bucket (workspace_id, trigger_id, window_end);

-- The newest firing of each trigger in a compound or sequence that has not fired yet.
create table automation_child_firing (
  workspace_id blob not null,
  parent_trigger_id blob not null,
  child_trigger_id blob not null,
  automation_id blob not null,
  fired integer not null,
  firing text not null,
  primary key (workspace_id, parent_trigger_id, child_trigger_id),
  constraint fk_automation_child_firing_automation
    foreign key (workspace_id, automation_id)
    references automation (workspace_id, id)
    on delete cascade
) strict, without rowid;

create index ix_automation_child_firing_automation on automation_child_firing (workspace_id, automation_id);

-- When a proactive trigger looks at its buckets next.
create table automation_turn (
  workspace_id blob not null,
  trigger_id blob not null,
  automation_id blob not null,
  due integer not null,
  primary key (workspace_id, trigger_id),
  constraint fk_automation_turn_automation
    foreign key (workspace_id, automation_id)
    references automation (workspace_id, id)
    on delete cascade
) strict, without rowid;

create index ix_automation_turn_automation on automation_turn (workspace_id, automation_id);

create index ix_automation_turn_due on automation_turn (workspace_id, due);

-- An action that an automation's firing asks for. Whoever takes it moves due behind the
-- time that it may take; its row goes in the transaction that tells of its outcome.
create table automation_action (
  workspace_id blob not null,
  id blob not null,
  due integer not null,
  attempts integer not null default 0,
  action_index integer not null,
  action text not null,
  automation text not null,
  firing text not null,
  triggering_event text,
  triggered_event_id blob not null,
  primary key (workspace_id, id)
) strict, without rowid;

create index ix_automation_action_due on automation_action (workspace_id, due, id);

-- Readers follow events in the order of their commits.
create index ix_event_place on event (workspace_id, seq);
