-- People: one person once. Identity numbers and phones are kept as a keyed hash and a sealed value, never in clear.

create table sealed_key (
    name text collate "C" not null,
    sealed bytea not null,
    created_at timestamptz not null default now(),
    constraint sealed_key_pkey primary key (name)
);
comment on table sealed_key is 'Keys that live in the database, sealed under the deployment''s SECRET_KEY.';
comment on column sealed_key.name is 'What it is for: lookup is the key of the hashes by which personal values are found.';
comment on column sealed_key.sealed is 'The key, sealed.';
comment on column sealed_key.created_at is 'When it was made.';

create function journal_hide(change jsonb, private text[]) returns jsonb immutable language sql as $$
    select coalesce(jsonb_object_agg(k, case
        when k <> all (private) or v = 'null' then v
        when jsonb_typeof(v) = 'object' then jsonb_build_object('from', case when v -> 'from' = 'null' then v -> 'from' else '"***"' end, 'to', case when v -> 'to' = 'null' then v -> 'to' else '"***"' end)
        else '"***"' end), '{}')
    from jsonb_each(change) as e (k, v)
$$;
comment on function journal_hide(jsonb, text[]) is 'A change without the values of these members: it tells that they changed, never from what or to what.';

create table person (
    id uuid not null,
    name text collate "zh-x-icu" not null,
    id_kind text collate "C" not null default 'resident_id',
    id_number bytea,
    id_number_hash bytea generated always as (substring(id_number from 1 for 32)) stored,
    phone bytea,
    phone_hash bytea generated always as (substring(phone from 1 for 32)) stored,
    area_code text collate "C" not null,
    community_code text collate "C" not null generated always as (left(area_code, 12)) stored,
    grid_code text collate "C" generated always as (case when length(area_code) = 15 then area_code end) stored,
    valid_from date not null,
    valid_to date,
    merged_into uuid,
    source text collate "C",
    ref text collate "C",
    version integer not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint person_area_code_shape check (area_code ~ '^([0-9]{12}|[0-9]{15})$'),
    constraint person_community_code_fkey foreign key (community_code) references community (code),
    constraint person_grid_code_fkey foreign key (grid_code) references grid (code),
    constraint person_id_kind check (id_kind in ('resident_id', 'passport', 'hk_macau_permit', 'taiwan_permit')),
    -- Thirty-two bytes of hash, five of algorithm and key, twelve of nonce, sixteen of tag: a text in clear is shorter.
    constraint person_id_number_sealed check (octet_length(id_number) > 65),
    constraint person_phone_sealed check (octet_length(phone) > 65),
    constraint person_merged_into_fkey foreign key (merged_into) references person (id),
    constraint person_not_merged_into_itself check (merged_into <> id),
    constraint person_period check (valid_to > valid_from),
    constraint person_pkey primary key (id),
    constraint person_source_ref check ((source is null) = (ref is null)),
    constraint person_source_ref_key unique (source, ref),
    constraint person_years check (valid_from between '1800-01-01' and '2200-12-31')
);
-- A duplicate that was merged keeps its number, so that undoing the merge gives it back as it was.
create unique index person_id_number_key on person (id_number_hash) where merged_into is null;
create index person_phone_hash on person (phone_hash);
create index person_area_code on person (area_code, id);
create index person_community_code on person (community_code);
create index person_grid_code on person (grid_code);
create index person_name on person (name, id);
create index person_merged_into on person (merged_into) where merged_into is not null;
comment on table person is 'People as far as governance needs them: residents, owners, members, holders of posts. One person once.';
comment on column person.id is 'Identity, for ever.';
comment on column person.name is 'Name, as on the document.';
comment on column person.id_kind is 'Kind of the document that the number is of.';
comment on column person.id_number is 'Number of the document: keyed hash (32 bytes), then the sealed value. Never in clear.';
comment on column person.id_number_hash is 'The keyed hash of the number, from id_number: one person once.';
comment on column person.phone is 'Phone: keyed hash (32 bytes), then the sealed value. Never in clear.';
comment on column person.phone_hash is 'The keyed hash of the phone, from phone. Families share phones.';
comment on column person.area_code is 'The community or grid that answers for the person: where he lives, else where he serves. For access.';
comment on column person.community_code is 'The community, from area_code.';
comment on column person.grid_code is 'The grid, from area_code; null where that is a community.';
comment on column person.valid_from is 'First day on which the city keeps the person.';
comment on column person.valid_to is 'First day on which it no longer does, as he has died or moved away; null while it has no end.';
comment on column person.merged_into is 'The person that this entry turned out to be; null unless it is a duplicate that was merged.';
comment on column person.source is 'System of the caller that knows the person by ref.';
comment on column person.ref is 'Key of the caller, unique within source.';
comment on column person.version is 'Rises with every change; the ETag.';
comment on column person.created_at is 'When the row was made.';
comment on column person.updated_at is 'When the row last changed.';
