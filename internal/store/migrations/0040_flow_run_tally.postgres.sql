-- How many flow runs are in each state. Triggers keep it, whoever changes a run, so that
-- a count without bounds in time reads a few rows and not a million. A connection counts
-- in a stripe of its own, so that connections don't wait for each other.
create table flow_run_tally (
  workspace_id uuid not null,
  state_type text not null,
  state_name text not null,
  stripe integer not null,
  runs bigint not null,
  primary key (workspace_id, state_type, state_name, stripe)
) with (fillfactor = 50);

insert into flow_run_tally (workspace_id, state_type, state_name, stripe, runs)
select workspace_id, coalesce(state_type, ''), coalesce(state_name, ''), 0, count(*)
from flow_run
group by 1, 2, 3;

create function tally_flow_runs() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    insert into flow_run_tally as t (workspace_id, state_type, state_name, stripe, runs)
    select workspace_id, coalesce(state_type, ''), coalesce(state_name, ''), pg_backend_pid() % 256, count(*)
    from fresh
    group by 1, 2, 3
    order by 1, 2, 3
    on conflict (workspace_id, state_type, state_name, stripe) do update set runs = t.runs + excluded.runs;
  elsif tg_op = 'DELETE' then
    insert into flow_run_tally as t (workspace_id, state_type, state_name, stripe, runs)
    select workspace_id, coalesce(state_type, ''), coalesce(state_name, ''), pg_backend_pid() % 256, -count(*)
    from gone
    group by 1, 2, 3
    order by 1, 2, 3
    on conflict (workspace_id, state_type, state_name, stripe) do update set runs = t.runs + excluded.runs;
  else
    insert into flow_run_tally as t (workspace_id, state_type, state_name, stripe, runs)
    select workspace_id, coalesce(state_type, ''), coalesce(state_name, ''), pg_backend_pid() % 256, sum(change)
    from (
      select workspace_id, state_type, state_name, 1 as change from fresh
      union all
      select workspace_id, state_type, state_name, -1 from gone) as moves
    group by 1, 2, 3
    having sum(change) <> 0
    order by 1, 2, 3
    on conflict (workspace_id, state_type, state_name, stripe) do update set runs = t.runs + excluded.runs;
  end if;
  return null;
end
$$;

create trigger tally_flow_run_insert
after insert on flow_run
referencing new table as fresh
for each statement
execute function tally_flow_runs();

create trigger tally_flow_run_update
after update on flow_run
referencing old table as gone new table as fresh
for each statement
execute function tally_flow_runs();

create trigger tally_flow_run_delete
after delete on flow_run
referencing old table as gone
for each statement
execute function tally_flow_runs();
