-- The area tree and what stands in it (ORG-03 … ORG-05). Rows refer to one another by code: a code is
-- never changed and never reused, and each code begins with its parent's, so the parent is computed.

create table subdistrict (
    id uuid not null,
    code text collate "C" not null,
    name text collate "zh-x-icu" not null,
    valid_from date not null,
    valid_to date,
    source text collate "C",
    ref text collate "C",
    version integer not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint subdistrict_code_key unique (code),
    constraint subdistrict_code_shape check (code ~ '^[0-9]{9}$'),
    constraint subdistrict_pkey primary key (id),
    constraint subdistrict_period check (valid_to > valid_from),
    constraint subdistrict_years check (valid_from between '1800-01-01' and '2200-12-31'),
    constraint subdistrict_source_ref check ((source is null) = (ref is null)),
    constraint subdistrict_source_ref_key unique (source, ref)
);
create index subdistrict_name on subdistrict (name, id);
comment on table subdistrict is 'Subdistricts, towns and townships: the second level of the division codes.';
comment on column subdistrict.code is 'Nine digits: six of the city, three of its own (GB/T 10114).';
comment on column subdistrict.name is 'Name, such as 龙池桥街道.';
comment on column subdistrict.id is 'Identity, for ever.';
comment on column subdistrict.valid_from is 'First day on which it holds.';
comment on column subdistrict.valid_to is 'First day on which it no longer holds; null while it has no end.';
comment on column subdistrict.source is 'System of the caller that knows it by ref.';
comment on column subdistrict.ref is 'Key of the caller, unique within source.';
comment on column subdistrict.version is 'Rises with every change; the ETag.';
comment on column subdistrict.created_at is 'When the row was made.';
comment on column subdistrict.updated_at is 'When the row last changed.';

create table community (
    id uuid not null,
    code text collate "C" not null,
    subdistrict_code text collate "C" not null generated always as (left(code, 9)) stored,
    name text collate "zh-x-icu" not null,
    kind text not null default 'urban',
    boundary jsonb,
    valid_from date not null,
    valid_to date,
    source text collate "C",
    ref text collate "C",
    version integer not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint community_code_key unique (code),
    constraint community_code_shape check (code ~ '^[0-9]{12}$'),
    constraint community_kind check (kind in ('urban', 'village_to_community', 'village')),
    constraint community_boundary check (boundary ->> 'type' in ('Polygon', 'MultiPolygon')),
    constraint community_subdistrict_code_fkey foreign key (subdistrict_code) references subdistrict (code),
    constraint community_pkey primary key (id),
    constraint community_period check (valid_to > valid_from),
    constraint community_years check (valid_from between '1800-01-01' and '2200-12-31'),
    constraint community_source_ref check ((source is null) = (ref is null)),
    constraint community_source_ref_key unique (source, ref)
);
create index community_subdistrict_code on community (subdistrict_code);
create index community_name on community (name, id);
comment on table community is 'Communities (社区): the area of one residents committee.';
comment on column community.code is 'Twelve digits: nine of the subdistrict, three of its own.';
comment on column community.subdistrict_code is 'The subdistrict, from the code.';
comment on column community.name is 'Name.';
comment on column community.kind is 'urban, village_to_community or village.';
comment on column community.boundary is 'Its boundary on the ground, a Polygon or MultiPolygon of GeoJSON in degrees of CGCS2000 or WGS 84; null where it is not known.';
comment on column community.id is 'Identity, for ever.';
comment on column community.valid_from is 'First day on which it holds.';
comment on column community.valid_to is 'First day on which it no longer holds; null while it has no end.';
comment on column community.source is 'System of the caller that knows it by ref.';
comment on column community.ref is 'Key of the caller, unique within source.';
comment on column community.version is 'Rises with every change; the ETag.';
comment on column community.created_at is 'When the row was made.';
comment on column community.updated_at is 'When the row last changed.';

