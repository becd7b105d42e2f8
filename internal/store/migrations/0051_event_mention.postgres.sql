-- Which events name a thing: those with the numbers first_seq to last_seq were written
-- together, and some of them have the event name ("e:" before it) or a resource ("r:"
-- before its id) of the term. One row for many events, where each had rows and entries of
-- indexes of its own.
create table event_mention (
  workspace_id uuid not null,
  term text not null,
  first_seq bigint not null,
  last_seq bigint not null,
  primary key (workspace_id, term, first_seq)
);

insert into event_mention (workspace_id, term, first_seq, last_seq)
select workspace_id, 'e:' || event, seq, seq
from event
union
select event.workspace_id, 'r:' || event_resource.resource_id, event.seq, event.seq
from event
join event_resource
  on event_resource.workspace_id = event.workspace_id
  and event_resource.event_id = event.id;

-- What servers of an earlier version write to event_resource is findable too.
create function mention_event_resource() returns trigger
language plpgsql as $$
begin
  insert into event_mention (workspace_id, term, first_seq, last_seq)
  select new.workspace_id, 'r:' || new.resource_id, seq, seq
  from event
  where workspace_id = new.workspace_id
  and id = new.event_id
  union all
  select new.workspace_id, 'e:' || event, seq, seq
  from event
  where new.position = 0
  and workspace_id = new.workspace_id
  and id = new.event_id
  on conflict do nothing;
  return null;
end $$;

create trigger mention_event_resource
after insert on event_resource
for each row execute function mention_event_resource();

drop index ix_event_event;

drop index ix_event_resource;

drop index ix_event_occurred;

create index ix_event_occurred on event (workspace_id, occurred, seq);
