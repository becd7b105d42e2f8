-- What histories, lateness and the pages of a window of time look at is in the index, so
-- that they need not read a hundred thousand runs.
drop index ix_flow_run_expected_start;

create index ix_flow_run_expected_start
on flow_run (workspace_id, expected_start_time, id, start_time, state_type, state_name, state_timestamp, total_run_time);
