-- Results of measures by resident (care/measures/running.py, docs/measures.md). Derived from the record and kept beside it by
-- a reader of the outbox: may be emptied at any time, and is then made again. Not in backups.

create table measure_result (
    rid    bigint   not null,                  -- of the Patient
    shard  smallint not null,
    key    text     not null,                  -- of all that a result depends on but the record
    result text     not null,                  -- JSON
    primary key (shard, key, rid)
);

create table measure_run (
    subject text not null primary key,         -- of a measure and a period
    key     text not null                      -- under which its results are kept now
);
