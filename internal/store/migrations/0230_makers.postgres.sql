-- Who made flows, work pools and work queues, and who changed them last.
alter table flow add column created_by json;
alter table flow add column updated_by json;
alter table work_pool add column created_by json;
alter table work_pool add column updated_by json;
alter table work_queue add column created_by json;
alter table work_queue add column updated_by json;
