create index ix_run_token_run on run_token (workspace_id, flow_run_id);
