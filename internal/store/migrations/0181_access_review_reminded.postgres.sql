-- When who may complete a review was last reminded of it.
alter table access_review add column reminded bigint;

create index ix_access_review_open on access_review (due) where completed is null;
