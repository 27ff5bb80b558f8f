-- Who counts in which rate of the knowledge packages (care/indicators, docs/care.md). Derived from the record and kept
-- beside it by a reader of the outbox: may be emptied at any time, and is then made again. Not in backups.

create table indicator (
    rid     bigint   not null,                 -- of the Patient
    ends    date     not null,                 -- last day of the twelve months that are measured
    shard   smallint not null,
    grade   smallint not null,                 -- of the open gap, 0 where there is none
    met     boolean  not null,                 -- in the numerator; the row itself is the denominator
    measure text     not null,                 -- id of the Measure
    part    text     not null,                 -- id of its group
    facts   jsonb    not null,                 -- what an open gap rests on
    primary key (shard, rid, ends, measure, part)
);
create index indicator_rate on indicator (ends, measure, part);
create index indicator_gap on indicator (ends, grade) where grade > 0;
