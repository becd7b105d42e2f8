-- What services ask for again and again is answered from an index of its own: crashed
-- runs whose children are to be ended, and pauses by the time they are over.
create index ix_flow_run_crashed on flow_run (workspace_id, end_time)
where state_type = 'CRASHED';

drop index ix_flow_run_paused;

create index ix_flow_run_paused on flow_run (workspace_id, (state_details #>> array['pause_timeout']), id)
where state_type = 'PAUSED';
