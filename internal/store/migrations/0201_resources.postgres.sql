-- Resources that lists leave out: those with the path as their id, and those below it.
create table hidden_resource (
  workspace_id uuid not null,
  path text not null,
  created bigint not null,
  primary key (workspace_id, path)
);

alter table hidden_resource enable row level security;
alter table hidden_resource force row level security;
create policy of_workspace on hidden_resource using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid);
