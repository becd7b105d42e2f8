-- Mails that wait to be sent, sealed: they have links that let people in.
create table mail_outbox (
  id blob not null primary key,
  created integer not null,
  expires integer not null,
  due integer not null,
  tries integer not null,
  sealed text not null
) strict, without rowid;

create index mail_outbox_due on mail_outbox (due);
create index mail_outbox_expires on mail_outbox (expires);

-- Whose account the one at a provider will be linked with, when somebody who is signed in
-- has begun.
alter table auth_flow add column link_user_id blob;
