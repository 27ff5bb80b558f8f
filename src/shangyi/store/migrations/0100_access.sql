-- Who may come in (docs/access.md). Secrets are kept as hashes only: argon2id for passwords, SHA-256 for tokens,
-- which are 256 random bits and need no slow hash.

create table account (
    id              bigint      primary key generated always as identity,
    name            text        not null unique,         -- folded to lower case; what one signs in with
    display         text        not null,                -- the person's name
    role            text        not null,                -- access.model.Role
    area            text,                                -- digits of a division code; '' everywhere
    practitioner    text,                                -- Practitioner/… of the panel
    language        text        not null,
    disabled        boolean     not null default false,
    password        text        not null,                -- argon2id, PHC string
    password_set    timestamptz not null default now(),
    must_change     boolean     not null default false,
    created         timestamptz not null default now()
);

create table account_session (
    hash    bytea       primary key,                     -- SHA-256 of the cookie
    account bigint      not null references account on delete cascade,
    created timestamptz not null default now(),
    seen    timestamptz not null default now(),
    expires timestamptz not null
);
create index account_session_account on account_session (account);
create index account_session_expires on account_session (expires);

create table account_token (
    id         bigint      primary key generated always as identity,
    hash       bytea       not null unique,              -- SHA-256 of the token
    label      text        not null,
    role       text        not null,
    area       text        not null,
    created    timestamptz not null default now(),
    created_by text        not null,
    expires    timestamptz not null,
    revoked    timestamptz
);

-- Failed sign-ins by account, by address and by both together (access/limits.py).
create table account_attempt (
    key      text        primary key,
    failures integer     not null,
    since    timestamptz not null,
    blocked  timestamptz
);
create index account_attempt_since on account_attempt (since);
