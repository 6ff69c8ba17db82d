-- Who may enter: accounts of staff, their sessions, the roles they hold, and the keys that sign their tokens.

create table account (
    id uuid not null,
    user_name text collate "C" not null,
    name text collate "zh-x-icu" not null,
    area_code text collate "C" not null,
    profile text not null,
    password_hash text not null,
    password_changed_at timestamptz not null,
    password_temporary boolean not null,
    second_factor bytea,
    second_factor_pending bytea,
    second_factor_step bigint not null default 0,
    failures integer not null default 0,
    locked_until timestamptz,
    disabled_at timestamptz,
    version integer not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint account_pkey primary key (id),
    constraint account_user_name_key unique (user_name),
    constraint account_user_name_shape check (user_name ~ '^[a-z][a-z0-9._-]{2,31}$'),
    constraint account_area_shape check (area_code ~ '^([0-9]{6}|[0-9]{9}|[0-9]{12}|[0-9]{15})$'),
    constraint account_profile check (profile in ('mlps3', 'asvs')),
    constraint account_failures check (failures >= 0)
);
create index account_area_code on account (area_code, user_name);
comment on table account is 'Accounts of staff. What an account may do follows from its roles alone.';
comment on column account.id is 'Identity, also in the journal and in tokens.';
comment on column account.user_name is 'What the person types to log in.';
comment on column account.name is 'Name of the person, as the journal keeps it.';
comment on column account.area_code is 'Where the account is kept: who may write accounts there may reset it.';
comment on column account.profile is 'Rules for its password and log-in: mlps3 (GB/T 22239-2019 level 3) or asvs (OWASP ASVS 5).';
comment on column account.password_hash is 'Argon2id, with its parameters and salt.';
comment on column account.password_changed_at is 'When the password was set, for the age that mlps3 allows.';
comment on column account.password_temporary is 'Whether another set it: it opens nothing but its own change.';
comment on column account.second_factor is 'Secret of the one-time codes (RFC 6238), sealed; null without a second factor.';
comment on column account.second_factor_pending is 'Secret that was shown and not yet confirmed by a code, sealed.';
comment on column account.second_factor_step is 'Time step of the last code that was taken: no code is taken twice.';
comment on column account.failures is 'Failed log-ins since the last good one.';
comment on column account.locked_until is 'No log-in before this instant, after too many failures.';
comment on column account.disabled_at is 'Since when the account opens nothing; null while it does.';
comment on column account.version is 'Rises with every change; the ETag.';
comment on column account.created_at is 'When the row was made.';
comment on column account.updated_at is 'When the row last changed.';

create table session (
    id uuid not null,
    account_id uuid not null,
    created_at timestamptz not null,
    used_at timestamptz not null,
    expires_at timestamptz not null,
    ended_at timestamptz,
    end_reason text,
    constraint session_pkey primary key (id),
    constraint session_account_id_fkey foreign key (account_id) references account (id),
    constraint session_end_reason check (end_reason in ('logged_out', 'idle', 'reused', 'ended_by_other', 'password_changed', 'account_disabled')),
    constraint session_end check ((ended_at is null) = (end_reason is null))
);
create index session_account_id on session (account_id, id);
create index session_expires_at on session (expires_at);
comment on table session is 'Sessions of accounts: from a log-in until it ends, is idle for too long, or expires.';
comment on column session.id is 'Identity, also in its tokens.';
comment on column session.account_id is 'Whose it is.';
comment on column session.created_at is 'When the person logged in.';
comment on column session.used_at is 'When it was last used, to the minute.';
comment on column session.expires_at is 'From this instant on it is over, however busy.';
comment on column session.ended_at is 'When it was ended; null while it runs.';
comment on column session.end_reason is 'Why it was ended.';

create table refresh_token (
    digest bytea not null,
    session_id uuid not null,
    issued_at timestamptz not null,
    used_at timestamptz,
    constraint refresh_token_pkey primary key (digest),
    constraint refresh_token_session_id_fkey foreign key (session_id) references session (id) on delete cascade,
    constraint refresh_token_digest_length check (octet_length(digest) = 32)
);
create index refresh_token_session_id on refresh_token (session_id);
comment on table refresh_token is 'Tokens that renew a session, each once: one that comes a second time was stolen, and ends the session.';
comment on column refresh_token.digest is 'SHA-256 of the token: 256 random bits need no slow hash.';
comment on column refresh_token.session_id is 'The session that it renews.';
comment on column refresh_token.issued_at is 'When it was handed out.';
comment on column refresh_token.used_at is 'When it was taken; null while it waits.';

create table role_grant (
    id uuid not null,
    account_id uuid not null,
    role text not null,
    area_code text collate "C" not null,
    valid_from date not null,
    valid_to date not null,
    revoked_at timestamptz,
    version integer not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint role_grant_pkey primary key (id),
    constraint role_grant_account_id_fkey foreign key (account_id) references account (id),
    constraint role_grant_area_shape check (area_code ~ '^([0-9]{6}|[0-9]{9}|[0-9]{12}|[0-9]{15})$'),
    constraint role_grant_period check (valid_to > valid_from),
    constraint role_grant_years check (valid_from between '1800-01-01' and '2200-12-31' and valid_to <= '2200-12-31'),
    constraint role_grant_once exclude using gist (account_id with =, role with =, area_code with =, daterange(valid_from, valid_to) with &&) where (revoked_at is null)
);
create index role_grant_account_id on role_grant (account_id);
create index role_grant_area_code on role_grant (area_code, id);
comment on table role_grant is 'Roles as accounts hold them: in an area, for a term. Outside the term a role gives nothing.';
comment on column role_grant.id is 'Identity.';
comment on column role_grant.account_id is 'Who holds it.';
comment on column role_grant.role is 'Which role, as in /v1/roles.';
comment on column role_grant.area_code is 'Where: this area and all below it.';
comment on column role_grant.valid_from is 'First day on which it holds.';
comment on column role_grant.valid_to is 'First day on which it no longer holds.';
comment on column role_grant.revoked_at is 'Since when it gives nothing, although its term is not over; null while it does.';
comment on column role_grant.version is 'Rises with every change; the ETag.';
comment on column role_grant.created_at is 'When the row was made.';
comment on column role_grant.updated_at is 'When the row last changed.';

create table signing_key (
    id uuid not null,
    area_code text collate "C" not null,
    public_key bytea not null,
    sealed_key bytea not null,
    created_at timestamptz not null,
    signs_from timestamptz not null,
    expires_at timestamptz not null,
    constraint signing_key_pkey primary key (id),
    constraint signing_key_term check (expires_at > signs_from)
);
comment on table signing_key is 'Ed25519 keys that sign access tokens. The newest whose time has come signs, all that have not expired verify.';
comment on column signing_key.id is 'The kid of tokens and of /.well-known/jwks.json.';
comment on column signing_key.area_code is 'The city for which it signs.';
comment on column signing_key.public_key is 'Public key, 32 bytes.';
comment on column signing_key.sealed_key is 'Private key (PKCS #8), sealed with SECRET_KEY.';
comment on column signing_key.created_at is 'When it was made.';
comment on column signing_key.signs_from is 'From this instant on it signs: late enough for every replica and every client to know it.';
comment on column signing_key.expires_at is 'From this instant on nothing that it signed is taken.';

-- Keys are listed by area and have a version, as everything else that the API keeps.
create index api_key_area_code on api_key (area_code, id);
alter table api_key add column version integer not null default 1;
comment on column api_key.version is 'Rises with every change; the ETag.';
