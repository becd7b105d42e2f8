-- Needs 0142.
-- SQLite has no row-level security; the step keeps the numbers of both databases together.
select 1;
