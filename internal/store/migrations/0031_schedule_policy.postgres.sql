-- What a schedule's owner wants besides its times, and when its runs were planned last.
alter table deployment_schedule add column policy json;

alter table deployment_schedule add column planned_at bigint;

-- The runs of a schedule that have begun and not ended.
create index ix_flow_run_schedule_begun on flow_run (workspace_id, schedule_id)
where schedule_id is not null and state_type in ('PENDING', 'RUNNING', 'PAUSED', 'CANCELLING');
