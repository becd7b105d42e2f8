-- Pictures of accounts and people.
create table account_image (
  account_id uuid primary key references account (id) on delete cascade,
  updated bigint not null,
  kind text not null,
  content bytea not null
);

create table user_image (
  user_id uuid primary key references auth_user (id) on delete cascade,
  updated bigint not null,
  kind text not null,
  content bytea not null
);
