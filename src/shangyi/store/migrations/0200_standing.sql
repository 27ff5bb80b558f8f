-- How each resident stands against the rules of care/standing (docs/care.md). Derived from the record and kept beside
-- it by a reader of the outbox: may be emptied at any time, and is then made again. Not in backups.

create table standing (
    rid       bigint   not null,               -- of the Patient; only living, active residents
    area      bigint   not null,               -- 12-digit division code of residence, 0 unknown
    doctors   bigint[] not null,               -- tokens of generalPractitioner, as a panel is bounded
    born      date,
    seen      date,                            -- last visit
    shard     smallint not null,
    sex       "char"   not null,               -- m, f, o, u
    name      text     collate "C" not null,   -- to sort by: pinyin, as the search sorts
    problems  jsonb    not null,               -- what is on the problem list, newest first
    allergies jsonb    not null,
    primary key (shard, rid)
);
create index standing_area on standing (area);

-- A state is a rule's answer over time: it holds on the days from `begins` to the day before `ends`.
create table standing_state (
    rid    bigint   not null,
    begins date     not null,
    ends   date     not null,
    shard  smallint not null,
    grade  smallint not null,                  -- 1 cannot wait … 4, 0 asks for nothing
    state  text     not null,                  -- id of the rule, or problem:<code>, illness:<code>
    facts  jsonb    not null,                  -- what it rests on, with dates and references
    primary key (shard, rid, state, begins)
);
create index standing_state_ends on standing_state (state, ends, begins);
create index standing_state_due on standing_state (ends, begins) where grade > 0;
