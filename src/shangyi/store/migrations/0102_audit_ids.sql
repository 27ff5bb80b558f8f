-- Ids of audit events begin at a random place of 18 digits in each database, so that the events of a backup and those
-- that the new database has already both stay when it is restored.
select setval(pg_get_serial_sequence('audit_event', 'id'), 100000000000000000 + floor(random() * 8e17)::bigint);
