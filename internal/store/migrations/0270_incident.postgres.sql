-- Disruptions that people look after until they are resolved; content is all of one, as JSON.
create table incident (
  workspace_id uuid not null,
  id uuid not null,
  status text not null,
  severity text not null,
  content text not null,
  primary key (workspace_id, id)
);

alter table incident enable row level security;
alter table incident force row level security;
create policy of_workspace on incident using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);
