-- Reviews of access that are due, for who reminds of them.
create index ix_access_review_open on access_review (due) where completed is null;
