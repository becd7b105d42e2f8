-- The newest step that a program has to know to work on a database that has got this one.
alter table schema_migration add column needs bigint not null default 0;