create table grid (
    id uuid not null,
    code text collate "C" not null,
    community_code text collate "C" not null generated always as (left(code, 12)) stored,
    name text collate "zh-x-icu" not null,
    kind text not null default 'urban',
    dedicated_kind text,
    boundary jsonb,
    valid_from date not null,
    valid_to date,
    source text collate "C",
    ref text collate "C",
    version integer not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint grid_code_key unique (code),
    constraint grid_code_shape check (code ~ '^[0-9]{15}$'),
    constraint grid_kind check (kind in ('urban', 'rural', 'dedicated')),
    constraint grid_dedicated_kind check (dedicated_kind in ('government', 'hospital', 'school', 'enterprise', 'park', 'business_district', 'market', 'scenic_area', 'other')),
    constraint grid_dedicated check (dedicated_kind is null or kind = 'dedicated'),
    constraint grid_boundary check (boundary ->> 'type' in ('Polygon', 'MultiPolygon')),
    constraint grid_community_code_fkey foreign key (community_code) references community (code),
    constraint grid_pkey primary key (id),
    constraint grid_period check (valid_to > valid_from),
    constraint grid_years check (valid_from between '1800-01-01' and '2200-12-31'),
    constraint grid_source_ref check ((source is null) = (ref is null)),
    constraint grid_source_ref_key unique (source, ref)
);
create index grid_community_code on grid (community_code);
create index grid_name on grid (name, id);
comment on table grid is 'Grids (网格): the smallest cell of governance, each in exactly one community.';
comment on column grid.code is 'Fifteen digits: twelve of the community, three of its own.';
comment on column grid.community_code is 'The community, from the code.';
comment on column grid.name is 'Name.';
comment on column grid.kind is 'urban, rural or dedicated.';
comment on column grid.dedicated_kind is 'What a dedicated grid is for.';
comment on column grid.boundary is 'Its boundary on the ground, a Polygon or MultiPolygon of GeoJSON in degrees of CGCS2000 or WGS 84; null where it is not known.';
comment on column grid.id is 'Identity, for ever.';
comment on column grid.valid_from is 'First day on which it holds.';
comment on column grid.valid_to is 'First day on which it no longer holds; null while it has no end.';
comment on column grid.source is 'System of the caller that knows it by ref.';
comment on column grid.ref is 'Key of the caller, unique within source.';
comment on column grid.version is 'Rises with every change; the ETag.';
comment on column grid.created_at is 'When the row was made.';
comment on column grid.updated_at is 'When the row last changed.';

create table compound (
    id uuid not null,
    code text collate "C" not null,
    area_code text collate "C" not null generated always as (left(code, 12)) stored,
    name text collate "zh-x-icu" not null,
    alias text,
    kind text not null,
    address text,
    property_area_number text,
    developer text,
    delivered_on date,
    floor_area numeric(12, 2),
    parking_spaces integer,
    gated boolean,
    valid_from date not null,
    valid_to date,
    source text collate "C",
    ref text collate "C",
    version integer not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint compound_code_key unique (code),
    constraint compound_code_shape check (code ~ '^[0-9]{12}X[0-9]{3}$'),
    constraint compound_kind check (kind in ('commercial', 'old', 'self_built', 'three_no', 'resettlement', 'work_unit_housing')),
    constraint compound_delivered_on check (delivered_on between '1800-01-01' and '2200-12-31'),
    constraint compound_floor_area check (floor_area >= 0),
    constraint compound_parking_spaces check (parking_spaces between 0 and 1000000),
    constraint compound_area_code_fkey foreign key (area_code) references community (code),
    constraint compound_pkey primary key (id),
    constraint compound_period check (valid_to > valid_from),
    constraint compound_years check (valid_from between '1800-01-01' and '2200-12-31'),
    constraint compound_source_ref check ((source is null) = (ref is null)),
    constraint compound_source_ref_key unique (source, ref)
);
create index compound_area_code on compound (area_code);
create index compound_name on compound (name, id);
comment on table compound is 'Compounds (小区): residential quarters, in principle one grid each.';
comment on column compound.code is 'Sixteen characters: twelve of the community, X, three digits.';
comment on column compound.area_code is 'The community, from the code.';
comment on column compound.name is 'Name.';
comment on column compound.alias is 'Another name that people use.';
comment on column compound.kind is 'commercial, old, self_built, three_no, resettlement or work_unit_housing.';
comment on column compound.address is 'Address.';
comment on column compound.property_area_number is 'Filing number of the property area (物业管理区域).';
comment on column compound.developer is 'Who built it.';
comment on column compound.delivered_on is 'Day of hand-over.';
comment on column compound.floor_area is 'Total floor area in square metres.';
comment on column compound.parking_spaces is 'Parking spaces.';
comment on column compound.gated is 'Whether it has a wall and a gate.';
comment on column compound.id is 'Identity, for ever.';
comment on column compound.valid_from is 'First day on which it holds.';
comment on column compound.valid_to is 'First day on which it no longer holds; null while it has no end.';
comment on column compound.source is 'System of the caller that knows it by ref.';
comment on column compound.ref is 'Key of the caller, unique within source.';
comment on column compound.version is 'Rises with every change; the ETag.';
comment on column compound.created_at is 'When the row was made.';
comment on column compound.updated_at is 'When the row last changed.';

