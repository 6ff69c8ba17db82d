-- Households and their dated homes (ORG-04): a household is in at most one grid on any day.

create table household (
    id uuid not null,
    code text collate "C" not null,
    building_code text collate "C" not null generated always as (left(code, 17)) stored,
    grid_code text collate "C",
    area_code text collate "C" not null generated always as (coalesce(grid_code, left(code, 12))) stored,
    name text collate "zh-x-icu" not null,
    residents integer,
    valid_from date not null,
    valid_to date,
    source text collate "C",
    ref text collate "C",
    version integer not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint household_code_key unique (code),
    constraint household_code_shape check (code ~ '^[0-9]{23}$'),
    constraint household_grid_in_community check (left(grid_code, 12) = left(code, 12)),
    constraint household_residents check (residents between 0 and 100),
    constraint household_building_code_fkey foreign key (building_code) references building (code),
    constraint household_grid_code_fkey foreign key (grid_code) references grid (code),
    constraint household_pkey primary key (id),
    constraint household_period check (valid_to > valid_from),
    constraint household_years check (valid_from between '1800-01-01' and '2200-12-31'),
    constraint household_source_ref check ((source is null) = (ref is null)),
    constraint household_source_ref_key unique (source, ref)
);
create index household_building_code on household (building_code);
create index household_grid_code on household (grid_code);
create index household_area_code on household (area_code, code);
create index household_name on household (name, id);
comment on table household is 'Households (户): the unit by which grids are drawn.';
comment on column household.code is 'Twenty-three digits: seventeen of the building, six of its own, by custom entrance, floor and room.';
comment on column household.building_code is 'The building, from the code.';
comment on column household.grid_code is 'The grid that it is in now; household_grid holds since when, and where before.';
comment on column household.area_code is 'Its present home, for access: the grid, else the community.';
comment on column household.name is 'Door, such as 1单元0302.';
comment on column household.residents is 'How many people live there; who they are is not kept.';
comment on column household.id is 'Identity, for ever.';
comment on column household.valid_from is 'First day on which it holds.';
comment on column household.valid_to is 'First day on which it no longer holds; null while it has no end.';
comment on column household.source is 'System of the caller that knows it by ref.';
comment on column household.ref is 'Key of the caller, unique within source.';
comment on column household.version is 'Rises with every change; the ETag.';
comment on column household.created_at is 'When the row was made.';
comment on column household.updated_at is 'When the row last changed.';

create table household_grid (
    id uuid not null,
    household_id uuid not null,
    household_code text collate "C" not null,
    grid_code text collate "C" not null,
    valid_from date not null,
    valid_to date,
    constraint household_grid_pkey primary key (id),
    constraint household_grid_period check (valid_to > valid_from),
    constraint household_grid_household_id_fkey foreign key (household_id) references household (id),
    constraint household_grid_grid_code_fkey foreign key (grid_code) references grid (code),
    -- By id, not by code: a GiST index over texts takes four times as long to fill.
    constraint household_grid_one_at_a_time exclude using gist (household_id with =, daterange(valid_from, valid_to) with &&) deferrable initially immediate
);
-- Not unique: a move closes and opens in one statement, and the exclusion constraint looks when it is over.
create index household_grid_open on household_grid (household_id) where valid_to is null;
create index household_grid_grid_code on household_grid (grid_code, valid_from);
comment on table household_grid is 'Which household was in which grid, and when: never rewritten, so that past figures stand.';
comment on column household_grid.id is 'Identity.';
comment on column household_grid.household_id is 'The household.';
comment on column household_grid.household_code is 'The code of the household, which never changes.';
comment on column household_grid.grid_code is 'The grid.';
comment on column household_grid.valid_from is 'First day in the grid.';
comment on column household_grid.valid_to is 'First day no longer in the grid; null while it is there.';
