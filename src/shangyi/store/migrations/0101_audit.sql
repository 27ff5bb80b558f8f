-- Every access, one row each (docs/decisions/0006-access-and-audit.md); shown as FHIR AuditEvent.
-- The columns up to `detail` are, in this order, a line of the spool file: change both or neither.

create table audit_event (
    recorded    timestamptz not null,
    type        text        not null,      -- rest, or a DICOM code
    subtype     text        not null,      -- interaction, operation
    action      "char"      not null,      -- C R U D E
    outcome     smallint    not null,      -- 0 success, 4 minor, 8 serious, 12 major
    description text,                      -- why it failed, English
    agent       text        not null,      -- account:1, token:2, system:loader, owner, anonymous
    agent_name  text        not null,
    role        text        not null,
    who         text,                      -- Practitioner/… of the account
    purpose     text        not null,      -- v3-ActReason
    address     text,
    user_agent  text,                      -- 16 hex digits of its SHA-256
    request     text,                      -- request id
    entities    text[]      not null,      -- Type/id, the resident last where it is another resource
    query       text,
    detail      text,                      -- name=value, tab between
    id          bigint      generated always as identity,
    primary key (recorded, id)
);
create unique index audit_event_id on audit_event (id);
create index audit_event_agent on audit_event (agent, recorded);
create index audit_event_failed on audit_event (recorded) where outcome <> 0;
create index audit_event_entities on audit_event using gin (entities);

-- How far each spool file has been taken over, moved in the transaction that inserts its events.
create table audit_spool (
    name    text   primary key,
    drained bigint not null default 0
);

-- A line that could not be read back is kept as it was, never dropped.
create table audit_rejected (
    name     text        not null,
    position bigint      not null,
    line     bytea       not null,
    error    text        not null,
    rejected timestamptz not null default now(),
    primary key (name, position)
);

create function audit_keep() returns trigger language plpgsql as $$
begin
    raise exception 'audit events are never changed or removed';
end $$;
create trigger audit_event_keep before update or delete on audit_event
    for each row execute function audit_keep();
create trigger audit_event_keep_all before truncate on audit_event
    for each statement execute function audit_keep();
