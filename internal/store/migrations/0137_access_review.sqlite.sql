-- Reviews of who has access to an account: what there was when each began, as JSON, and what
-- was decided about it.
create table access_review (
  account_id blob not null,
  id blob not null,
  created integer not null,
  updated integer not null,
  created_by blob not null,
  due integer not null,
  completed integer,
  completed_by blob,
  items text not null,
  primary key (account_id, id)
) strict;

create index ix_access_review_created on access_review (account_id, created);
