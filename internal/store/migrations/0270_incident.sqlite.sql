-- Disruptions that people look after until they are resolved; content is all of one, as JSON.
create table incident (
  workspace_id blob not null,
  id blob not null,
  status text not null,
  severity text not null,
  content text not null,
  primary key (workspace_id, id)
) strict, without rowid;
