-- The indexes by start once more, by an expression of which PostgreSQL knows that it tells
-- nothing of a row, so that row-level security lets them be searched.
create index ix_flow_run_begin on flow_run (workspace_id, (case when start_time is not null then start_time else expected_start_time end), id);

create index ix_flow_run_flow_begin on flow_run (workspace_id, flow_id, (case when start_time is not null then start_time else expected_start_time end), id);

create index ix_flow_run_deployment_begin on flow_run (workspace_id, deployment_id, (case when start_time is not null then start_time else expected_start_time end), id)
where deployment_id is not null;

create index ix_flow_run_state_type_begin on flow_run (workspace_id, state_type, (case when start_time is not null then start_time else expected_start_time end), id);

create index ix_flow_run_state_name_begin on flow_run (workspace_id, state_name, (case when start_time is not null then start_time else expected_start_time end), id);

drop index ix_flow_run_start;

drop index ix_flow_run_flow_start;

drop index ix_flow_run_deployment_start;

drop index ix_flow_run_state_type_start;

drop index ix_flow_run_state_name_start;
