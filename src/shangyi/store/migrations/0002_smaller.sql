-- Rows of search are never updated in place, and an index on floats cannot share equal keys: neither needs the room.
alter table search set (fillfactor = 100);
drop index search_number_low;
create index search_number_low on search_number (parameter, unit, low);
