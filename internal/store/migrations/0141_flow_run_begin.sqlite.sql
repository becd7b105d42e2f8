-- SQLite has no row-level security and keeps its indexes.
select 1;
