-- Resources that lists leave out: those with the path as their id, and those below it.
create table hidden_resource (
  workspace_id blob not null,
  path text not null,
  created integer not null,
  primary key (workspace_id, path)
) strict, without rowid;
