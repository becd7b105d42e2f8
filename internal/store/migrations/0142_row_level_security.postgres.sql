-- Needs 0142.
-- A transaction sees and changes the rows of the workspace that it names when it begins,
-- and none when it names none. The owner of the tables is bound too; superusers are not.

alter table access_request enable row level security;
alter table access_request force row level security;
create policy of_workspace on access_request using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid
  or (select current_setting('usher.across', true)) = 'on');

alter table artifact enable row level security;
alter table artifact force row level security;
create policy of_workspace on artifact using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);

alter table artifact_collection enable row level security;
alter table artifact_collection force row level security;
create policy of_workspace on artifact_collection using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);

alter table audit_entry enable row level security;
alter table audit_entry force row level security;
create policy of_workspace on audit_entry using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid
  or (select current_setting('usher.across', true)) = 'on');

alter table automation enable row level security;
alter table automation force row level security;
create policy of_workspace on automation using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);

alter table automation_action enable row level security;
alter table automation_action force row level security;
create policy of_workspace on automation_action using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);

alter table automation_bucket enable row level security;
alter table automation_bucket force row level security;
create policy of_workspace on automation_bucket using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);

alter table automation_child_firing enable row level security;
alter table automation_child_firing force row level security;
create policy of_workspace on automation_child_firing using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);

alter table automation_related_resource enable row level security;
alter table automation_related_resource force row level security;
create policy of_workspace on automation_related_resource using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);

alter table automation_turn enable row level security;
alter table automation_turn force row level security;
create policy of_workspace on automation_turn using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);

alter table background_task enable row level security;
alter table background_task force row level security;
create policy of_workspace on background_task using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);

alter table block_document enable row level security;
alter table block_document force row level security;
create policy of_workspace on block_document using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);

alter table block_document_reference enable row level security;
alter table block_document_reference force row level security;
create policy of_workspace on block_document_reference using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);

alter table block_schema enable row level security;
alter table block_schema force row level security;
create policy of_workspace on block_schema using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);

alter table block_schema_reference enable row level security;
alter table block_schema_reference force row level security;
create policy of_workspace on block_schema_reference using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);

alter table block_type enable row level security;
alter table block_type force row level security;
create policy of_workspace on block_type using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);

alter table cleanup_message enable row level security;
alter table cleanup_message force row level security;
create policy of_workspace on cleanup_message using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);

alter table concurrency_lease enable row level security;
alter table concurrency_lease force row level security;
create policy of_workspace on concurrency_lease using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);

alter table concurrency_lease_limit enable row level security;
alter table concurrency_lease_limit force row level security;
create policy of_workspace on concurrency_lease_limit using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);

alter table concurrency_limit enable row level security;
alter table concurrency_limit force row level security;
create policy of_workspace on concurrency_limit using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);

alter table concurrency_limit_v2 enable row level security;
alter table concurrency_limit_v2 force row level security;
create policy of_workspace on concurrency_limit_v2 using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);

alter table configuration enable row level security;
alter table configuration force row level security;
create policy of_workspace on configuration using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);

alter table csrf_token enable row level security;
alter table csrf_token force row level security;
create policy of_workspace on csrf_token using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);

alter table deployment enable row level security;
alter table deployment force row level security;
create policy of_workspace on deployment using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);

alter table deployment_schedule enable row level security;
alter table deployment_schedule force row level security;
create policy of_workspace on deployment_schedule using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);

alter table event enable row level security;
alter table event force row level security;
create policy of_workspace on event using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid
  or (select current_setting('usher.across', true)) = 'on');

alter table event_cursor enable row level security;
alter table event_cursor force row level security;
create policy of_workspace on event_cursor using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);

alter table event_follower enable row level security;
alter table event_follower force row level security;
create policy of_workspace on event_follower using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);

alter table event_mention enable row level security;
alter table event_mention force row level security;
create policy of_workspace on event_mention using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);

alter table event_resource enable row level security;
alter table event_resource force row level security;
create policy of_workspace on event_resource using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);

