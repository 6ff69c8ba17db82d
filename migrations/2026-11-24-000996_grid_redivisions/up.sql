-- Re-divisions of grids (ORG-12, ORG-03 … ORG-05): a plan says which building and household is in which grid from a day on. It is
-- reviewed, approved and published, and takes effect as a whole.

create function fresh_id() returns uuid volatile language sql as $$
    select encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) placing substring(int8send(floor(extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6), 52, 1), 53, 1), 'hex')::uuid
$$;
comment on function fresh_id() is 'A new id (UUIDv7), for rows that one statement makes many of: later ones sort after earlier ones.';

create table grid_redivision (
    id uuid not null,
    title text collate "zh-x-icu" not null,
    area_code text collate "C" not null,
    effective_on date not null,
    reason text,
    notice_number text collate "C",
    state text not null,
    previous_state text,
    planned_grids integer not null default 0,
    planned_buildings integer not null default 0,
    planned_households integer not null default 0,
    grids_before integer,
    grids_after integer,
    households_before integer,
    households_after integer,
    households_moved integer,
    compound_links_changed integer,
    objects_moved integer,
    source text collate "C",
    ref text collate "C",
    version integer not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint grid_redivision_area_code_shape check (area_code ~ '^([0-9]{6}|[0-9]{9}|[0-9]{12})$'),
    constraint grid_redivision_effective_on check (effective_on between '1800-01-01' and '2200-12-31'),
    constraint grid_redivision_state check (state in ('draft', 'community_submitted', 'subdistrict_review', 'city_review', 'approved', 'published', 'effective', 'withdrawn', 'revoked')),
    constraint grid_redivision_previous_state check (previous_state in ('draft', 'community_submitted', 'subdistrict_review', 'city_review', 'approved', 'published')),
    constraint grid_redivision_notice check (notice_number is not null or state not in ('published', 'effective')),
    constraint grid_redivision_planned check (planned_grids >= 0 and planned_buildings >= 0 and planned_households >= 0),
    -- What was counted stands once it has taken effect, and not before.
    constraint grid_redivision_counts check (
        num_nulls(grids_before, grids_after, households_before, households_after, households_moved, compound_links_changed, objects_moved)
        = case when state = 'effective' then 0 else 7 end
    ),
    constraint grid_redivision_notice_number_fkey foreign key (notice_number) references policy_document (number),
    constraint grid_redivision_pkey primary key (id),
    constraint grid_redivision_source_ref check ((source is null) = (ref is null)),
    constraint grid_redivision_source_ref_key unique (source, ref)
);
create index grid_redivision_area_code on grid_redivision (area_code, id);
create index grid_redivision_notice_number on grid_redivision (notice_number);
create index grid_redivision_due on grid_redivision (effective_on, id) where state = 'published';
comment on table grid_redivision is 'Re-divisions of grids: how an area is divided from a day on, from the draft to its effect (ORG-12).';
comment on column grid_redivision.id is 'Identity, for ever.';
comment on column grid_redivision.title is 'Title.';
comment on column grid_redivision.area_code is 'The community, subdistrict or city that is divided anew, all of it.';
comment on column grid_redivision.effective_on is 'First day of the new division.';
comment on column grid_redivision.reason is 'Why the area is divided anew.';
comment on column grid_redivision.notice_number is 'Number of the notice that publishes it; null before.';
comment on column grid_redivision.state is 'Where it is on its way; the moves stand in docs/WORKFLOWS.md.';
comment on column grid_redivision.previous_state is 'Where it was before; null before its first move.';
comment on column grid_redivision.planned_grids is 'Grids of the plan.';
comment on column grid_redivision.planned_buildings is 'Buildings of the plan.';
comment on column grid_redivision.planned_households is 'Households of the plan that part from their buildings.';
comment on column grid_redivision.grids_before is 'Grids of the area on the day before; null until it has taken effect, like all that follows.';
comment on column grid_redivision.grids_after is 'Grids of the area on the day.';
comment on column grid_redivision.households_before is 'Households in grids of the area on the day before.';
comment on column grid_redivision.households_after is 'Households in grids of the area on the day.';
comment on column grid_redivision.households_moved is 'Households that came into another grid.';
comment on column grid_redivision.compound_links_changed is 'Links of compounds to grids that ended or began.';
comment on column grid_redivision.objects_moved is 'People and other objects that went with the grid that they belonged to.';
comment on column grid_redivision.source is 'System of the caller that knows it by ref.';
comment on column grid_redivision.ref is 'Key of the caller, unique within source.';
comment on column grid_redivision.version is 'Rises with every change, also of its plan; the ETag.';
comment on column grid_redivision.created_at is 'When the row was made.';
comment on column grid_redivision.updated_at is 'When the row last changed.';