create table building (
    id uuid not null,
    code text collate "C" not null,
    area_code text collate "C" not null generated always as (left(code, 12)) stored,
    compound_code text collate "C" not null,
    name text collate "zh-x-icu" not null,
    address text,
    floors_above integer,
    floors_below integer,
    building_units integer,
    dwellings integer,
    built_year integer,
    valid_from date not null,
    valid_to date,
    source text collate "C",
    ref text collate "C",
    version integer not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint building_code_key unique (code),
    constraint building_code_shape check (code ~ '^[0-9]{17}$'),
    constraint building_compound_in_community check (left(compound_code, 12) = left(code, 12)),
    constraint building_floors_above check (floors_above between 0 and 200),
    constraint building_floors_below check (floors_below between 0 and 20),
    constraint building_building_units check (building_units between 0 and 100),
    constraint building_dwellings check (dwellings between 0 and 10000),
    constraint building_built_year check (built_year between 1840 and 2200),
    constraint building_compound_code_fkey foreign key (compound_code) references compound (code),
    constraint building_pkey primary key (id),
    constraint building_period check (valid_to > valid_from),
    constraint building_years check (valid_from between '1800-01-01' and '2200-12-31'),
    constraint building_source_ref check ((source is null) = (ref is null)),
    constraint building_source_ref_key unique (source, ref)
);
create index building_area_code on building (area_code);
create index building_compound_code on building (compound_code);
create index building_name on building (name, id);
comment on table building is 'Buildings (楼栋), each in one compound.';
comment on column building.code is 'Seventeen digits: twelve of the community, five of its own.';
comment on column building.area_code is 'The community, from the code.';
comment on column building.compound_code is 'The compound that it stands in.';
comment on column building.name is 'Name or number, such as 3栋.';
comment on column building.address is 'Address.';
comment on column building.floors_above is 'Floors above ground.';
comment on column building.floors_below is 'Floors below ground.';
comment on column building.building_units is 'Entrances (单元).';
comment on column building.dwellings is 'Dwellings (套).';
comment on column building.built_year is 'Year of completion.';
comment on column building.id is 'Identity, for ever.';
comment on column building.valid_from is 'First day on which it holds.';
comment on column building.valid_to is 'First day on which it no longer holds; null while it has no end.';
comment on column building.source is 'System of the caller that knows it by ref.';
comment on column building.ref is 'Key of the caller, unique within source.';
comment on column building.version is 'Rises with every change; the ETag.';
comment on column building.created_at is 'When the row was made.';
comment on column building.updated_at is 'When the row last changed.';

