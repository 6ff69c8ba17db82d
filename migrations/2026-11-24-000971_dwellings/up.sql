-- Dwellings (房屋, 专有部分; ORG-08): the registrable parts of buildings, which owners own and vote by.

create table dwelling (
    id uuid not null,
    code text collate "C" not null,
    building_code text collate "C" not null generated always as (left(code, 17)) stored,
    area_code text collate "C" not null generated always as (left(code, 12)) stored,
    building_unit_no text collate "C",
    room_no text collate "C" not null,
    floor integer,
    exclusive_area numeric(12, 2) not null,
    area_basis text not null,
    use_kind text not null default 'residential',
    delivered boolean not null default true,
    sold boolean not null default true,
    valid_from date not null,
    valid_to date,
    source text collate "C",
    ref text collate "C",
    version integer not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint dwelling_code_key unique (code),
    constraint dwelling_code_shape check (code ~ '^[0-9]{23}$'),
    constraint dwelling_floor check (floor between -10 and 200),
    constraint dwelling_exclusive_area check (exclusive_area between 0 and 999999.99),
    constraint dwelling_area_basis check (area_basis in ('register', 'survey', 'contract')),
    constraint dwelling_use_kind check (use_kind in ('residential', 'commercial', 'garage', 'storage', 'other')),
    constraint dwelling_building_code_fkey foreign key (building_code) references building (code),
    constraint dwelling_pkey primary key (id),
    constraint dwelling_period check (valid_to > valid_from),
    constraint dwelling_years check (valid_from between '1800-01-01' and '2200-12-31'),
    constraint dwelling_source_ref check ((source is null) = (ref is null)),
    constraint dwelling_source_ref_key unique (source, ref)
);
-- A door is one dwelling's at a time; after its end another may have it, under a code of its own.
create unique index dwelling_door_key on dwelling (building_code, room_no, coalesce(building_unit_no, '')) where valid_to is null;
-- Whoever had a door before. Few have an end, so this costs next to nothing, as an exclusion over all of them would not.
create index dwelling_former_door on dwelling (building_code, room_no) where valid_to is not null;
create index dwelling_building_code on dwelling (building_code, code);
create index dwelling_area_code on dwelling (area_code, code);
comment on table dwelling is 'Dwellings (房屋, 专有部分): the registrable parts of buildings, which owners own and vote by (Civil Code, article 271).';
comment on column dwelling.id is 'Identity, for ever.';
comment on column dwelling.code is 'Twenty-three digits: seventeen of the building, six of its own, by custom entrance, floor and room.';
comment on column dwelling.building_code is 'The building, from the code.';
comment on column dwelling.area_code is 'The community, from the code.';
comment on column dwelling.building_unit_no is 'Entrance (单元), as the door says it; null where the building has none.';
comment on column dwelling.room_no is 'Room, as the door says it.';
comment on column dwelling.floor is 'Floor; below ground negative.';
comment on column dwelling.exclusive_area is 'Area of the exclusive part in square metres, which counts in votes (Civil Code, article 278).';
comment on column dwelling.area_basis is 'What the area rests on: register, else survey, else contract (SPC 2009 no. 7, article 8).';
comment on column dwelling.use_kind is 'residential, commercial, garage, storage or other.';
comment on column dwelling.delivered is 'Whether the developer has handed it over.';
comment on column dwelling.sold is 'Whether it is sold: what is not counts as one head together, the developer''s (SPC 2009 no. 7, article 9).';
comment on column dwelling.valid_from is 'First day on which it holds.';
comment on column dwelling.valid_to is 'First day on which it no longer holds; null while it has no end.';
comment on column dwelling.source is 'System of the caller that knows it by ref.';
comment on column dwelling.ref is 'Key of the caller, unique within source.';
comment on column dwelling.version is 'Rises with every change; the ETag.';
comment on column dwelling.created_at is 'When the row was made.';
comment on column dwelling.updated_at is 'When the row last changed.';
