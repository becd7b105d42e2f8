-- Reviews of who has access to an account: what there was when each began, as JSON, and what
-- was decided about it.
create table access_review (
  account_id uuid not null,
  id uuid not null,
  created bigint not null,
  updated bigint not null,
  created_by uuid not null,
  due bigint not null,
  completed bigint,
  completed_by uuid,
  items text not null,
  primary key (account_id, id)
);

create index ix_access_review_created on access_review (account_id, created);
