-- How many flow runs are in each state, so that a count without bounds in time reads a few
-- rows and not a million. Who adds a run or changes its state keeps it (tally.go in package
-- store): a statement that fires triggers costs half as much again.
create table flow_run_tally (
  workspace_id blob not null,
  state_type text not null,
  state_name text not null,
  stripe integer not null,
  runs integer not null,
  primary key (workspace_id, state_type, state_name, stripe)
) strict, without rowid;

insert into flow_run_tally (workspace_id, state_type, state_name, stripe, runs)
select workspace_id, coalesce(state_type, ''), coalesce(state_name, ''), 0, count(*)
from flow_run
group by 1, 2, 3;

create trigger tally_flow_run_delete
after delete on flow_run
for each row
begin
  update flow_run_tally
  set runs = runs - 1
  where workspace_id = old.workspace_id
  and state_type = coalesce(old.state_type, '')
  and state_name = coalesce(old.state_name, '')
  and stripe = 0;
end;