alter table flow enable row level security;
alter table flow force row level security;
create policy of_workspace on flow using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);

alter table flow_run enable row level security;
alter table flow_run force row level security;
create policy of_workspace on flow_run using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);

alter table flow_run_given_back enable row level security;
alter table flow_run_given_back force row level security;
create policy of_workspace on flow_run_given_back using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);

alter table flow_run_gone enable row level security;
alter table flow_run_gone force row level security;
create policy of_workspace on flow_run_gone using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);

alter table flow_run_heartbeat enable row level security;
alter table flow_run_heartbeat force row level security;
create policy of_workspace on flow_run_heartbeat using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);

alter table flow_run_input enable row level security;
alter table flow_run_input force row level security;
create policy of_workspace on flow_run_input using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);

alter table flow_run_state enable row level security;
alter table flow_run_state force row level security;
create policy of_workspace on flow_run_state using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);

alter table flow_run_tag enable row level security;
alter table flow_run_tag force row level security;
create policy of_workspace on flow_run_tag using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);

alter table flow_run_tally enable row level security;
alter table flow_run_tally force row level security;
create policy of_workspace on flow_run_tally using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);

alter table intake enable row level security;
alter table intake force row level security;
create policy of_workspace on intake using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);

alter table invitation enable row level security;
alter table invitation force row level security;
create policy of_workspace on invitation using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid
  or (select current_setting('usher.across', true)) = 'on');

alter table log enable row level security;
alter table log force row level security;
create policy of_workspace on log using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid
  or (select current_setting('usher.across', true)) = 'on');

alter table object_access enable row level security;
alter table object_access force row level security;
create policy of_workspace on object_access using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid
  or (select current_setting('usher.across', true)) = 'on');

alter table rate_allocation enable row level security;
alter table rate_allocation force row level security;
create policy of_workspace on rate_allocation using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid
  or (select current_setting('usher.across', true)) = 'on');

alter table rate_usage enable row level security;
alter table rate_usage force row level security;
create policy of_workspace on rate_usage using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid
  or (select current_setting('usher.across', true)) = 'on');

alter table run_reach enable row level security;
alter table run_reach force row level security;
create policy of_workspace on run_reach using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);

alter table run_token enable row level security;
alter table run_token force row level security;
create policy of_workspace on run_token using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid
  or (select current_setting('usher.across', true)) = 'on');

alter table saved_search enable row level security;
alter table saved_search force row level security;
create policy of_workspace on saved_search using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);

alter table service_lease enable row level security;
alter table service_lease force row level security;
create policy of_workspace on service_lease using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);

alter table task_run enable row level security;
alter table task_run force row level security;
create policy of_workspace on task_run using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);

alter table task_run_state enable row level security;
alter table task_run_state force row level security;
create policy of_workspace on task_run_state using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);

alter table task_run_state_cache enable row level security;
alter table task_run_state_cache force row level security;
create policy of_workspace on task_run_state_cache using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);

alter table task_worker enable row level security;
alter table task_worker force row level security;
create policy of_workspace on task_worker using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);

alter table variable enable row level security;
alter table variable force row level security;
create policy of_workspace on variable using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);

alter table webhook enable row level security;
alter table webhook force row level security;
create policy of_workspace on webhook using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid
  or (select current_setting('usher.across', true)) = 'on');

alter table work_pool enable row level security;
alter table work_pool force row level security;
create policy of_workspace on work_pool using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);

alter table work_queue enable row level security;
alter table work_queue force row level security;
create policy of_workspace on work_queue using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);

alter table worker enable row level security;
alter table worker force row level security;
create policy of_workspace on worker using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);

alter table worker_process enable row level security;
alter table worker_process force row level security;
create policy of_workspace on worker_process using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);

alter table workspace_access enable row level security;
alter table workspace_access force row level security;
create policy of_workspace on workspace_access using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid
  or (select current_setting('usher.across', true)) = 'on');

alter table workspace_key enable row level security;
alter table workspace_key force row level security;
create policy of_workspace on workspace_key using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);
