-- Where the events begin that are not mentioned yet: those of before all are.
insert into event_cursor (workspace_id, consumer, seq, updated)
select zeroblob(16), 'mentions', coalesce(max(seq), 0), 0
from event;