create table grid_redivision_grid (
    redivision_id uuid not null,
    code text collate "C" not null,
    name text collate "zh-x-icu" not null,
    kind text,
    exception text,
    exception_reason text,
    approved_by text,
    reason text,
    boundary jsonb,
    constraint grid_redivision_grid_code_shape check (code ~ '^[0-9]{15}$'),
    constraint grid_redivision_grid_kind check (kind in ('urban', 'rural', 'dedicated')),
    constraint grid_redivision_grid_boundary check (boundary ->> 'type' in ('Polygon', 'MultiPolygon')),
    constraint grid_redivision_grid_exception check (exception in ('large_split', 'small_merge', 'scattered_merge')),
    constraint grid_redivision_grid_exception_reason check ((exception is null) = (exception_reason is null) and (exception is null) = (approved_by is null)),
    constraint grid_redivision_grid_redivision_id_fkey foreign key (redivision_id) references grid_redivision (id),
    constraint grid_redivision_grid_pkey primary key (redivision_id, code)
);
comment on table grid_redivision_grid is 'The grids that a re-division leaves: those that go on, and new ones. A grid of the area that is not among them closes.';
comment on column grid_redivision_grid.redivision_id is 'The re-division.';
comment on column grid_redivision_grid.code is 'Code of the grid; a new one has not been used before.';
comment on column grid_redivision_grid.name is 'Name from that day on.';
comment on column grid_redivision_grid.kind is 'What it covers from that day on; null leaves it, and of a new grid means urban.';
comment on column grid_redivision_grid.exception is 'Why a compound has more than one grid here, or the grid more than one compound: large_split, small_merge or scattered_merge.';
comment on column grid_redivision_grid.exception_reason is 'The reason in words.';
comment on column grid_redivision_grid.approved_by is 'Who allowed the exception.';
comment on column grid_redivision_grid.reason is 'Why the grid changes; told in its lineage.';
comment on column grid_redivision_grid.boundary is 'Its boundary on the ground from that day on, as in grid; null leaves the one that it has.';

create table grid_redivision_building (
    redivision_id uuid not null,
    building_code text collate "C" not null,
    grid_code text collate "C" not null,
    constraint grid_redivision_building_grid_code_fkey foreign key (redivision_id, grid_code) references grid_redivision_grid (redivision_id, code),
    constraint grid_redivision_building_building_code_fkey foreign key (building_code) references building (code),
    constraint grid_redivision_building_community check (left(building_code, 12) = left(grid_code, 12)),
    constraint grid_redivision_building_pkey primary key (redivision_id, building_code)
);
create index grid_redivision_building_grid_code on grid_redivision_building (redivision_id, grid_code);
create index grid_redivision_building_building_code on grid_redivision_building (building_code);
comment on table grid_redivision_building is 'In which grid each building is from the day of a re-division on; its households go with it.';
comment on column grid_redivision_building.redivision_id is 'The re-division.';
comment on column grid_redivision_building.building_code is 'The building.';
comment on column grid_redivision_building.grid_code is 'The grid, one of the plan.';

create table grid_redivision_household (
    redivision_id uuid not null,
    household_code text collate "C" not null,
    grid_code text collate "C" not null,
    constraint grid_redivision_household_grid_code_fkey foreign key (redivision_id, grid_code) references grid_redivision_grid (redivision_id, code),
    constraint grid_redivision_household_household_code_fkey foreign key (household_code) references household (code),
    constraint grid_redivision_household_community check (left(household_code, 12) = left(grid_code, 12)),
    constraint grid_redivision_household_pkey primary key (redivision_id, household_code)
);
create index grid_redivision_household_grid_code on grid_redivision_household (redivision_id, grid_code);
create index grid_redivision_household_household_code on grid_redivision_household (household_code);
comment on table grid_redivision_household is 'Households that part from their buildings in a re-division.';
comment on column grid_redivision_household.redivision_id is 'The re-division.';
comment on column grid_redivision_household.household_code is 'The household.';
comment on column grid_redivision_household.grid_code is 'The grid, one of the plan.';

-- A grid may give a part of its ground to another and go on itself.
alter table grid_lineage drop constraint grid_lineage_kind;
alter table grid_lineage add constraint grid_lineage_kind check (kind in ('unchanged', 'renamed', 'split', 'merged', 'adjusted', 'created', 'abolished'));
comment on column grid_lineage.kind is 'unchanged, renamed (a new code for the same ground), split, merged, adjusted (a part went to another, and it goes on), created or abolished.';
