-- Runs that were deleted, whose logs and artifacts are still to be swept up.
create table flow_run_gone (
  workspace_id uuid not null,
  flow_run_id uuid not null,
  primary key (workspace_id, flow_run_id)
);

create function note_flow_run_gone() returns trigger language plpgsql as $$
begin
  insert into flow_run_gone (workspace_id, flow_run_id)
  values (old.workspace_id, old.id)
  on conflict do nothing;
  return null;
end
$$;

create trigger note_flow_run_gone
after delete on flow_run
for each row
execute function note_flow_run_gone();
