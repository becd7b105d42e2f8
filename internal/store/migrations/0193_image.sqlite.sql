-- Pictures of accounts and people.
create table account_image (
  account_id blob primary key references account (id) on delete cascade,
  updated integer not null,
  kind text not null,
  content blob not null
) strict;

create table user_image (
  user_id blob primary key references auth_user (id) on delete cascade,
  updated integer not null,
  kind text not null,
  content blob not null
) strict;
