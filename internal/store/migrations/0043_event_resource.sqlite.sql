-- Events are found by their time or name, and the resources of each are then looked up by
-- the key. With this index SQLite looked up all events of the resource instead, for each.
drop index ix_event_resource_resource;
