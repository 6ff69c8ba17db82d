-- The ground under every domain: secrets, API keys, the journal, idempotency, import runs.

create table secret (
    name text not null,
    value bytea not null,
    constraint secret_pkey primary key (name),
    constraint secret_value_length check (octet_length(value) >= 32)
);
comment on table secret is 'Keys that every replica must share; made by the migration, never sent out.';
comment on column secret.name is 'What the key is for, such as "cursor".';
comment on column secret.value is 'Random bytes.';

-- Two random UUIDs hold 244 random bits, enough for an HMAC key.
insert into secret (name, value)
values ('cursor', decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex'));

create table api_key (
    id uuid not null,
    name text not null,
    digest bytea not null,
    hint text not null,
    permissions text[] not null,
    area_code text collate "C" not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    revoked_at timestamptz,
    constraint api_key_pkey primary key (id),
    constraint api_key_digest_key unique (digest),
    constraint api_key_digest_length check (octet_length(digest) = 32),
    constraint api_key_area_shape check (area_code ~ '^([0-9]{6}|[0-9]{9}|[0-9]{12}|[0-9]{15})$'),
    constraint api_key_expiry check (expires_at > created_at)
);
comment on table api_key is 'Keys of machine clients. The key itself is shown once and stored as a hash.';
comment on column api_key.id is 'Identity of the client in the journal.';
comment on column api_key.name is 'Who uses the key, for people.';
comment on column api_key.digest is 'SHA-256 of the key: 256 random bits need no slow hash.';
comment on column api_key.hint is 'Prefix and last four characters, to recognise a key by.';
comment on column api_key.permissions is 'Names of permissions, such as grid.write; * for all.';
comment on column api_key.area_code is 'The key reaches this area and all below it.';
comment on column api_key.created_at is 'When the key was made.';
comment on column api_key.expires_at is 'From this instant on the key is refused.';
comment on column api_key.revoked_at is 'From this instant on the key is refused, set by hand.';

create table journal (
    xid xid8 not null default pg_current_xact_id(),
    seq bigint not null generated always as identity,
    at timestamptz not null default now(),
    actor_id uuid not null,
    actor_name text not null,
    request_id text not null,
    action text not null,
    object_kind text not null,
    object_id uuid not null,
    area_code text collate "C" not null,
    former_area_code text collate "C",
    version integer not null,
    reason text,
    change jsonb not null,
    format smallint not null default 1,
    constraint journal_pkey primary key (xid, seq)
);
create index journal_object on journal (object_id, seq);
comment on table journal is 'Every change, appended in the transaction that made it: history, audit log and change feed are views of it.';
comment on column journal.xid is 'Transaction that wrote the row; with seq, the order in which readers may follow without a gap.';
comment on column journal.seq is 'Order within and across transactions, as handed out.';
comment on column journal.at is 'When the transaction began.';
comment on column journal.actor_id is 'Who acted: an API key, or the nil UUID for the system itself.';
comment on column journal.actor_name is 'Name of the actor at the time.';
comment on column journal.request_id is 'The request that asked for it.';
comment on column journal.action is 'What was done, such as grid.created.';
comment on column journal.object_kind is 'What kind of thing changed, such as grid.';
comment on column journal.object_id is 'Which one.';
comment on column journal.area_code is 'Where it belongs after the change.';
comment on column journal.former_area_code is 'Where it belonged before, if it moved.';
comment on column journal.version is 'Version of the object after the change.';
comment on column journal.reason is 'Why, in the words of the actor.';
comment on column journal.change is 'Created: its members. Changed: {member: {from, to}}.';
comment on column journal.format is 'Version of the form of change.';

create function journal_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'the journal is append-only' using errcode = 'insufficient_privilege';
end $$;
create trigger journal_append_only before update or delete on journal
    for each row execute function journal_is_append_only();
create trigger journal_no_truncate before truncate on journal
    for each statement execute function journal_is_append_only();

create function journal_diff(before jsonb, after jsonb) returns jsonb immutable language sql as $$
    select coalesce(jsonb_object_agg(k, jsonb_build_object('from', before -> k, 'to', after -> k)), '{}')
    from jsonb_object_keys(after) as k
    where before -> k is distinct from after -> k
$$;
comment on function journal_diff(jsonb, jsonb) is 'The members that differ, each as {from, to}.';

create table idempotency (
    client_id uuid not null,
    key text collate "C" not null,
    request bytea not null,
    granted jsonb not null,
    status smallint not null,
    location text,
    body text not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    constraint idempotency_pkey primary key (client_id, key)
);
create index idempotency_expires_at on idempotency (expires_at);
comment on table idempotency is 'What a write with an Idempotency-Key answered, kept a day, for the same answer to the same request.';
comment on column idempotency.client_id is 'Whose key it is: two clients may use the same one.';
comment on column idempotency.key is 'The value of the header.';
comment on column idempotency.request is 'SHA-256 of method, path, query and body.';
comment on column idempotency.granted is 'The permissions and areas that the work needed; asked again before a replay.';
comment on column idempotency.status is 'HTTP status of the answer.';
comment on column idempotency.location is 'Location header of the answer.';
comment on column idempotency.body is 'Body of the answer.';
comment on column idempotency.created_at is 'When the work was done.';
comment on column idempotency.expires_at is 'From this instant on the key may be used anew.';

create table import_run (
    id uuid not null,
    resource text not null,
    mode text not null,
    area_code text collate "C" not null,
    effective_on date not null,
    header text not null,
    rows_read integer not null,
    created integer not null,
    changed integer not null,
    unchanged integer not null,
    refused integer not null,
    committed boolean not null,
    started_by uuid not null,
    created_at timestamptz not null default now(),
    version integer not null default 1,
    constraint import_run_pkey primary key (id),
    constraint import_run_mode check (mode in ('dry_run', 'atomic', 'best_effort')),
    constraint import_run_counts check (rows_read = created + changed + unchanged + refused)
);
create index import_run_started_by on import_run (started_by, id);
comment on table import_run is 'One import of one file: what came of it.';
comment on column import_run.id is 'Identity of the run.';
comment on column import_run.resource is 'What was imported, as in the path: grids.';
comment on column import_run.mode is 'dry_run, atomic or best_effort.';
comment on column import_run.area_code is 'Area of the client that ran it.';
comment on column import_run.effective_on is 'The day on which new rows begin and moves take place.';
comment on column import_run.header is 'Header line of the file as CSV, for the file of failed rows.';
comment on column import_run.rows_read is 'Data rows in the file.';
comment on column import_run.created is 'Rows that became new objects.';
comment on column import_run.changed is 'Rows that changed an object.';
comment on column import_run.unchanged is 'Rows that said what was so already.';
comment on column import_run.refused is 'Rows at fault.';
comment on column import_run.committed is 'Whether anything was kept.';
comment on column import_run.started_by is 'The client that sent the file; it alone reads the run.';
comment on column import_run.created_at is 'When.';
comment on column import_run.version is 'Always 1: a run does not change.';

create table import_failure (
    run_id uuid not null,
    line integer not null,
    record text not null,
    faults jsonb not null,
    constraint import_failure_pkey primary key (run_id, line),
    constraint import_failure_run_id_fkey foreign key (run_id) references import_run (id) on delete cascade
);
comment on table import_failure is 'A row of an import that was refused, as it stood in the file.';
comment on column import_failure.run_id is 'The run.';
comment on column import_failure.line is 'Line in the file, the header being line 1.';
comment on column import_failure.record is 'The row in its original columns, as CSV.';
comment on column import_failure.faults is 'List of {field, code, zh, en}.';
