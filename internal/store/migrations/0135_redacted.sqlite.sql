-- The entry of the audit log that vouches for what is left of this one, after somebody whom
-- it names was erased.
alter table audit_entry add column redacted_by integer;
