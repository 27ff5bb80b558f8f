-- Whose a row is stands in the btrees that pages are walked along, so that who sees one village passes over the rows of
-- all others without reading them (docs/decisions/0005-search-plans.md). Residents of an area are gathered from the index alone.
drop index search_code_date;
create index search_code_date on search (code, date, rid) include (patient) where code <> 0;
drop index search_type_date;
create index search_type_date on search (type, date, rid) include (patient);
drop index search_area;
create index search_area on search (area, type) include (rid) where area <> 0;
