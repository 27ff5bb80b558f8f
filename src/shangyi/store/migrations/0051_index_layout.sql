-- How the rows of search and its narrow tables were computed (store/index.py, LAYOUT); empty: unknown, and rebuilt at start.
create table index_layout (layout integer not null);
