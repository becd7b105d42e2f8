-- Which flow runs have a tag. Triggers keep it, whoever changes a run.
create table flow_run_tag (
  workspace_id uuid not null,
  tag text not null,
  flow_run_id uuid not null,
  primary key (workspace_id, tag, flow_run_id)
);

insert into flow_run_tag (workspace_id, tag, flow_run_id)
select distinct r.workspace_id, t.value, r.id
from flow_run r, jsonb_array_elements_text(r.tags) as t (value);

create function tag_flow_run() returns trigger language plpgsql as $$
begin
  if tg_op <> 'INSERT' then
    delete from flow_run_tag
    where workspace_id = old.workspace_id
    and flow_run_id = old.id
    and tag in (select jsonb_array_elements_text(old.tags));
  end if;
  if tg_op <> 'DELETE' then
    insert into flow_run_tag (workspace_id, tag, flow_run_id)
    select distinct new.workspace_id, t.value, new.id
    from jsonb_array_elements_text(new.tags) as t (value);
  end if;
  return null;
end
$$;

create trigger tag_flow_run_insert
after insert on flow_run
for each row
when (new.tags <> '[]'::jsonb)
execute function tag_flow_run();

create trigger tag_flow_run_update
after update of tags on flow_run
for each row
when (old.tags <> new.tags)
execute function tag_flow_run();

create trigger tag_flow_run_delete
after delete on flow_run
for each row
when (old.tags <> '[]'::jsonb)
execute function tag_flow_run();