create table compound_grid (
    id uuid not null,
    compound_code text collate "C" not null,
    grid_code text collate "C" not null,
    exception text,
    exception_reason text,
    approved_by text,
    valid_from date not null,
    valid_to date,
    source text collate "C",
    ref text collate "C",
    version integer not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint compound_grid_same_community check (left(compound_code, 12) = left(grid_code, 12)),
    constraint compound_grid_exception check (exception in ('large_split', 'small_merge', 'scattered_merge')),
    constraint compound_grid_exception_reason check ((exception is null) = (exception_reason is null) and (exception is null) = (approved_by is null)),
    constraint compound_grid_compound_code_fkey foreign key (compound_code) references compound (code),
    constraint compound_grid_grid_code_fkey foreign key (grid_code) references grid (code),
    -- Of a length no question speaks, so Postgres searches the other indexes for rows, never these: they are slower, and a row that
    -- is there must not be missed while such an index is full of deleted ones.
    constraint compound_grid_once exclude using gist (compound_code with =, grid_code with =, daterange(valid_from, valid_to) with &&)
        where (length(compound_code) > 0) deferrable initially immediate,
    constraint compound_grid_one_grid exclude using gist (compound_code with =, daterange(valid_from, valid_to) with &&) where (exception is null and length(compound_code) > 0) deferrable initially immediate,
    constraint compound_grid_one_compound exclude using gist (grid_code with =, daterange(valid_from, valid_to) with &&) where (exception is null and length(compound_code) > 0) deferrable initially immediate,
    constraint compound_grid_pkey primary key (id),
    constraint compound_grid_period check (valid_to > valid_from),
    constraint compound_grid_years check (valid_from between '1800-01-01' and '2200-12-31'),
    constraint compound_grid_source_ref check ((source is null) = (ref is null)),
    constraint compound_grid_source_ref_key unique (source, ref)
);
create index compound_grid_compound_code on compound_grid (compound_code);
create index compound_grid_grid_code on compound_grid (grid_code);
comment on table compound_grid is 'Which compound lies in which grid, and since when. In principle one compound is one grid; a further link is an exception with its reason (ORG-05).';
comment on column compound_grid.compound_code is 'The compound.';
comment on column compound_grid.grid_code is 'The grid that it lies in, wholly or in part.';
comment on column compound_grid.exception is 'Why this link is a second one: large_split, small_merge or scattered_merge.';
comment on column compound_grid.exception_reason is 'The reason in words.';
comment on column compound_grid.approved_by is 'Who allowed the exception.';
comment on column compound_grid.id is 'Identity, for ever.';
comment on column compound_grid.valid_from is 'First day on which it holds.';
comment on column compound_grid.valid_to is 'First day on which it no longer holds; null while it has no end.';
comment on column compound_grid.source is 'System of the caller that knows it by ref.';
comment on column compound_grid.ref is 'Key of the caller, unique within source.';
comment on column compound_grid.version is 'Rises with every change; the ETag.';
comment on column compound_grid.created_at is 'When the row was made.';
comment on column compound_grid.updated_at is 'When the row last changed.';

create table grid_size_band (
    id uuid not null,
    valid_from date not null,
    valid_to date,
    min_households integer not null,
    max_households integer not null,
    basis text not null,
    constraint grid_size_band_pkey primary key (id),
    constraint grid_size_band_period check (valid_to > valid_from),
    constraint grid_size_band_order check (0 <= min_households and min_households <= max_households),
    constraint grid_size_band_one_at_a_time exclude using gist (daterange(valid_from, valid_to) with &&)
);
comment on table grid_size_band is 'How many households a grid should have: a local number with a term, that warns and never blocks.';
comment on column grid_size_band.id is 'Identity; reports name the row that they used.';
comment on column grid_size_band.valid_from is 'First day on which it holds.';
comment on column grid_size_band.valid_to is 'First day on which it no longer holds.';
comment on column grid_size_band.min_households is 'Fewest households.';
comment on column grid_size_band.max_households is 'Most households.';
comment on column grid_size_band.basis is 'The notice or practice that it comes from.';
insert into grid_size_band (id, valid_from, min_households, max_households, basis)
values ('00000000-0000-7000-8000-000000000001', '2000-01-01', 300, 500, '通行做法:每个网格300至500户');
