-- Runs that were deleted, whose logs and artifacts are still to be swept up.
create table flow_run_gone (
  workspace_id blob not null,
  flow_run_id blob not null,
  primary key (workspace_id, flow_run_id)
) strict, without rowid;

create trigger note_flow_run_gone
after delete on flow_run
for each row
begin
  insert or ignore into flow_run_gone (workspace_id, flow_run_id)
  values (old.workspace_id, old.id);
end;
