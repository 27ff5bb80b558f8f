-- The record (docs/decisions/0004-record-layout.md). Columns are ordered so that nothing is padded; none is null in
-- the hot tables, so that rows carry no null bitmap: 0 stands for "none". Every unique key holds the shard.

-- One row a version, append-only, never updated: history and outbox at once.
create table resource (
    rid     bigint      not null,               -- keys.rid(type, id)
    xid     xid8        not null default pg_current_xact_id(),
    updated timestamptz not null,               -- meta.lastUpdated, milliseconds
    version integer     not null,               -- meta.versionId, 1 …
    shard   smallint    not null,               -- keys.shard(patient, rid)
    type    smallint    not null,               -- types.NUMBERS
    coding  smallint    not null,               -- how body is packed: a row of dictionary, 0 plain
    method  "char"      not null,               -- c create, u update, d delete
    id      bytea       not null,               -- body.pack_id: 16 bytes for a UUID, else the text
    body    bytea       not null,               -- JSON without type, id, versionId, lastUpdated; empty when deleted
    primary key (rid, version, shard)
) with (fillfactor = 100, toast_tuple_target = 8160);
alter table resource alter column body set storage external;
create index resource_xid on resource (xid);
create index resource_type_updated on resource (type, updated);
create index resource_updated on resource (updated);

-- One row a current resource.
create table search (
    rid      bigint      not null,
    patient  bigint      not null default 0,    -- rid of the resident
    area     bigint      not null default 0,    -- 12-digit division code of its own
    code     bigint      not null default 0,    -- token of the primary code
    date     bigint      not null default -9223372036854775808,  -- main date, µs since 1970, first …
    date_end bigint      not null default -9223372036854775808,  -- … and last
    updated  timestamptz not null,
    version  integer     not null,
    shard    smallint    not null,
    type     smallint    not null,
    tokens   bigint[]    not null,
    primary key (rid, shard)
) with (fillfactor = 95);
create index search_type_date on search (type, date, rid);
create index search_patient on search (patient, type, date) where patient <> 0;
create index search_code_date on search (code, date, rid) where code <> 0;
create index search_area on search (area, type) where area <> 0;
create index search_updated on search using brin (updated) with (pages_per_range = 32, autosummarize = on);
create index search_tokens on search using gin (tokens) with (fastupdate = off);

-- Only what is compared by size. `parameter` is keys.parameter(type, name).
create table search_date (
    rid       bigint   not null,
    low       bigint   not null,                -- µs since 1970
    high      bigint   not null,
    parameter integer  not null,
    shard     smallint not null
);
create index search_date_low on search_date (parameter, low, rid);

create table search_number (
    rid       bigint           not null,
    unit      bigint           not null,        -- key of the unit, 0 none
    low       double precision not null,
    high      double precision not null,
    parameter integer          not null,
    shard     smallint         not null
);
create index search_number_low on search_number (parameter, unit, low, rid);

create table search_string (
    rid       bigint   not null,
    parameter integer  not null,
    shard     smallint not null,
    value     text     collate "C" not null
);
create index search_string_value on search_string (parameter, value, rid);

-- How often a token or code is, by sampling (store/frequency.py); what is not here is rare.
create table frequency (
    token    bigint primary key,
    estimate bigint not null
);

-- zstd dictionaries: bodies name theirs, so a row is never changed or removed.
create table dictionary (
    coding  smallint    primary key,
    type    smallint    not null,               -- 0 for any type
    trained timestamptz not null default now(),
    sha256  bytea       not null,
    content bytea       not null
);

-- Where the readers of the outbox stand.
create table outbox_cursor (
    name    text        primary key,
    cursor  text        not null,
    updated timestamptz not null default now()
);

-- What has been loaded: one row a chunk of a source, committed with the chunk.
create table load_ledger (
    source    bytea       not null,             -- SHA-256 of the content
    chunk     bigint      not null,             -- byte position after which the next chunk starts; -1 complete
    resources bigint      not null,
    refused   bigint      not null,
    loaded    timestamptz not null default now(),
    primary key (source, chunk)
);
