-- Lineage of grids (ORG-12): what became of which grid when a city was divided anew, and where each comes from.

create table grid_lineage (
    id uuid not null,
    old_code text collate "C",
    new_code text collate "C",
    kind text not null,
    area_code text collate "C" not null generated always as (left(coalesce(new_code, old_code), 12)) stored,
    households_moved integer,
    reason text,
    valid_from date not null,
    valid_to date,
    version integer not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint grid_lineage_kind check (kind in ('unchanged', 'renamed', 'split', 'merged', 'created', 'abolished')),
    constraint grid_lineage_ends check (
        (old_code is null) = (kind = 'created') and (new_code is null) = (kind = 'abolished')
        and coalesce((old_code = new_code) = (kind = 'unchanged'), true)
    ),
    constraint grid_lineage_households_moved check (households_moved between 0 and 1000000),
    constraint grid_lineage_old_code_fkey foreign key (old_code) references grid (code),
    constraint grid_lineage_new_code_fkey foreign key (new_code) references grid (code),
    constraint grid_lineage_once unique nulls not distinct (old_code, new_code, valid_from),
    constraint grid_lineage_pkey primary key (id),
    constraint grid_lineage_period check (valid_to > valid_from),
    constraint grid_lineage_years check (valid_from between '1800-01-01' and '2200-12-31')
);
create index grid_lineage_old_code on grid_lineage (old_code);
create index grid_lineage_new_code on grid_lineage (new_code);
create index grid_lineage_area_code on grid_lineage (area_code);
comment on table grid_lineage is 'Lineage of grids: what became of which grid when the city was divided anew (ORG-12).';
comment on column grid_lineage.id is 'Identity, for ever.';
comment on column grid_lineage.old_code is 'The grid before; null of one that was created.';
comment on column grid_lineage.new_code is 'The grid after; null of one that was abolished.';
comment on column grid_lineage.kind is 'unchanged, renamed (a new code for the same ground), split, merged, created or abolished.';
comment on column grid_lineage.area_code is 'The community, from the code of the grid after, else before.';
comment on column grid_lineage.households_moved is 'Households that went from the one to the other.';
comment on column grid_lineage.reason is 'Why, as the plan said it.';
comment on column grid_lineage.valid_from is 'Day on which the division took effect.';
comment on column grid_lineage.valid_to is 'Always null: what happened does not end.';
comment on column grid_lineage.version is 'Rises with every change; the ETag.';
comment on column grid_lineage.created_at is 'When the row was made.';
comment on column grid_lineage.updated_at is 'When the row last changed.';
