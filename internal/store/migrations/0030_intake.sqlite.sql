-- What was taken over from another server's database, table by table, so that it can go
-- on where it stopped.
create table intake (
  workspace_id blob not null,
  table_name text not null,
  source text not null,
  last_key text not null,
  copied integer not null,
  complete integer not null default false,
  primary key (workspace_id, table_name)
) strict;
