-- Events of a workspace that others of its account may subscribe to.
create table event_publication (
  workspace_id blob not null,
  id blob not null,
  created integer not null,
  updated integer not null,
  enabled integer not null,
  events text not null,
  resource text,
  related text,
  primary key (workspace_id, id)
) strict, without rowid;

-- Who hears which of them. The publication may be gone.
create table event_subscription (
  workspace_id blob not null,
  id blob not null,
  created integer not null,
  updated integer not null,
  publication_id blob not null,
  publishing_workspace_id blob not null,
  enabled integer not null,
  events text not null,
  resource text,
  related text,
  primary key (workspace_id, id)
) strict, without rowid;

create index ix_event_subscription_publication on event_subscription (publication_id, id);

create index ix_event_subscription_publisher on event_subscription (publishing_workspace_id);
