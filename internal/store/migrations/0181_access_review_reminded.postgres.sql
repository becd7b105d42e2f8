-- When who may complete a review was last reminded of it.
alter table access_review add column reminded bigint;
