-- Mails that wait to be sent, sealed: they have links that let people in.
create table mail_outbox (
  id uuid not null primary key,
  created bigint not null,
  expires bigint not null,
  due bigint not null,
  tries bigint not null,
  sealed text not null
);

create index mail_outbox_due on mail_outbox (due);
create index mail_outbox_expires on mail_outbox (expires);

-- Whose account the one at a provider will be linked with, when somebody who is signed in
-- has begun.
alter table auth_flow add column link_user_id uuid;
