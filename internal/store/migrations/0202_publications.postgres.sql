-- Events of a workspace that others of its account may subscribe to.
create table event_publication (
  workspace_id uuid not null,
  id uuid not null,
  created bigint not null,
  updated bigint not null,
  enabled boolean not null,
  events text not null,
  resource text,
  related text,
  primary key (workspace_id, id)
);

-- Who hears which of them. The publication may be gone.
create table event_subscription (
  workspace_id uuid not null,
  id uuid not null,
  created bigint not null,
  updated bigint not null,
  publication_id uuid not null,
  publishing_workspace_id uuid not null,
  enabled boolean not null,
  events text not null,
  resource text,
  related text,
  primary key (workspace_id, id)
);

create index ix_event_subscription_publication on event_subscription (publication_id, id);

create index ix_event_subscription_publisher on event_subscription (publishing_workspace_id);

alter table event_publication enable row level security;
alter table event_publication force row level security;
create policy of_workspace on event_publication using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid
  or (select current_setting('usher.across', true)) = 'on');

alter table event_subscription enable row level security;
alter table event_subscription force row level security;
create policy of_workspace on event_subscription using (workspace_id = nullif(current_setting('usher.workspace', true), '')::uuid
  or (select current_setting('usher.across', true)) = 'on');
