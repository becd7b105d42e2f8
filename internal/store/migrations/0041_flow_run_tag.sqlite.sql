-- Which flow runs have a tag. Who adds a run keeps it, as flow_run_tally; triggers do the
-- rest.
create table flow_run_tag (
  workspace_id blob not null,
  tag text not null,
  flow_run_id blob not null,
  primary key (workspace_id, tag, flow_run_id)
) strict, without rowid;

insert or ignore into flow_run_tag (workspace_id, tag, flow_run_id)
select r.workspace_id, t.value, r.id
from flow_run r, json_each(r.tags) t;

create trigger tag_flow_run_update
after update of tags on flow_run
for each row
when old.tags <> new.tags
begin
  delete from flow_run_tag
  where workspace_id = old.workspace_id
  and flow_run_id = old.id
  and tag in (select value from json_each(old.tags));
  insert into flow_run_tag (workspace_id, tag, flow_run_id)
  select distinct new.workspace_id, value, new.id
  from json_each(new.tags);
end;

create trigger tag_flow_run_delete
after delete on flow_run
for each row
when old.tags <> '[]'
begin
  delete from flow_run_tag
  where workspace_id = old.workspace_id
  and flow_run_id = old.id
  and tag in (select value from json_each(old.tags));
end;
